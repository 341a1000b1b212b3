"""What every service reads from its environment, once, at the edge; each has its own prefix."""

from __future__ import annotations

from uuid import uuid4

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class ServiceSettings(BaseSettings):
    """Subclasses set ``model_config = SettingsConfigDict(env_prefix=..., frozen=True)``."""

    kafka_bootstrap: str
    database_dsn: SecretStr
    internal_key: SecretStr  # Ed25519 private key: base64 of its PEM
    internal_trusted: str = "{}"  # JSON: service name -> base64 of its public key's PEM
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    lease_seconds: int = Field(default=60, ge=5, le=600)  # how long work waits for a dead holder
    instance: str = Field(default_factory=lambda: uuid4().hex[:12])
