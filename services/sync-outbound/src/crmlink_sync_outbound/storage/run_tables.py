"""What Run Sync keeps: what it waits for, what came of it, where it starts next time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Uuid, text
from sqlmodel import Field

from crmlink_sync_outbound.storage.columns import (
    Row,
    flag,
    key,
    names,
    number,
    since,
    words,
)


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

    workspace_id: str = key()
    run_id: UUID = key(Uuid)
    entity: str = key()
    member_id: str = key()
    generation: int = number()
    counted: bool = flag()


class TallyRow(Row, table=True):
    """How many of a run's members came to what."""

    __tablename__ = "run_tallies"

    workspace_id: str = key()
    run_id: UUID = key(Uuid)
    name: str = key()
    n: int = number()


class ItemRow(Row, table=True):
    """An exception within a run."""

    __tablename__ = "run_items"

    workspace_id: str = key()
    run_id: UUID = key(Uuid)
    entity: str = key()
    member_id: str = key()
    outcome: str = words()
    code: str = words()
    fields: list[str] = names("fields")
    record_id: str = words()
    at: datetime = since("at")


class CheckpointRow(Row, table=True):
    """Where "only changed" starts, per entity type and direction."""

    __tablename__ = "checkpoints"

    workspace_id: str = key()
    entity: str = key()
    direction: str = key()
    at: datetime = since("at")
    run_id: UUID | None = Field(default=None, sa_type=Uuid)
