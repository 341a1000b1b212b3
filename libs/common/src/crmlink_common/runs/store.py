"""Runs in PostgreSQL: started once, leased to one worker, fenced against a stalled one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    case,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.runs.model import (
    ACTIVE,
    Run,
    RunError,
    RunInProgressError,
    RunNotFoundError,
    RunStatus,
    Step,
)

metadata = MetaData()
LEASE = timedelta(seconds=60)  # extended while a page goes on
ACTIVE_SQL = "status in ('queued', 'running', 'waiting_for_budget', 'cancelling')"
runs = Table(
    "runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("direction", Text, nullable=False, server_default=""),
    Column("group_id", Uuid),
    Column("status", Text, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="1"),
    Column("total", Integer),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("counts", JSONB, nullable=False, server_default="{}"),
    Column("params", JSONB, nullable=False, server_default="{}"),
    Column("checkpoint", JSONB, nullable=False, server_default="{}"),
    Column("requested_by", Text, nullable=False, server_default=""),
    Column("error_code", Text, nullable=False, server_default=""),
    Column("error_message", Text, nullable=False, server_default=""),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("waits_until", DateTime(timezone=True)),
    Column("lease_holder", Text, nullable=False, server_default=""),
    Column("lease_until", DateTime(timezone=True)),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Index(
        "runs_one_active",
        "workspace_id",
        "entity",
        "kind",
        "direction",
        unique=True,
        postgresql_where=text(ACTIVE_SQL),
    ),
    Index("runs_due", "waits_until", postgresql_where=text(ACTIVE_SQL)),
    Index("runs_of_workspace", "workspace_id", "created_at"),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this worker, and until the lease ends no other, works on."""

    run: Run
    checkpoint: dict[str, JsonValue]
    fence: int


