"""The ledger of requests, and the projections that say whether a workspace may ask."""

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
    status: str = Field(default="", sa_type=Text)
    enabled: bool = True
    deleted_at: datetime | None = _optional_time()


class RequestRow(Row, table=True):
    """One request. ``arguments`` stay only until it is answered; results are never kept."""

    __tablename__ = "requests"
    __table_args__ = (
        Index(
            "requests_open",
            "accepted_at",
            postgresql_where=text("state = 'accepted'"),
        ),
        Index("requests_answered", "answered_at"),
    )

    workspace_id: str = Field(primary_key=True, sa_type=Text)
    conversation_id: str = Field(primary_key=True, sa_type=Text)
    request_id: str = Field(primary_key=True, sa_type=Text)
    tool: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)  # accepted | done
    arguments: dict[str, Any] | None = Field(default=None, sa_column=Column("arguments", JSONB))
    reply_topic: str = Field(sa_type=Text)
    reply_refused: bool = False
    event_id: str = Field(sa_type=Text)
    traceparent: str = Field(default="", sa_type=Text)
    deadline: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    accepted_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    answered_at: datetime | None = _optional_time()
    outcome_code: str = Field(default="", sa_type=Text)
    record_id: str = Field(default="", sa_type=Text)  # of a write
    attempts: int = 0
    lease_holder: str = Field(default="", sa_type=Text)
    lease_until: datetime | None = _optional_time()
    fence: int = Field(default=0, sa_type=BigInteger)


metadata = Row.metadata


def table(model: type[Row]) -> Table:
    """Give the table of a model, for bulk statements."""
    return metadata.tables[str(model.__tablename__)]
