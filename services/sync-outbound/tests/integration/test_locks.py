"""A run's marking, the bus and the workers at once: nobody waits for a lock that comes too late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.exc import OperationalError

from crmlink_common.contracts.member_links import LinkState, MemberLink
from crmlink_common.contracts.members import Member
from crmlink_sync_outbound.app import observing
from crmlink_sync_outbound.fakes import ORG
from crmlink_sync_outbound.fakeworld import LONG_AGO, W, World, event
from crmlink_sync_outbound.service.desk import Asked

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
