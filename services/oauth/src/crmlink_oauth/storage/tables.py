"""The tables of the oauth schema. Columns named in ``SEALED`` hold sealed texts alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData
from sqlmodel import Field, SQLModel


class Row(SQLModel):
    metadata = MetaData()


def _moment(*, nullable: bool = False) -> Any:  # noqa: ANN401 - what SQLModel's Field gives
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=nullable))


def _number(default: int = 0) -> Any:  # noqa: ANN401 - what SQLModel's Field gives
    return Field(default=default, sa_type=BigInteger)


class ConnectionRow(Row, table=True):
    """Stays when a connection is deleted: revision and epoch must not begin again."""

    __tablename__ = "connections"
    __table_args__ = (Index("connections_authority", "org_id", "client_id", "user_id"),)

    workspace_id: str = Field(primary_key=True)
    revision: int = _number()
    status: str
    enabled: bool
    login_url: str
    instance_url: str
    wanted_version: str
    api_version: str
    client_id: str
    client_secret: str
    access_token: str
    refresh_token: str
    refresh_hash: str = Field(index=True, sa_column_kwargs={"server_default": ""})
    fingerprint: str
    token_serial: int = _number()
    ever_rotated: bool
    org_id: str
    org_name: str
    pending_org_id: str = Field(sa_column_kwargs={"server_default": ""})
    pending_org_name: str = Field(sa_column_kwargs={"server_default": ""})
    user_id: str
    user_name: str
    epoch: int = _number()
    error_code: str
    connected_at: datetime | None = _moment(nullable=True)
    refresh_holder: str
    refresh_until: datetime | None = _moment(nullable=True)
    refresh_fingerprint: str
    refresh_epoch: int = _number()
    refreshes_unanswered: int
    refreshes_failed: int = Field(sa_column_kwargs={"server_default": "0"})


class CheckRow(Row, table=True):
    """What the last look at the org found: names of objects and fields, and what is missing."""

    __tablename__ = "checks"

    workspace_id: str = Field(primary_key=True)
    found: str


class WatchRow(Row, table=True):
    """When a connection is looked at next, and since when it has the token it has."""

    __tablename__ = "watches"

    workspace_id: str = Field(primary_key=True)
    due_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
    alive_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    watched_until: datetime | None = _moment(nullable=True)
    token_serial: int = _number()
    token_since: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class StateRow(Row, table=True):
    """A sign-in that was begun; the state and the browser's token are kept as hashes."""

    __tablename__ = "oauth_states"

    workspace_id: str = Field(primary_key=True)
    state_hash: str = Field(primary_key=True)
    browser_hash: str
    verifier: str
    epoch: int = _number()
    actor: str
    expires_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, index=True)
    )
    used_at: datetime | None = _moment(nullable=True)


class RevocationRow(Row, table=True):
    """A token to revoke at Salesforce; once it is given up, the token is gone from here."""

    __tablename__ = "revocations"

    workspace_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    login_url: str
    token: str
    attempts: int
    next_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    failed_at: datetime | None = _moment(nullable=True)


class WorkspaceRow(Row, table=True):
    """What we use of workspaces.v1."""

    __tablename__ = "workspaces"

    workspace_id: str = Field(primary_key=True)
    revision: int = _number()
    crm_salesforce: bool
    deleted_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=True, index=True)
    )


class UsageRow(Row, table=True):
    """What each service last saw of the org's daily limit."""

    __tablename__ = "api_usage"

    workspace_id: str = Field(primary_key=True)
    client: str = Field(primary_key=True)
    used: int = _number()
    limit: int = _number()
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


connections = Row.metadata.tables["connections"]
checks = Row.metadata.tables["checks"]
watches = Row.metadata.tables["watches"]
states = Row.metadata.tables["oauth_states"]
revocations = Row.metadata.tables["revocations"]
workspaces = Row.metadata.tables["workspaces"]
usage = Row.metadata.tables["api_usage"]
SEALED = {
    "connections": ("client_secret", "access_token", "refresh_token"),
    "oauth_states": ("verifier",),
    "revocations": ("token",),
}
