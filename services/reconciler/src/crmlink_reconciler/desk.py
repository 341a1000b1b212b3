"""What callers ask over HTTP, each in transactions of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID, uuid4

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.member_links import LinkState
from crmlink_common.errors import TransientError
from crmlink_common.messaging.workers import delays
from crmlink_common.runs.model import Run, RunStatus
from crmlink_common.runs.store import Runs
from crmlink_reconciler.service.decisions import Decisions
from crmlink_reconciler.service.linking import PAGE, Linked, Linking, wishes
from crmlink_reconciler.service.matching import ENTITY, LINK_ALL, MATCH
from crmlink_reconciler.service.ports import Work
from crmlink_reconciler.service.reservations import Answer, Reserving, Wish
from crmlink_reconciler.storage.reports import Reports, Shown
from crmlink_reconciler.storage.work import work_of

T = TypeVar("T")
AT_ONCE = 1_000  # more than that is linked by a durable run
TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    sessions: async_sessionmaker[AsyncSession]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    new_id: Callable[[], UUID] = uuid4

    async def start_run(self, workspace_id: str, kind: str, actor: str) -> Run:
        async with self.sessions.begin() as session:
            run = await Runs(session).start(
                self.new_id(),
                workspace_id=workspace_id,
                entity=ENTITY,
                kind=kind,
                requested_by=actor,
            )
            await Decisions(work_of(session)).report(
                workspace_id, f"{kind}_run.started", actor=actor, run_id=str(run.id)
            )
            return run

    async def run(self, workspace_id: str, run_id: UUID) -> Run:
        async with self.sessions() as session:
            return await Runs(session).get(workspace_id, run_id)

    async def runs(self, workspace_id: str, page: int, page_size: int) -> Shown:
        async with self.sessions() as session:
            items, total = await Runs(session).page(
                workspace_id, MATCH, LINK_ALL, page=page, page_size=page_size
            )
        return {"items": items, "total": total, "page": page, "page_size": page_size}

    async def cancel(self, workspace_id: str, run_id: UUID) -> Run:
        async with self.sessions.begin() as session:
            return await Runs(session).cancel(workspace_id, run_id)

    async def link(self, workspace_id: str, wanted: Mapping[str, str | None], actor: str) -> Linked:
        return await self._tried(lambda work: Linking(work).link(workspace_id, wanted, actor=actor))

    async def link_all(self, workspace_id: str, actor: str) -> tuple[Linked, Run | None]:
        """Link what is proposed: a little at once, much by a run."""
        async with self.sessions() as session:
            much = await Reports(session).count_proposed(workspace_id) > AT_ONCE
        if much:
            return Linked(), await self.start_run(workspace_id, LINK_ALL, actor)
        told, after = Linked(), ""
        while members := await self._proposed(workspace_id, after):
            some = await self.link(workspace_id, wishes(members), actor)
            told.linked += some.linked
            told.refused += some.refused
            after = members[-1]
        return told, None

    async def unlink(self, workspace_id: str, member_id: str, actor: str) -> LinkState:
        return await self._tried(
            lambda work: Linking(work).unlink(workspace_id, member_id, actor=actor)
        )

    async def relink(self, workspace_id: str, member_id: str, actor: str) -> LinkState:
        return await self._tried(
            lambda work: Linking(work).relink(workspace_id, member_id, actor=actor)
        )

    async def reserve(self, workspace_id: str, wanted: Sequence[Wish]) -> list[Answer]:
        return await self._tried(lambda work: Reserving(work).reserve(workspace_id, wanted))

    async def show(self, look: Callable[[Reports], Awaitable[T]]) -> T:
        async with self.sessions() as session:
            return await look(Reports(session))

    async def _proposed(self, workspace_id: str, after: str) -> list[str]:
        async with self.sessions() as session:
            return await work_of(session).matches.proposed(workspace_id, after, PAGE)

    async def _tried(self, decide: Callable[[Work], Awaitable[T]]) -> T:
        """Decide anew when another transaction was faster."""
        waits = delays(0.05, 0.5)
        for _ in range(TRIES - 1):
            try:
                async with self.sessions.begin() as session:
                    return await decide(work_of(session))
            except (TransientError, OperationalError):  # raced, or waited too long for a lock
                await self.sleep(next(waits))
        async with self.sessions.begin() as session:
            return await decide(work_of(session))


async def tell_finished(session: AsyncSession, run: Run) -> None:
    """Leave a trace of a run that ended, in the transaction that ends it."""
    counts = {name: times for name, times in run.counts.items() if times}
    await Decisions(work_of(session)).report(
        run.workspace_id,
        f"{run.kind}_run.finished",
        run_id=str(run.id),
        code=run.error.code if run.error else "",
        details={"status": RunStatus(run.status).value, "done": run.done, **counts},
    )
