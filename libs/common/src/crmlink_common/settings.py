"""What every service reads from its environment, once, at the edge; each has its own prefix."""

from __future__ import annotations

import sys
from typing import TypeVar
from uuid import uuid4

from cryptography.exceptions import UnsupportedAlgorithm
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings

from crmlink_common.internal.auth import Callers, Signer, trusted_keys

PAIR = (
    'make a pair with: python -c "from crmlink_common.internal.auth import new_key_pair; '
    "print(*new_key_pair(), sep='\\n')\""
)


class ServiceSettings(BaseSettings):
    """Subclasses set ``model_config = SettingsConfigDict(env_prefix=..., frozen=True)``."""

    kafka_bootstrap: str
    database_dsn: SecretStr
    internal_key: SecretStr  # Ed25519 private key: base64 of its PEM
    internal_trusted: str = "{}"  # JSON: service name -> base64 of its public key's PEM, or two
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    lease_seconds: int = Field(default=60, ge=5, le=600)  # how long work waits for a dead holder
    instance: str = Field(default_factory=lambda: uuid4().hex[:12])

    @field_validator("internal_key")
    @classmethod
    def _signs(cls, key: SecretStr) -> SecretStr:
        try:
            Signer("", key)
        except (ValueError, TypeError, UnsupportedAlgorithm):  # their texts may quote the key
            raise ValueError(
                f"this is no base64 of an Ed25519 private key in PEM; {PAIR}"
            ) from None
        return key

    @field_validator("internal_trusted")
    @classmethod
    def _verifies(cls, trusted: str) -> str:
        try:
            Callers("", trusted_keys(trusted))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError(
                "a JSON object is needed, service name to base64 of its Ed25519 public key in PEM "
                f"(or to a list of two); {PAIR}"
            ) from None
        return trusted


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def read_settings(kind: type[SettingsT]) -> SettingsT | None:
    """Read them from the environment, or say line by line on stderr what is wrong with them.

    Never with what was given: it holds keys.
    """
    try:
        return kind()
    except ValidationError as exc:
        prefix = kind.model_config.get("env_prefix", "")
        for error in exc.errors(include_input=False, include_url=False, include_context=False):
            name = prefix + "_".join(str(part) for part in error["loc"]).upper()
            sys.stderr.write(f"{name}: {error['msg']}\n")
        return None
