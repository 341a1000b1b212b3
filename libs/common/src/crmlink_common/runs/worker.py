"""Works runs off, page by page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.errors import LimitError, NotConnectedError, PermanentError, TransientError
from crmlink_common.messaging.workers import keep_working, rest
from crmlink_common.runs.model import Run, RunError, RunStatus, Step
from crmlink_common.runs.store import LEASE, Claim, Runs
from crmlink_common.salesforce.budget import waiting_sentence
from crmlink_common.telemetry.redaction import describe

log = logging.getLogger(__name__)
SOON = timedelta(seconds=5)
LATER = timedelta(seconds=30)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWorker:
    """Claims runs of one kind. ``page`` does one page and may be repeated after a crash.

    ``finished`` is called inside the transaction that ends a run, to tell the world of it.
    """

    kind: str
    holder: str
    sessions: async_sessionmaker[AsyncSession]
    page: Callable[[Claim], Awaitable[Step]]
    finished: Callable[[AsyncSession, Run], Awaitable[None]]
    lease: timedelta = LEASE  # extended while a page goes on
    now: Callable[[], datetime] = _now

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; a run under way is left at its checkpoint."""
        await keep_working(
            stopping, lambda: self._one_run(stopping), name=f"runs:{self.kind}", idle=0.3
        )

    async def _one_run(self, stopping: asyncio.Event) -> bool:
        async with self.sessions.begin() as session:
            claim = await Runs(session, self.lease).claim(self.kind, self.holder)
        if claim is None:
            return False
        while not stopping.is_set():
            step = await self._held(claim)
            async with self.sessions.begin() as session:
                saved = await Runs(session, self.lease).save(claim, step)
                if saved is not None and not saved.status.active:
                    await self.finished(session, saved)
            if saved is None:
                log.warning("lost the lease of a run", extra={"run_id": str(claim.run.id)})
                return True
            if not saved.status.active or step.wait_until is not None:
                return True
            claim = Claim(saved, step.checkpoint, claim.fence)
        async with self.sessions.begin() as session:
            await Runs(session).release(claim, None)
        return True

    async def _held(self, claim: Claim) -> Step:
        """Do a page and extend the lease meanwhile: a slow org must not cost us the page."""
        done = asyncio.Event()
        holding = asyncio.create_task(self._extend(claim, done))
        try:
            return await self._step(claim)
        finally:
            done.set()
            await holding

    async def _extend(self, claim: Claim, done: asyncio.Event) -> None:
        while not done.is_set():
            await rest(done, self.lease.total_seconds() / 3)
            if done.is_set():
                return
            try:
                async with self.sessions.begin() as session:
                    await Runs(session, self.lease).extend(claim)
            except Exception as exc:  # noqa: BLE001 - the next one may succeed; `save` judges
                log.warning("lease not extended", extra=describe(exc))

    async def _step(self, claim: Claim) -> Step:
        if claim.run.status is RunStatus.CANCELLING:
            return Step(checkpoint=claim.checkpoint, outcome=RunStatus.CANCELLED)
        try:
            return await self.page(claim)
        except (LimitError, NotConnectedError) as exc:
            return self._wait(claim, exc.retry_after or LATER, exc.code)
        except TransientError as exc:
            return self._wait(claim, exc.retry_after or SOON, exc.code)
        except PermanentError as exc:
            log.warning("run failed", extra={"run_id": str(claim.run.id), **describe(exc)})
            error = RunError(code=exc.code, message="Salesforce refused the request.")
            return Step(checkpoint=claim.checkpoint, outcome=RunStatus.FAILED, error=error)

    def _wait(self, claim: Claim, time: timedelta, code: str) -> Step:
        until = self.now() + time
        error = RunError(code=code, message=waiting_sentence(code, until))
        return Step(checkpoint=claim.checkpoint, wait_until=until, error=error)
