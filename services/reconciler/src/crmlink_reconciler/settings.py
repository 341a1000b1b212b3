"""Everything this process reads from its environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crmlink_common.salesforce.settings import SalesforceSettings


class Settings(SalesforceSettings):
    model_config = SettingsConfigDict(env_prefix="RECONCILER_", frozen=True)

    oauth_url: str
    concurrent_runs: int = Field(default=2, ge=1, le=16)