class Runs:
    """Queries only; the caller owns the transaction."""

    def __init__(self, session: AsyncSession, lease: timedelta = LEASE) -> None:
        self._session = session
        self._lease = lease

    async def start(
        self,
        run_id: UUID,
        *,
        workspace_id: str,
        entity: str,
        kind: str,
        direction: str = "",
        group_id: UUID | None = None,
        params: dict[str, JsonValue] | None = None,
        requested_by: str = "",
    ) -> Run:
        """Queue a run.

        Raises:
            RunInProgressError: one is active for this workspace, entity, kind and direction.
        """
        values = {
            "id": run_id,
            "workspace_id": workspace_id,
            "entity": entity,
            "kind": kind,
            "direction": direction,
            "group_id": group_id,
            "status": RunStatus.QUEUED,
            "params": params or {},
            "requested_by": requested_by,
        }
        try:
            async with self._session.begin_nested():
                row = (
                    await self._session.execute(insert(runs).values(values).returning(runs))
                ).one()
        except IntegrityError:
            same = (workspace_id, entity, kind, direction)
            other = await self._active(*same)
            if other is None:  # it ended between the two statements
                return await self.start(
                    run_id,
                    workspace_id=workspace_id,
                    entity=entity,
                    kind=kind,
                    direction=direction,
                    group_id=group_id,
                    params=params,
                    requested_by=requested_by,
                )
            raise RunInProgressError(other) from None
        return _run(row)

    async def get(self, workspace_id: str, run_id: UUID) -> Run:
        """Read one.

        Raises:
            RunNotFoundError: it is not there, or not this workspace's.
        """
        found = select(runs).where(runs.c.id == run_id, runs.c.workspace_id == workspace_id)
        row = (await self._session.execute(found)).first()
        if row is None:
            raise RunNotFoundError("No such run.")
        return _run(row)

    async def page(
        self, workspace_id: str, *kinds: str, page: int, page_size: int
    ) -> tuple[list[Run], int]:
        """List the newest first, with how many there are."""
        mine = (runs.c.workspace_id == workspace_id) & runs.c.kind.in_(kinds)
        total = await self._session.scalar(select(func.count()).select_from(runs).where(mine))
        rows = await self._session.execute(
            select(runs)
            .where(mine)
            .order_by(runs.c.created_at.desc(), runs.c.id)
            .limit(page_size)
            .offset((page - 1) * page_size)
        )
        return [_run(row) for row in rows], total or 0

    async def cancel(self, workspace_id: str, run_id: UUID) -> Run:
        """Ask a run to stop after its current page; a finished one stays as it is."""
        await self._session.execute(
            update(runs)
            .where(
                runs.c.id == run_id,
                runs.c.workspace_id == workspace_id,
                runs.c.status.in_(ACTIVE),
                runs.c.status != RunStatus.CANCELLING,
            )
            .values(status=RunStatus.CANCELLING, revision=runs.c.revision + 1, waits_until=None)
        )
        return await self.get(workspace_id, run_id)

    async def claim(self, kind: str, holder: str) -> Claim | None:
        """Lease the due run that has waited longest; None when there is none."""
        due = (
            select(runs.c.id)
            .where(
                runs.c.kind == kind,
                runs.c.status.in_(ACTIVE),
                or_(runs.c.waits_until.is_(None), runs.c.waits_until <= func.now()),
                or_(runs.c.lease_until.is_(None), runs.c.lease_until < func.now()),
            )
            .order_by(runs.c.created_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        begun = {
            "status": case(
                (runs.c.status == RunStatus.CANCELLING, runs.c.status), else_=RunStatus.RUNNING
            ),
            "revision": runs.c.revision + 1,
            "started_at": func.coalesce(runs.c.started_at, func.now()),
            "waits_until": None,
            "lease_holder": holder,
            "lease_until": func.now() + self._lease,
            "fence": runs.c.fence + 1,
        }
        taken = update(runs).where(runs.c.id.in_(due)).values(begun).returning(runs)
        row = (await self._session.execute(taken)).first()
        return None if row is None else Claim(_run(row), row.checkpoint, row.fence)

    async def save(self, claim: Claim, step: Step) -> Run | None:
        """Store a page's result and extend the lease; None when the lease was lost.

        A run that was told to cancel ends here, unless this page ended it anyway.
        """
        held = (runs.c.id == claim.run.id) & (runs.c.fence == claim.fence)
        row = (await self._session.execute(select(runs).where(held).with_for_update())).first()
        if row is None:
            return None
        status = step.outcome or _next(RunStatus(row.status), step)
        values: dict[str, Any] = {
            "status": status,
            "revision": row.revision + 1,
            "done": row.done + step.done,
            "counts": _sum(row.counts, step.counts),
            "checkpoint": step.checkpoint,
            "waits_until": step.wait_until,
            "error_code": step.error.code if step.error else "",
            "error_message": step.error.message if step.error else "",
            "lease_until": func.now() + self._lease,
        }
        if step.total is not None:
            values["total"] = step.total
        if not status.active:
            values |= {"finished_at": func.now(), "lease_until": None, "lease_holder": ""}
        elif status is RunStatus.WAITING_FOR_BUDGET:
            values |= {"lease_until": None, "lease_holder": ""}
        saved = update(runs).where(held).values(values).returning(runs)
        return _run((await self._session.execute(saved)).one())

    async def extend(self, claim: Claim) -> None:
        """Hold on to a run whose page takes long; one that was lost stays lost."""
        await self._session.execute(
            update(runs)
            .where(runs.c.id == claim.run.id, runs.c.fence == claim.fence)
            .values(lease_until=func.now() + self._lease)
        )

    async def release(self, claim: Claim, retry_at: datetime | None) -> None:
        """Give the lease back, keeping the checkpoint; another try may come at once or later."""
        await self._session.execute(
            update(runs)
            .where(runs.c.id == claim.run.id, runs.c.fence == claim.fence)
            .values(lease_until=None, lease_holder="", waits_until=retry_at)
        )

    async def _active(
        self, workspace_id: str, entity: str, kind: str, direction: str
    ) -> UUID | None:
        return await self._session.scalar(
            select(runs.c.id).where(
                runs.c.workspace_id == workspace_id,
                runs.c.entity == entity,
                runs.c.kind == kind,
                runs.c.direction == direction,
                runs.c.status.in_(ACTIVE),
            )
        )


def _next(now: RunStatus, step: Step) -> RunStatus:
    if now is RunStatus.CANCELLING:
        return RunStatus.CANCELLED
    return RunStatus.WAITING_FOR_BUDGET if step.wait_until else RunStatus.RUNNING


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


def _run(row: Any) -> Run:  # noqa: ANN401 - a row of `runs`
    error = RunError(code=row.error_code, message=row.error_message) if row.error_code else None
    return Run.model_validate({**row._mapping, "error": error})  # noqa: SLF001 - SQLAlchemy's name
