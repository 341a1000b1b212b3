"""Durable runs on real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.errors import LimitError, PermanentError
from crmlink_common.runs.model import Run, RunInProgressError, RunNotFoundError, RunStatus, Step
from crmlink_common.runs.store import LEASE, Claim, Runs, metadata, runs
from crmlink_common.runs.worker import RunWorker
from crmlink_common.salesforce.budget import BudgetError, Reason, Wait
from crmlink_common.storage.engine import create_engine

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
async def sessions(database: str) -> AsyncIterator[Sessions]:
    engine = create_engine(SecretStr(database))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield async_sessionmaker(engine)
    await engine.dispose()


async def a_run(sessions: Sessions, workspace_id: str = "w1") -> Run:
    async with sessions.begin() as session:
        return await Runs(session).start(
            uuid4(), workspace_id=workspace_id, entity="member", kind="match"
        )


async def the_run(sessions: Sessions, run_id: UUID) -> Run:
    async with sessions() as session:
        return await Runs(session).get("w1", run_id)


class Pages:
    """Counts to three, one page at a time."""

    def __init__(self, last: int = 3) -> None:
        self.last, self.done = last, list[int]()
        self.fail: BaseException | None = None
        self.finished = list[RunStatus]()

    async def page(self, claim: Claim) -> Step:
        if self.fail is not None:
            failure, self.fail = self.fail, None
            raise failure
        number = int(str(claim.checkpoint.get("page", 0))) + 1
        self.done.append(number)
        over = number >= self.last
        return Step(
            checkpoint={"page": number},
            done=10,
            total=30,
            counts={"seen": 10},
            outcome=RunStatus.COMPLETED if over else None,
        )

    async def end(self, _: AsyncSession, run: Run) -> None:
        self.finished.append(run.status)


async def work(
    sessions: Sessions,
    pages: Pages,
    run_id: UUID,
    *,
    page: Callable[[Claim], Awaitable[Step]] | None = None,
    lease: timedelta = LEASE,
) -> Run:
    worker = RunWorker(
        kind="match",
        holder="one",
        sessions=sessions,
        page=page or pages.page,
        finished=pages.end,
        lease=lease,
    )
    stopping = asyncio.Event()
    task = asyncio.create_task(worker.run(stopping))
    async with asyncio.timeout(20):
        while (run := await the_run(sessions, run_id)).status.active:
            if run.waits_until is not None and run.waits_until > datetime.now(UTC):
                break
            await asyncio.sleep(0.05)
    stopping.set()
    await task
    return run


async def test_a_run_goes_page_by_page_to_its_end(sessions: Sessions) -> None:
    pages, run = Pages(), await a_run(sessions)
    ended = await work(sessions, pages, run.id)
    assert (ended.status, ended.done, ended.total) == (RunStatus.COMPLETED, 30, 30)
    assert ended.counts == {"seen": 30}
    assert pages.done == [1, 2, 3]
    assert pages.finished == [RunStatus.COMPLETED]
    assert ended.revision > run.revision


async def test_a_second_start_names_the_run_in_progress(sessions: Sessions) -> None:
    run = await a_run(sessions)
    with pytest.raises(RunInProgressError) as refused:
        await a_run(sessions)
    assert refused.value.details == {"run_id": str(run.id)}
    assert (await a_run(sessions, "w2")).id != run.id


async def test_the_lease_is_extended_while_a_page_goes_on(sessions: Sessions) -> None:
    pages, run = Pages(last=1), await a_run(sessions)

    async def ends() -> datetime | None:
        async with sessions() as session:
            return await session.scalar(select(runs.c.lease_until))

    async def slowly(claim: Claim) -> Step:
        first = await ends()
        while await ends() == first:  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.05)
        return await pages.page(claim)

    await work(sessions, pages, run.id, page=slowly, lease=timedelta(seconds=1))
    assert pages.finished == [RunStatus.COMPLETED]


async def test_a_killed_worker_s_run_is_resumed_at_its_checkpoint(sessions: Sessions) -> None:
    pages, run = Pages(), await a_run(sessions)
    async with sessions.begin() as session:
        claim = await Runs(session).claim("match", "dead")
    assert claim is not None
    step = await pages.page(claim)
    async with sessions.begin() as session:
        await Runs(session).save(claim, step)
        assert await Runs(session).claim("match", "two") is None  # the lease still holds
        await session.execute(text("update runs set lease_until = now() - interval '1 second'"))
    ended = await work(sessions, pages, run.id)
    assert (ended.status, ended.done) == (RunStatus.COMPLETED, 30)
    assert pages.done == [1, 2, 3]
    async with sessions.begin() as session:
        assert await Runs(session).save(claim, step) is None  # the dead one is fenced


async def test_a_cancelled_run_stops_after_its_page(sessions: Sessions) -> None:
    pages, run = Pages(last=1000), await a_run(sessions)
    async with sessions.begin() as session:
        assert (await Runs(session).cancel("w1", run.id)).status is RunStatus.CANCELLING
    ended = await work(sessions, pages, run.id)
    assert ended.status is RunStatus.CANCELLED
    assert pages.done == []
    async with sessions.begin() as session:
        assert (await Runs(session).cancel("w1", run.id)).status is RunStatus.CANCELLED


async def test_a_used_up_limit_puts_a_run_aside_and_it_goes_on_later(sessions: Sessions) -> None:
    pages, run = Pages(), await a_run(sessions)
    pages.fail = LimitError("used up")
    waiting = await work(sessions, pages, run.id)
    assert waiting.status is RunStatus.WAITING_FOR_BUDGET
    assert waiting.error is not None
    assert waiting.error.code == "limit_exceeded"
    assert waiting.waits_until is not None
    assert waiting.waits_until > datetime.now(UTC) + timedelta(seconds=10)
    async with sessions.begin() as session:
        await session.execute(text("update runs set waits_until = now()"))
    ended = await work(sessions, pages, run.id)
    assert (ended.status, ended.error) == (RunStatus.COMPLETED, None)


async def test_what_can_never_succeed_fails_with_its_code(sessions: Sessions) -> None:
    pages, run = Pages(), await a_run(sessions)
    pages.fail = PermanentError("ada@example.com is refused")
    ended = await work(sessions, pages, run.id)
    assert ended.status is RunStatus.FAILED
    assert ended.error is not None
    assert ended.error.code == "permanent"
    assert "ada@" not in ended.model_dump_json()


async def test_another_workspace_s_run_is_not_found(sessions: Sessions) -> None:
    run = await a_run(sessions, "w2")
    with pytest.raises(RunNotFoundError):
        await the_run(sessions, run.id)


async def test_a_run_that_waits_for_the_budget_says_why_and_until_when_and_goes_on(
    sessions: Sessions,
) -> None:
    pages, run = Pages(), await a_run(sessions)
    now = datetime.now(UTC)
    until = now + timedelta(minutes=3)
    pages.fail = BudgetError(Wait(until, Reason.LIMIT), now)
    waiting = await work(sessions, pages, run.id)
    assert waiting.status is RunStatus.WAITING_FOR_BUDGET
    assert waiting.waits_until is not None
    assert abs(waiting.waits_until - until) < timedelta(seconds=30)
    assert waiting.error is not None
    assert waiting.error.code == "limit"
    assert f"{waiting.waits_until.astimezone(UTC):%H:%M} UTC" in waiting.error.message
    async with sessions.begin() as session:  # three minutes later
        await session.execute(runs.update().values(waits_until=None))
    ended = await work(sessions, pages, run.id)
    assert (ended.status, ended.error, pages.done) == (RunStatus.COMPLETED, None, [1, 2, 3])
