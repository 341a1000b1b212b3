"""Everything this process reads from its environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crmlink_common.salesforce.settings import SalesforceSettings


class Settings(SalesforceSettings):
    model_config = SettingsConfigDict(env_prefix="TOOLS_", frozen=True)

    oauth_url: str
    lease_seconds: int = Field(default=120, ge=5, le=600)  # longer than an answer may take
    concurrent_requests: int = Field(default=8, ge=1, le=64)
    concurrent_requests_per_workspace: int = Field(default=4, ge=1, le=64)
