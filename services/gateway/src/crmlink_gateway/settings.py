"""Everything this process reads from its environment."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from crmlink_common.settings import ServiceSettings
from crmlink_gateway.domain.access import SHORTEST_KEY


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, hide_input_in_errors=True)

    public_url: str = Field(pattern=r"^https?://[^\s/?#@]+/?$")  # where people reach this process
    oauth_url: str
    reconciler_url: str
    sync_outbound_url: str
    sync_inbound_url: str
    tools_url: str
    product_name: str = "CRMLink"
    bootstrap_key: SecretStr | None = None  # an admin API key that holds from the first start
    bootstrap_workspace: UUID | None = None
    max_streams: int = Field(default=200, ge=1, le=10_000)  # of people who watch, per process
    max_streams_per_workspace: int = Field(default=50, ge=1, le=10_000)
    max_body_bytes: int = Field(default=1_000_000, ge=10_000, le=10_000_000)

    @field_validator("bootstrap_key")
    @classmethod
    def _hard_to_guess(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"an API key has at least {SHORTEST_KEY} characters")
        return key

    @model_validator(mode="after")
    def _both_or_neither(self) -> Settings:
        if (self.bootstrap_key is None) != (self.bootstrap_workspace is None):
            raise ValueError("bootstrap_key and bootstrap_workspace are given together")
        return self

    @property
    def base_url(self) -> str:
        """The public address without the slash at its end."""
        return self.public_url.rstrip("/")

    @property
    def https(self) -> bool:
        """Whether cookies may insist on https."""
        return self.public_url.startswith("https:")
