"""Run Sync: marks what is in scope page by page, then follows it until all has settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.messaging.outbox import Outbox
from crmlink_common.messaging.workers import keep_working
from crmlink_common.runs.model import Run, RunError, RunStatus, Step
from crmlink_common.runs.store import LEASE, Claim, Runs
from crmlink_common.salesforce.budget import waiting_sentence
from crmlink_sync_outbound.service.telling import Telling
from crmlink_sync_outbound.storage.configs import Configs
from crmlink_sync_outbound.storage.marks import Marks, checkpoint, cleared
from crmlink_sync_outbound.storage.sql import Statements

KIND = "sync"
PAGE = 500  # members marked in one transaction
CLEARED = 20  # pages cleared at once; the tidying does the rest
LOOK = timedelta(milliseconds=500)
OVERLAP = timedelta(minutes=1)  # a change whose transaction began before the checkpoint
BAD = ("failed", "unknown")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSync:
    """One page of one run at a time, so that a long run holds up no other."""

    sessions: async_sessionmaker[AsyncSession]
    telling: Telling
    holder: str
    lease: timedelta = LEASE
    now: Callable[[], datetime] = _now

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop."""
        await keep_working(stopping, self.advance, name="runs:sync", idle=0.3)

    async def advance(self) -> bool:
        """Take one run one step further; False when none is due."""
        async with self.sessions.begin() as session:
            claim = await Runs(session, self.lease).claim(KIND, self.holder)
        if claim is None:
            return False
        try:
            async with self.sessions.begin() as session:
                step = await self._step(session, claim)
        except Exception:
            await self._let_go(claim)
            raise
        async with self.sessions.begin() as session:
            saved = await Runs(session, self.lease).save(claim, step)
            if saved is None:
                return True
            if not saved.status.active:
                await self._finish(session, saved)
            elif step.wait_until is None:
                marking = not step.checkpoint.get("marked") and not step.checkpoint.get("busy")
                soon = None if marking else self.now() + LOOK
                await Runs(session).release(Claim(saved, step.checkpoint, claim.fence), soon)
        if not saved.status.active:
            await self._clear(saved)
        return True

    async def _clear(self, run: Run) -> None:
        """Forget what the run waited for, page by page; a cancelled one takes back its work."""
        for _ in range(CLEARED):
            async with self.sessions.begin() as session:
                if not await cleared(Statements(session), run, PAGE):
                    return

    async def _let_go(self, claim: Claim) -> None:
        """Leave the run to the next try at once, not when the lease runs out."""
        async with self.sessions.begin() as session:
            await Runs(session).release(claim, self.now() + LOOK)

    async def _step(self, session: AsyncSession, claim: Claim) -> Step:
        run, sql = claim.run, Statements(session)
        marks = Marks(sql, run.workspace_id, run.entity, run.id)
        if run.status is RunStatus.CANCELLING or not await marks.is_ours(claim.fence):
            return Step(checkpoint=claim.checkpoint, outcome=RunStatus.CANCELLED)
        if not claim.checkpoint.get("marked"):
            return await self._mark(sql, marks, claim)
        return await self._follow(marks, claim)

    async def _mark(self, sql: Statements, marks: Marks, claim: Claim) -> Step:
        run, before = claim.run, dict(claim.checkpoint)
        saved = await Configs(sql).find(run.workspace_id, run.entity)
        if saved is None:
            error = RunError(code="not_configured", message="Save a configuration first.")
            return Step(checkpoint=before, outcome=RunStatus.FAILED, error=error)
        linked_only = run.direction == "inbound" or saved.config.match_strategy == "linked_only"
        if "began" not in before:
            before |= await self._begin(sql, run, saved.saved_at)
        since = before.get("since")
        scope: dict[str, Any] = {
            "linked_only": linked_only,
            "since": datetime.fromisoformat(since) if isinstance(since, str) else None,
        }
        total = await marks.total(**scope) if "after" not in before else None
        came = await marks.mark(str(before.get("after", "")), many=PAGE, **scope)
        after: dict[str, JsonValue] = {
            **before,
            "after": came.after,
            "marked": came.done,
            "busy": came.busy,
        }
        if came.done:  # members may have come into scope meanwhile
            total = await marks.count()
        return Step(checkpoint=after, total=total)

    async def _begin(self, sql: Statements, run: Run, saved_at: datetime) -> dict[str, JsonValue]:
        """Decide once where "only changed" starts; a saved rule puts all in scope."""
        since: datetime | None = None
        if run.params.get("scope") == "changed":
            since = await checkpoint(sql, run.workspace_id, run.entity, run.direction)
            if since is not None and saved_at > since:
                since = None
        return {
            "began": self.now().isoformat(),
            "since": None if since is None else (since - OVERLAP).isoformat(),
        }

    async def _follow(self, marks: Marks, claim: Claim) -> Step:
        state = await marks.state()
        tallies: dict[str, int] = dict(state.tallies)
        told = cast("dict[str, int]", claim.checkpoint.get("told") or {})
        counts = {
            name: n - told.get(name, 0) for name, n in tallies.items() if n != told.get(name, 0)
        }
        after: dict[str, JsonValue] = {**claim.checkpoint, "told": dict(tallies)}
        step = Step(checkpoint=after, counts=counts, done=sum(counts.values()))
        if not state.open:
            return self._ended(step, tallies)
        if state.parked_until is not None:
            soon = min(state.parked_until, self.now() + timedelta(seconds=30))
            error = RunError(
                code=state.parked_code,
                message=waiting_sentence(state.parked_code, state.parked_until),
            )
            return replace(step, wait_until=soon, error=error)
        return step

    def _ended(self, step: Step, tallies: dict[str, int]) -> Step:
        bad = any(tallies.get(name) for name in BAD)
        outcome = RunStatus.COMPLETED_WITH_ERRORS if bad else RunStatus.COMPLETED
        return replace(step, outcome=outcome)

    async def _finish(self, session: AsyncSession, run: Run) -> None:
        marks = Marks(Statements(session), run.workspace_id, run.entity, run.id)
        if run.status in (RunStatus.COMPLETED, RunStatus.COMPLETED_WITH_ERRORS):
            await marks.checkpoint(run.direction, run.started_at or run.created_at)
        finished = self.telling.activity(
            run.workspace_id,
            "run.finished",
            run_id=str(run.id),
            code=run.status.value,
            details={"kind": run.kind, "direction": run.direction, **run.counts},
        )
        await Outbox(session).add([finished])
