"""How one entity type is kept in step: the saved configuration with its revision."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from crmlink_common.contracts.cloudevents import Contract, Data, Id, Revision, Topic

Expression = Annotated[str, Field(max_length=2_000)]


class Direction(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"
    BOTH = "both"


class Policy(StrEnum):
    """Who wins when both sides differ from what they last agreed on."""

    MEMBER = "member"
    SALESFORCE = "salesforce"
    LATEST = "latest"
    SALESFORCE_UNLESS_BLANK = "salesforce_unless_blank"


class Rule(Contract):
    """One member field and one remote field. Empty expressions mean ``source.<field>``."""

    id: Id
    member_field: str = Field(min_length=1, max_length=255)  # `email`, or `fields.<key>`
    remote_field: str = Field(min_length=1, max_length=255)
    direction: Direction = Direction.OUTBOUND
    outbound: Expression = ""
    inbound: Expression = ""
    preset: str = Field("", max_length=200)
    policy: Policy | None = None  # None: by the rule's direction (see `effective_policy`)
    on_empty: Literal["skip", "clear"] = "skip"
    enabled: bool = True

    @property
    def effective_policy(self) -> Policy:
        """Two-way rules favour Salesforce unless it is blank; one-way rules the writing side."""
        if self.policy is not None:
            return self.policy
        match self.direction:
            case Direction.OUTBOUND:
                return Policy.MEMBER
            case Direction.INBOUND:
                return Policy.SALESFORCE
            case Direction.BOTH:
                return Policy.SALESFORCE_UNLESS_BLANK


class EntityParams(Contract):
    """The only Salesforce-specific part of the configuration."""

    target_object: str = Field("Contact", min_length=1, max_length=80)
    upsert_field: str = Field("Email", min_length=1, max_length=80)
    record_type_id: str = Field("", max_length=18)


class Capture(Contract):
    """How changes in Salesforce are noticed; intervals in seconds."""

    mode: Literal["auto", "stream", "poll"] = "auto"
    interval_min: int = Field(5, ge=1, le=86_400)
    interval_max: int = Field(300, ge=1, le=86_400)


class EntityConfig(Contract):
    """The configuration of one entity type, as a person saves it."""

    outbound_enabled: bool = False
    inbound_enabled: bool = False
    mode: Literal["observe", "active"] = "active"
    rules: list[Rule] = Field(default_factory=list, max_length=200)
    outbound_filter: Expression = ""
    inbound_filter: Expression = ""
    match_strategy: Literal["linked_only", "upsert_field", "match_or_create"] = "upsert_field"
    unlinked_record_policy: Literal["ignore", "create_member"] = "ignore"
    delete_policy: Literal["keep"] = "keep"
    entity_params: EntityParams = EntityParams()
    capture: Capture = Capture()


class SyncConfig(Data):
    entity: Id
    revision: Revision
    config: EntityConfig

    @property
    def key(self) -> str:
        return f"{self.workspace_id}/{self.entity}"


SYNC_CONFIGS_V1 = Topic("sync-configs.v1", SyncConfig, writers=frozenset({"sync-outbound"}))
