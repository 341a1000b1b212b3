"""Everything this process reads from its environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crmlink_common.salesforce.settings import SalesforceSettings


class Settings(SalesforceSettings):
    model_config = SettingsConfigDict(env_prefix="SYNC_INBOUND_", frozen=True)

    oauth_url: str
    lease_seconds: int = Field(default=180, ge=5, le=600)  # longer than a call with all its tries
    pollers: int = Field(default=4, ge=1, le=32)  # workspaces polled at the same time
