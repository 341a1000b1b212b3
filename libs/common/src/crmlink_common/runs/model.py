"""What a run is, and which states may follow which."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from crmlink_common.errors import ConflictError, NotFoundError


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING_FOR_BUDGET = "waiting_for_budget"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"

    @property
    def active(self) -> bool:
        """Say whether it may still do something."""
        return self in ACTIVE


ACTIVE = frozenset(
    {RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING_FOR_BUDGET, RunStatus.CANCELLING}
)


class RunError(BaseModel):
    """Why a run failed or waits: a stable code, and a sentence without data."""

    code: str
    message: str


class Run(BaseModel):
    """A run as its owner, the gateway and a viewer see it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    workspace_id: str
    entity: str
    kind: str
    direction: str = ""
    group_id: UUID | None = None
    status: RunStatus
    revision: int
    total: int | None = None
    done: int = 0
    counts: dict[str, int] = Field(default_factory=dict)
    params: dict[str, JsonValue] = Field(default_factory=dict)
    requested_by: str = ""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    waits_until: datetime | None = None
    error: RunError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one page of work came to. ``counts`` are added to the run's; ``done`` too.

    ``outcome`` ends the run. ``wait_until`` puts it aside (a budget, a parked workspace).
    """

    checkpoint: dict[str, JsonValue]
    done: int = 0
    total: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    outcome: RunStatus | None = None
    wait_until: datetime | None = None
    error: RunError | None = None


class RunInProgressError(ConflictError):
    """One run at a time per workspace, entity, kind and direction; ``details`` name the other."""

    code = "run_in_progress"

    def __init__(self, run_id: UUID) -> None:
        super().__init__("A run is already in progress; join it or cancel it first.")
        self.details = {"run_id": str(run_id)}


class RunNotFoundError(NotFoundError):
    """No such run in this workspace."""

    code = "run_not_found"
