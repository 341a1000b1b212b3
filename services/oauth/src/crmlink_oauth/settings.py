"""Everything this process reads from its environment, read once, at the edge."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from crmlink_common.crypto.keyring import KeyRing, KeyRingError
from crmlink_common.salesforce.settings import SalesforceSettings


class Settings(SalesforceSettings):
    """Without a good key in ``encryption_keys`` the process does not start."""

    model_config = SettingsConfigDict(env_prefix="OAUTH_", frozen=True, hide_input_in_errors=True)

    # JSON: key id -> base64 of 32 bytes; the first is current. Not given, it says how to make one
    encryption_keys: SecretStr = Field(SecretStr(""), validate_default=True)
    public_url: str = Field(pattern=r"^https?://[^\s/?#@]+/?$")  # where people reach the gateway
    product_name: str = "CRMLink"
    refresh_idle_days: int = Field(7, ge=1, le=25)  # Salesforce may let idle tokens expire after 30

    @field_validator("encryption_keys")
    @classmethod
    def _good_keys(cls, setting: SecretStr) -> SecretStr:
        try:
            KeyRing.from_setting(setting)
        except KeyRingError as exc:  # its text never shows a key
            raise ValueError(str(exc)) from None
        return setting
