"""Everything this process reads from its environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crmlink_common.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="SYNC_INBOUND_", frozen=True)

    oauth_url: str
    pollers: int = Field(default=4, ge=1, le=32)  # workspaces polled at the same time
