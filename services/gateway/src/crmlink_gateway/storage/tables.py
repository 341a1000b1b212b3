"""Workspaces, keys, visits, tickets, the audit trail, and what is known of connections."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class Row(SQLModel):
    metadata: ClassVar[MetaData] = MetaData()


def _time() -> Any:  # noqa: ANN401 - SQLModel takes any column
    return Field(sa_type=DateTime(timezone=True))


def _optional_time() -> Any:  # noqa: ANN401 - SQLModel takes any column
    return Field(default=None, sa_type=DateTime(timezone=True))


def _written_at(name: str = "created_at") -> Any:  # noqa: ANN401 - SQLModel takes any column
    return Field(
        sa_column=Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())
    )


class WorkspaceRow(Row, table=True):
    __tablename__ = "workspaces"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    crm_salesforce: bool = False
    default_region: str = Field(default="US", sa_type=Text)
    deleted_at: datetime | None = _optional_time()


class ApiKeyRow(Row, table=True):
    """``hash`` is SHA-256 of the key: its 32 random bytes need no slow hash."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("api_keys_hash_in_workspace", "workspace_id", "hash", unique=True),
        Index("api_keys_hash", "hash"),  # the sign-in page is told a key and no workspace
    )

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    id: str = Field(primary_key=True, sa_type=Text)
    hash: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    scope: str = Field(sa_type=Text)
    created_at: datetime = _written_at()
    expires_at: datetime | None = _optional_time()
    revoked_at: datetime | None = _optional_time()


class VisitRow(Row, table=True):
    """A person signed in to the console with a key; it ends with the key."""

    __tablename__ = "visits"
    __table_args__ = (Index("visits_hash", "hash"), Index("visits_expire", "expires_at"))

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    hash: str = Field(primary_key=True, sa_type=Text)
    key_id: str = Field(sa_type=Text)
    expires_at: datetime = _time()


class TicketRow(Row, table=True):
    """Lets one browser, once, go to Salesforce's login page."""

    __tablename__ = "tickets"
    __table_args__ = (Index("tickets_expire", "expires_at"),)

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    hash: str = Field(primary_key=True, sa_type=Text)
    actor: str = Field(sa_type=Text)
    expires_at: datetime = _time()


class ConnectionRow(Row, table=True):
    """What connections.v1 last said."""

    __tablename__ = "connections"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    status: str = Field(default="not_connected", sa_type=Text)
    enabled: bool = True
    error_code: str = Field(default="", sa_type=Text)
    deleted_at: datetime | None = _optional_time()


class ActivityRow(Row, table=True):
    """One message of activity.v1; a message is known by its source and id."""

    __tablename__ = "activity"
    __table_args__ = (
        Index("activity_newest", "workspace_id", "at"),
        Index("activity_of_member", "workspace_id", "member_id", "at"),
        Index("activity_oldest", "at", postgresql_using="brin"),  # rows lie as they came
    )

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    source: str = Field(primary_key=True, sa_type=Text)
    event_id: str = Field(primary_key=True, sa_type=Text)
    at: datetime = _time()
    action: str = Field(sa_type=Text)
    actor: str = Field(default="", sa_type=Text)
    member_id: str = Field(default="", sa_type=Text)
    record_id: str = Field(default="", sa_type=Text)
    run_id: str = Field(default="", sa_type=Text)
    code: str = Field(default="", sa_type=Text)
    details: dict[str, Any] = Field(
        default_factory=dict,
        sa_column=Column("details", JSONB, nullable=False, server_default="{}"),
    )


metadata = Row.metadata


def table(model: type[Row]) -> Table:
    """Give the table of a model, for bulk statements."""
    return metadata.tables[str(model.__tablename__)]
