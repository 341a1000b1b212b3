"""What this service keeps; every key begins with the workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel


class Row(SQLModel):
    metadata: ClassVar[MetaData] = MetaData()


def _key(kind: Any = Text) -> Any:  # noqa: ANN401 - SQLModel takes any column type
    return Field(primary_key=True, sa_type=kind)


def _text() -> Any:  # noqa: ANN401 - as above
    return Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})


def _number(default: int = 0) -> Any:  # noqa: ANN401 - as above
    return Field(
        default=default, sa_type=BigInteger, sa_column_kwargs={"server_default": str(default)}
    )


def _flag() -> Any:  # noqa: ANN401 - as above
    return Field(default=False, sa_type=Boolean, sa_column_kwargs={"server_default": "false"})


def _time() -> Any:  # noqa: ANN401 - as above
    return Field(default=None, sa_type=DateTime(timezone=True))


def _since(name: str) -> Any:  # noqa: ANN401 - as above
    kind = DateTime(timezone=True)
    return Field(sa_column=Column(name, kind, nullable=False, server_default=func.now()))


def _json(name: str) -> Any:  # noqa: ANN401 - as above
    return Field(sa_column=Column(name, JSONB, nullable=False, server_default="{}"))


def _names(name: str) -> Any:  # noqa: ANN401 - as above
    return Field(sa_column=Column(name, ARRAY(Text), nullable=False, server_default="{}"))


class WorkspaceRow(Row, table=True):
    __tablename__ = "workspaces"

    workspace_id: str = _key()
    revision: int = _number()
    crm_salesforce: bool = _flag()
    default_region: str = Field(default="US", sa_type=Text)
    deleted_at: datetime | None = _time()


class ConnectionRow(Row, table=True):
    __tablename__ = "connections"

    workspace_id: str = _key()
    revision: int = _number()
    usable: bool = _flag()
    org_id: str = _text()
    epoch: int = _number()
    deleted_at: datetime | None = _time()


class ConfigRow(Row, table=True):
    """``rule_revisions``: the revision under which each rule last changed its meaning."""

    __tablename__ = "sync_configs"

    workspace_id: str = _key()
    entity: str = _key()
    revision: int = _number()
    config: dict[str, Any] = _json("config")
    rule_revisions: dict[str, int] = _json("rule_revisions")
    outbound_enabled: bool = _flag()
    inbound_enabled: bool = _flag()
    linked_only: bool = _flag()
    saved_at: datetime = _since("saved_at")
    event_fired_at: datetime | None = _time()  # the managed rule "member updated -> sync"


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
        Index("pairs_awaiting", "workspace_id", postgresql_where=text("awaiting <> '{}'")),
        Index(
            "pairs_exceptions",
            "workspace_id",
            "outcome_at",
            postgresql_where=text("outcome in ('skipped', 'failed', 'unknown')"),
        ),
    )

    workspace_id: str = _key()
    entity: str = _key()
    member_id: str = _key()
    member: dict[str, Any] = _json("member")
    member_version: int = _number(-1)
    member_updated_at: datetime | None = _time()
    member_deleted: bool = _flag()
    link_state: str = _text()
    link_reason: str = _text()
    link_revision: int = _number(-1)
    record_id: str = _text()
    object: str = _text()
    org_id: str = _text()
    expected_record_id: str = _text()  # created or adopted; its link has not come yet
    record: dict[str, Any] = _json("record")
    record_modified_at: datetime | None = _time()
    record_fate: str = _text()
    observed_at: datetime | None = _time()
    confirmed_at: datetime | None = _time()
    last_write_at: datetime | None = _time()  # the org's clock
    reread: bool = _flag()
    base: dict[str, Any] = _json("base")
    awaiting: dict[str, Any] = _json("awaiting")
    swings: dict[str, Any] = _json("swings")
    outcome: str = _text()
    outcome_code: str = _text()
    outcome_fields: list[str] = _names("outcome_fields")
    outcome_at: datetime | None = _time()
    changed_at: datetime = _since("changed_at")


class PendingRow(Row, table=True):
    """What may differ. A settling worker deletes only the generation it worked on."""

    __tablename__ = "pending"
    __table_args__ = (Index("pending_due", "workspace_id", "due_at"),)

    workspace_id: str = _key()
    entity: str = _key()
    member_id: str = _key()
    generation: int = _number(1)
    due_at: datetime = _since("due_at")
    reason: str = _text()
    class_: str = Field(
        sa_column=Column("class", Text, nullable=False, server_default="event")
    )  # event | batch
    attempts: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": "0"})
    lease_holder: str = _text()
    lease_until: datetime | None = _time()
    leased_generation: int = _number()
    last_code: str = _text()


class QueueRow(Row, table=True):
    """Whose turn it is. ``parked_until`` holds a workspace back whatever comes in."""

    __tablename__ = "workspace_queue"
    __table_args__ = (Index("workspace_queue_due", "due_at"),)

    workspace_id: str = _key()
    due_at: datetime = _since("due_at")
    lease_holder: str = _text()
    lease_until: datetime | None = _time()
    parked_until: datetime | None = _time()
    parked_code: str = _text()
    parkings: int = Field(default=0, sa_type=Integer, sa_column_kwargs={"server_default": "0"})
    usage_used: int | None = Field(default=None, sa_type=BigInteger)
    usage_limit: int | None = Field(default=None, sa_type=BigInteger)
    usage_at: datetime | None = _time()


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
    )

    workspace_id: str = _key()
    intent_id: UUID = _key(Uuid)
    entity: str = _text()
    member_id: str = _text()
    object: str = _text()
    key: str = _text()  # a digest of the value that the record is looked for by
    sought: str = _text()
    state: str = _text()
    sent_at: datetime | None = _time()  # the org's clock
    sending_since: datetime | None = _time()
    record_id: str = _text()
    reason: str = _text()
    created_at: datetime = _since("created_at")


class ConflictRow(Row, table=True):
    """A difference that a policy decided, with both values and who won."""

    __tablename__ = "conflicts"
    __table_args__ = (Index("conflicts_newest", "workspace_id", "at"),)

    workspace_id: str = _key()
    conflict_id: UUID = _key(Uuid)
    entity: str = _text()
    member_id: str = _text()
    record_id: str = _text()
    rule_id: str = _text()
    kind: str = _text()  # conflict | first_agreement
    winner: str = _text()  # member | salesforce | nobody
    sides: dict[str, Any] = _json("sides")
    at: datetime = _since("at")


class MarkRow(Row, table=True):
    """A generation of pending work that a run waits for; counted exactly once."""

    __tablename__ = "run_marks"
    __table_args__ = (
        Index(
            "run_marks_member",
            "workspace_id",
            "entity",
            "member_id",
            postgresql_where=text("not counted"),
        ),
        Index("run_marks_open", "workspace_id", "run_id", postgresql_where=text("not counted")),
    )

    workspace_id: str = _key()
    run_id: UUID = _key(Uuid)
    entity: str = _key()
    member_id: str = _key()
    generation: int = _number()
    counted: bool = _flag()


class TallyRow(Row, table=True):
    """How many of a run's members came to what."""

    __tablename__ = "run_tallies"

    workspace_id: str = _key()
    run_id: UUID = _key(Uuid)
    name: str = _key()
    n: int = _number()


class ItemRow(Row, table=True):
    """An exception within a run."""

    __tablename__ = "run_items"

    workspace_id: str = _key()
    run_id: UUID = _key(Uuid)
    entity: str = _key()
    member_id: str = _key()
    outcome: str = _text()
    code: str = _text()
    fields: list[str] = _names("fields")
    record_id: str = _text()
    at: datetime = _since("at")


class CheckpointRow(Row, table=True):
    """Where "only changed" starts, per entity type and direction."""

    __tablename__ = "checkpoints"

    workspace_id: str = _key()
    entity: str = _key()
    direction: str = _key()
    at: datetime = _since("at")
    run_id: UUID | None = Field(default=None, sa_type=Uuid)


metadata = Row.metadata
