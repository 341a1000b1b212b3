"""What the reconciler keeps. Every key begins with the workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class Row(SQLModel):
    metadata: ClassVar[MetaData] = MetaData()


def _optional_time() -> Any:  # noqa: ANN401 - SQLModel takes any column
    return Field(default=None, sa_type=DateTime(timezone=True))


def _time_of_insert() -> Any:  # noqa: ANN401 - SQLModel takes any column
    column = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    return Field(sa_column=column)


class MemberRow(Row, table=True):
    """The directory. A deleted member leaves its version, kept until no old message can come."""

    __tablename__ = "members"
    __table_args__ = (
        Index("members_gone", "deleted_at", postgresql_where=text("deleted_at is not null")),
    )

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    member_id: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(sa_type=BigInteger)
    email: str = Field(sa_type=Text)
    phone: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    evidence: dict[str, Any] = Field(sa_column=Column("evidence", JSONB, nullable=False))
    deleted: bool = False
    deleted_at: datetime | None = _optional_time()


class LinkRow(Row, table=True):
    """One decision a member; a record has one linked member at most."""

    __tablename__ = "links"
    __table_args__ = (
        Index(
            "links_one_member",
            "workspace_id",
            "org_id",
            "record_id",
            unique=True,
            postgresql_where=text("state = 'linked'"),
        ),
        Index("links_state", "workspace_id", "state", "member_id"),
    )

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    member_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    state: str = Field(sa_type=Text)
    record_id: str = Field(sa_type=Text)
    object: str = Field(sa_type=Text)
    account_id: str = Field(sa_type=Text)
    owner_id: str = Field(sa_type=Text)
    org_id: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    intent_id: str = Field(sa_type=Text)
    linked_at: datetime | None = _optional_time()


class DormantRow(Row, table=True):
    """A link in an org that the workspace has left: it is taken up again if the org comes back."""

    __tablename__ = "dormant_links"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    org_id: str = Field(primary_key=True, sa_type=Text)
    member_id: str = Field(primary_key=True, sa_type=Text)
    record_id: str = Field(sa_type=Text)
    object: str = Field(sa_type=Text)
    account_id: str = Field(sa_type=Text)
    owner_id: str = Field(sa_type=Text)
    linked_at: datetime | None = _optional_time()


class HistoryRow(Row, table=True):
    """Every decision, in order; ``cause`` is the message that led to it."""

    __tablename__ = "link_history"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    member_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(primary_key=True, sa_type=BigInteger)
    state: str = Field(sa_type=Text)
    record_id: str = Field(sa_type=Text)
    object: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    intent_id: str = Field(sa_type=Text)
    cause: str = Field(sa_type=Text)
    at: datetime = _time_of_insert()


class ReservationRow(Row, table=True):
    """Sync creates a record for this member. It never expires by the clock."""

    __tablename__ = "reservations"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    member_id: str = Field(primary_key=True, sa_type=Text)
    intent_id: str = Field(sa_type=Text)
    reserved_at: datetime = _time_of_insert()


class MatchRow(Row, table=True):
    """What the last search found for a member; ``candidates`` are records as displayed."""

    __tablename__ = "matches"
    __table_args__ = (Index("matches_state", "workspace_id", "state", "member_id"),)

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    member_id: str = Field(primary_key=True, sa_type=Text)
    run_id: str = Field(sa_type=Text)
    org_id: str = Field(sa_type=Text)
    match_type: str = Field(sa_type=Text)
    object: str = Field(sa_type=Text)
    record_id: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)  # proposed | ambiguous | linked
    reason: str = Field(sa_type=Text)
    candidates: list[dict[str, Any]] = Field(sa_column=Column("candidates", JSONB, nullable=False))


class HitRow(Row, table=True):
    """Which members a record was found for, and by what (0 e-mail, 1 telephone)."""

    __tablename__ = "match_hits"
    __table_args__ = (Index("match_hits_member", "workspace_id", "member_id"),)

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    record_id: str = Field(primary_key=True, sa_type=Text)
    member_id: str = Field(primary_key=True, sa_type=Text)
    rank: int


class WorkspaceRow(Row, table=True):
    __tablename__ = "workspaces"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    crm_salesforce: bool = False
    default_region: str = Field(default="US", sa_type=Text)
    deleted_at: datetime | None = _optional_time()


class ConnectionRow(Row, table=True):
    """Links older than ``ended_at`` are to end, though a new connection may be here by now."""

    __tablename__ = "connections"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    usable: bool = False
    org_id: str = Field(default="", sa_type=Text)
    org_confirmed: bool = Field(default=True, sa_column_kwargs={"server_default": "true"})
    deleted_at: datetime | None = _optional_time()
    ended_at: datetime | None = _optional_time()


class ConfigRow(Row, table=True):
    __tablename__ = "sync_configs"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    entity: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    target_object: str = Field(sa_type=Text)
    deleted_at: datetime | None = _optional_time()


metadata = Row.metadata


def table(model: type[Row]) -> Table:
    """Give the table of a model, for bulk statements."""
    return metadata.tables[str(model.__tablename__)]
