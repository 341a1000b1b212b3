"""Everything this process reads from its environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crmlink_common.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="SYNC_OUTBOUND_", frozen=True)

    oauth_url: str
    reconciler_url: str
    workers: int = Field(default=4, ge=1, le=32)  # workspaces worked for at the same time
