"""A run's marking, the bus and the workers at once: nobody waits for a lock that comes too late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from sqlalchemy.exc import OperationalError

from crmlink_common.contracts.member_links import LinkState, MemberLink
from crmlink_common.contracts.members import Member
from crmlink_devstack.worlds import until
from crmlink_sync_outbound.app import observing
from crmlink_sync_outbound.domain.outcomes import skipped
from crmlink_sync_outbound.domain.work import Settlement
from crmlink_sync_outbound.fakes import ORG
from crmlink_sync_outbound.fakeworld import LONG_AGO, W, World, event
from crmlink_sync_outbound.service.desk import Asked
from crmlink_sync_outbound.storage.locking import SOME, PairsBusyError, until_done

pytestmark = pytest.mark.integration
MEMBERS = 2_000
BATCH = 250
BATCHES = 10


def member(n: int, version: int) -> Member:
    return Member(
        workspace_id=W,
        member_id=f"m{n:04}",
        version=version,
        last_name=f"Byron {version}",
        email=f"m{n:04}@example.org",
        updated_at=LONG_AGO,
    )


def link(n: int, record_id: str, revision: int) -> MemberLink:
    return MemberLink(
        workspace_id=W,
        member_id=f"m{n:04}",
        revision=revision,
        state=LinkState.LINKED,
        record_id=record_id,
        object="Contact",
        org_id=ORG,
    )


class Trouble:
    """Counts what the database refused; the work goes on as in the service."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def repeat(
        self, name: str, work: Callable[[], Awaitable[bool]], end: asyncio.Event
    ) -> None:
        while not end.is_set():
            try:
                busy = await work()
            except OperationalError as exc:
                self.names.append(f"{name}: {type(exc.orig).__name__}")
                busy = False
            if not busy:
                await asyncio.sleep(0.05)


async def test_a_run_the_bus_and_the_workers_do_not_lock_each_other_out(world: World) -> None:
    records = [
        world.org.put(str(n), LastName="Old", Email=f"m{n:04}@example.org") for n in range(MEMBERS)
    ]
    await world.observe("members", *(member(n, 1) for n in range(MEMBERS)))
    await world.observe("links", *(link(n, one, 1) for n, one in enumerate(records)))
    await world.configure()
    run = await world.desk.start_run(W, Asked(scope="all"), "tester")
    end, trouble, rounds = asyncio.Event(), Trouble(), iter(range(2, 2 + BATCHES))

    async def batch() -> bool:
        """Apply the end of the members' topic, and links of the beginning, as one batch."""
        if (turn := next(rounds, None)) is None:
            return False
        there = (turn * BATCH) % MEMBERS
        here = MEMBERS - BATCH - there
        async with world.sessions.begin() as session:
            seen = observing(session)
            await seen.members([event(member(there + n, turn)) for n in range(BATCH)])
            linked = [event(link(here + n, records[here + n], turn)) for n in range(BATCH)]
            await seen.links(linked)
        return True

    workers = [world.worker(name) for name in ("one", "two", "three")]
    async with asyncio.TaskGroup() as tasks:
        for worker in workers:
            tasks.create_task(trouble.repeat("worker", worker.take_turn, end))
        tasks.create_task(trouble.repeat("run", world.run_sync.advance, end))
        tasks.create_task(trouble.repeat("bus", batch, end))
        for _ in range(400):
            await asyncio.sleep(0.1)
            if not (await world.desk.run(W, run.id)).status.active:
                break
        end.set()
    ended = await world.desk.run(W, run.id)
    assert trouble.names == []
    assert (ended.status, ended.done) == ("completed", MEMBERS)


async def test_marking_stops_before_a_locked_member_and_goes_on_later(world: World) -> None:
    await world.observe("members", *(member(n, 1) for n in range(4)))
    await world.configure()
    run = await world.desk.start_run(W, Asked(scope="all"), "tester")
    async with world.sessions.begin() as session:
        await observing(session).members([event(member(2, 2))])
        await world.run_sync.advance()
        marked = await world.rows("select member_id from run_marks order by 1")
        assert [row.member_id for row in marked] == ["m0000", "m0001"]
    ended = await world.follow(run.id)
    assert (ended.total, ended.done) == (4, 4)


async def test_settling_comes_back_for_a_locked_pair(world: World) -> None:
    await world.configure()
    await world.observe("members", *(member(n, 1) for n in range(3)))
    worker = world.worker()
    turn = await worker.turns.claim("a-turn")
    assert turn is not None
    work = await worker.turns.take(turn, ["event"])
    settlements = [Settlement(work=one, outcome=skipped("filtered")) for one in work]
    async with world.sessions.begin() as session:
        await observing(session).members([event(member(1, 2))])
        settling = asyncio.create_task(worker.turns.settle(turn, settlements))

        async def settled() -> bool:
            return [row.member_id for row in await world.pending()] == ["m0001"]

        await until(settled)
    await settling
    [left_over] = await world.pending()  # as a newer version came in meanwhile
    assert (left_over.generation, left_over.lease_holder) == (2, "")


async def test_pairs_that_stay_locked_are_given_up() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def work(some: Sequence[int]) -> list[int]:
        assert len(some) <= SOME
        return [n for n in some if n == 7]

    with pytest.raises(PairsBusyError):
        await until_done(range(600), work, sleep)
    assert 5 < sum(waited) < 10
