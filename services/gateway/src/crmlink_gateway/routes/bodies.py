"""What callers send."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

MemberId = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Credentials(Body):
    """An empty ``client_secret`` keeps the stored one; ``login_url`` is the Instance URL."""

    client_id: str = Field(min_length=1, max_length=512)
    client_secret: SecretStr = Field(SecretStr(""), max_length=512)
    login_url: str = Field("https://login.salesforce.com", min_length=1, max_length=255)
    api_version: str = Field("", max_length=16)


class OrgChoice(Body):
    """Which org was meant; without it, the one that waits to be confirmed."""

    org_id: str | None = Field(None, pattern=r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")


class Features(Body):
    crm_salesforce: bool | None = None
    default_region: str | None = Field(None, pattern=r"^[A-Z]{2}$")


class LinkWish(Body):
    """One of: ``member_id`` (with ``record_id`` to choose), ``member_ids``, ``all``."""

    member_id: MemberId | None = None
    record_id: str | None = Field(None, pattern=r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")
    member_ids: list[MemberId] | None = Field(None, min_length=1, max_length=1_000)
    all: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> LinkWish:
        ways = [self.member_id, self.member_ids, self.all]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give exactly one of member_id, member_ids and all")
        if self.record_id is not None and self.member_id is None:
            raise ValueError("record_id goes with member_id")
        return self


class SyncWish(Body):
    """Without a direction, both that are switched on run, as one group."""

    entity: str = Field("member", min_length=1, max_length=64)
    direction: Literal["outbound", "inbound"] | None = None
    scope: Literal["changed", "all"] = "changed"
