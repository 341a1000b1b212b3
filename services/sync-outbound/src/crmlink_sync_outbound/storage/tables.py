"""What this service keeps; every key begins with the workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, Integer, Text, Uuid, text
from sqlmodel import Field

from crmlink_sync_outbound.storage import columns, run_tables
from crmlink_sync_outbound.storage.columns import (
    Row,
    document,
    flag,
    key,
    moment,
    names,
    number,
    since,
    words,
)


class WorkspaceRow(Row, table=True):
    __tablename__ = "workspaces"

    workspace_id: str = key()
    revision: int = number()
    crm_salesforce: bool = flag()
    default_region: str = Field(default="US", sa_type=Text)
    deleted_at: datetime | None = moment()


class ConnectionRow(Row, table=True):
    __tablename__ = "connections"
    __table_args__ = (
        Index(
            "connections_ended",
            "ended_at",
            "workspace_id",
            postgresql_where=text("ended_at is not null"),
        ),
    )

    workspace_id: str = key()
    revision: int = number()
    usable: bool = flag()
    org_id: str = words()
    epoch: int = number()
    deleted_at: datetime | None = moment()
    ended_at: datetime | None = moment()  # deleted then; what stood on it is still to go


class ConfigRow(Row, table=True):
    """``rule_revisions``: the revision under which each rule last changed its meaning.

    One that went with its connection stays as a deleted row: revisions must not begin again.
    """

    __tablename__ = "sync_configs"

    workspace_id: str = key()
    entity: str = key()
    revision: int = number()
    config: dict[str, Any] = document("config")
    rule_revisions: dict[str, int] = document("rule_revisions")
    outbound_enabled: bool = flag()
    inbound_enabled: bool = flag()
    linked_only: bool = flag()
    saved_at: datetime = since("saved_at")
    deleted_at: datetime | None = moment()
    event_fired_at: datetime | None = moment()  # the managed rule "member updated -> sync"


class PairRow(Row, table=True):
    """A member, its link, its record as last seen, and the base of each rule."""

    __tablename__ = "pairs"
    __table_args__ = (
        Index(
            "pairs_record", "workspace_id", "record_id", postgresql_where=text("record_id <> ''")
        ),
        Index(
            "pairs_expected",
            "workspace_id",
            "expected_record_id",
            postgresql_where=text("expected_record_id <> ''"),
        ),
        Index("pairs_changed", "workspace_id", "entity", "changed_at"),
        Index("pairs_deleted", "changed_at", postgresql_where=text("member_deleted")),
        Index(
            "pairs_other_org",
            "workspace_id",
            "org_id",
            postgresql_where=text("outcome_code = 'other_org'"),
        ),
        Index("pairs_awaiting", "workspace_id", postgresql_where=text("awaiting <> '{}'")),
        Index(
            "pairs_exceptions",
            "workspace_id",
            "outcome_at",
            postgresql_where=text("outcome in ('skipped', 'failed', 'unknown')"),
        ),
    )

    workspace_id: str = key()
    entity: str = key()
    member_id: str = key()
    member: dict[str, Any] = document("member")
    member_version: int = number(-1)
    member_updated_at: datetime | None = moment()
    member_deleted: bool = flag()
    link_state: str = words()
    link_reason: str = words()
    link_revision: int = number(-1)
    record_id: str = words()
    object: str = words()
    org_id: str = words()
    expected_record_id: str = words()  # created or adopted; its link has not come yet
    record: dict[str, Any] = document("record")
    record_modified_at: datetime | None = moment()
    record_fate: str = words()
    observed_at: datetime | None = moment()
    confirmed_at: datetime | None = moment()
    last_write_at: datetime | None = moment()  # the org's clock
    reread: bool = flag()
    base: dict[str, Any] = document("base")
    awaiting: dict[str, Any] = document("awaiting")
    swings: dict[str, Any] = document("swings")
    outcome: str = words()
    outcome_code: str = words()
    outcome_fields: list[str] = names("outcome_fields")
    outcome_at: datetime | None = moment()
    changed_at: datetime = since("changed_at")


class PendingRow(Row, table=True):
    """What may differ. A settling worker deletes only the generation it worked on."""

    __tablename__ = "pending"
    __table_args__ = (Index("pending_due", "workspace_id", "due_at"),)

    workspace_id: str = key()
    entity: str = key()
    member_id: str = key()
    generation: int = number(1)
    due_at: datetime = since("due_at")
    reason: str = words()
    class_: str = Field(
        sa_column=Column("class", Text, nullable=False, server_default="event")
    )  # event | batch
    attempts: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": "0"})
    lease_holder: str = words()
    lease_until: datetime | None = moment()
    leased_generation: int = number()
    last_code: str = words()


class QueueRow(Row, table=True):
    """Whose turn it is. ``parked_until`` holds a workspace back whatever comes in."""

    __tablename__ = "workspace_queue"
    __table_args__ = (Index("workspace_queue_due", "due_at"),)

    workspace_id: str = key()
    due_at: datetime = since("due_at")
    lease_holder: str = words()
    lease_until: datetime | None = moment()
    parked_until: datetime | None = moment()
    parked_code: str = words()
    parkings: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": "0"})
    usage_used: int | None = Field(default=None, sa_type=BigInteger)
    usage_limit: int | None = Field(default=None, sa_type=BigInteger)
    usage_at: datetime | None = moment()


class WakeRow(Row, table=True):
    """Something came in for a workspace. Appended by handlers, taken away by workers."""

    __tablename__ = "wakes"

    workspace_id: str = key()
    wake_id: UUID = Field(
        sa_column=Column(
            "wake_id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")
        )
    )
    unpark: bool = flag()


class IntentRow(Row, table=True):
    """A create from before its reservation until its outcome is known; never two of one key."""

    __tablename__ = "create_intents"
    __table_args__ = (
        Index(
            "create_intents_open_member",
            "workspace_id",
            "member_id",
            unique=True,
            postgresql_where=text("state in ('reserved', 'sending', 'unknown')"),
        ),
        Index(
            "create_intents_open_key",
            "workspace_id",
            "object",
            "key",
            unique=True,
            postgresql_where=text("state in ('reserved', 'sending', 'unknown')"),
        ),
        Index(
            "create_intents_ended",
            "created_at",
            postgresql_where=text("state in ('done', 'released')"),
        ),
    )

    workspace_id: str = key()
    intent_id: UUID = key(Uuid)
    entity: str = words()
    member_id: str = words()
    object: str = words()
    field: str = words()  # by which it is looked for
    key: str = words()  # a digest of the value that the record is looked for by
    sought: str = words()
    state: str = words()
    sent_at: datetime | None = moment()  # the org's clock
    sending_since: datetime | None = moment()
    record_id: str = words()
    reason: str = words()
    created_at: datetime = since("created_at")


class ConflictRow(Row, table=True):
    """A difference that a policy decided, with both values and who won."""

    __tablename__ = "conflicts"
    __table_args__ = (Index("conflicts_newest", "workspace_id", "at"), Index("conflicts_at", "at"))

    workspace_id: str = key()
    conflict_id: UUID = key(Uuid)
    entity: str = words()
    member_id: str = words()
    record_id: str = words()
    rule_id: str = words()
    kind: str = words()  # conflict | first_agreement
    winner: str = words()  # member | salesforce | nobody
    sides: dict[str, Any] = document("sides")
    at: datetime = since("at")


RUN_TABLES = (
    run_tables.MarkRow,
    run_tables.TallyRow,
    run_tables.ItemRow,
    run_tables.CheckpointRow,
)
metadata = columns.Row.metadata
