"""What capture keeps: projections, cursors, and who is due when."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, Table, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel


class Row(SQLModel):
    metadata: ClassVar[MetaData] = MetaData()


def _optional_time() -> Any:  # noqa: ANN401 - SQLModel takes any column
    return Field(default=None, sa_type=DateTime(timezone=True))


class WorkspaceRow(Row, table=True):
    __tablename__ = "workspaces"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    crm_salesforce: bool = False
    deleted_at: datetime | None = _optional_time()


class ConnectionRow(Row, table=True):
    __tablename__ = "connections"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    usable: bool = False
    org_id: str = Field(default="", sa_type=Text)
    deleted_at: datetime | None = _optional_time()


class ConfigRow(Row, table=True):
    __tablename__ = "sync_configs"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    entity: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    target_object: str = Field(sa_type=Text)
    fields: list[str] = Field(sa_column=Column("fields", ARRAY(Text), nullable=False))
    interval_min: int
    interval_max: int
    deleted_at: datetime | None = _optional_time()


class LinkRow(Row, table=True):
    """A linked member's record. ``published`` is its newest SystemModstamp on the bus."""

    __tablename__ = "links"
    __table_args__ = (
        Index("links_record", "workspace_id", "org_id", "record_id"),
        Index("links_reread", "workspace_id", postgresql_where=text("reread_due")),
    )

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    member_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    linked: bool
    record_id: str = Field(sa_type=Text)
    object: str = Field(sa_type=Text)
    org_id: str = Field(sa_type=Text)
    reread_due: bool = False
    published: datetime | None = _optional_time()
    deleted_at: datetime | None = _optional_time()


class CursorRow(Row, table=True):
    """How far an object of an org is read, and with which fields; times are the org's.

    Whatever appeared before ``verified_at`` has been seen; ``look_back_at`` is when to look again.
    All links after member ``reread_after`` are to be read again, for a field that is new.
    """

    __tablename__ = "cursors"

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    org_id: str = Field(primary_key=True, sa_type=Text)
    object: str = Field(primary_key=True, sa_type=Text)
    modstamp: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    record_id: str = Field(default="", sa_type=Text)
    watched: list[str] = Field(
        sa_column=Column("watched", ARRAY(Text), nullable=False, server_default="{}")
    )
    reread_after: str | None = Field(default=None, sa_type=Text)
    verified_at: datetime | None = _optional_time()
    look_back_at: datetime | None = _optional_time()


class CaptureRow(Row, table=True):
    """Whose turn it is. ``fence`` grows with each claim: a stalled poller cannot save."""

    __tablename__ = "capture_due"
    __table_args__ = (Index("capture_due_at", "due_at"),)

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    due_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    wait_seconds: float = Field(default=0, sa_column_kwargs={"server_default": "0"})
    lease_holder: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    lease_until: datetime | None = _optional_time()
    fence: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    last_poll_at: datetime | None = _optional_time()
    error_code: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    parked: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    told_error: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})


metadata = Row.metadata


def table(model: type[Row]) -> Table:
    """Give the table of a model, for bulk statements."""
    return metadata.tables[str(model.__tablename__)]
