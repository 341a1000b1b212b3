"""A deleted connection takes the configuration, pairs and pending work along."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crmlink_common.contracts.cloudevents import Deleted, Event
from crmlink_common.contracts.connections import Connection, ConnectionStatus
from crmlink_common.contracts.member_links import LinkState
from crmlink_sync_outbound.app import observing
from crmlink_sync_outbound.fakes import ORG
from crmlink_sync_outbound.fakeworld import W, World, event
from crmlink_sync_outbound.service.desk import Asked
from crmlink_sync_outbound.service.ending import End

pytestmark = pytest.mark.integration


async def heard(world: World, *data: Connection | Deleted, at: datetime | None = None) -> None:
    """Take in connections in one batch, told now unless said otherwise."""
    time = at or datetime.now(UTC)
    told: list[Event[Any]] = []
    for one in data:
        whole = event(one)
        told.append(Event(whole.attributes.model_copy(update={"time": time}), one))
    async with world.sessions.begin() as session:
        await observing(session).connections(told)


def anew(revision: int) -> Connection:
    return Connection(
        workspace_id=W,
        revision=revision,
        status=ConnectionStatus.CONNECTED,
        org_id=ORG,
        epoch=revision,
    )


async def ended(world: World) -> None:
    end = End(world.sessions, world.telling, page=1)
    for _ in range(20):
        if not await end.once():
            return
    raise AssertionError("it does not come to an end")


async def busy(world: World) -> str:
    """Two pairs that agree, one more change that waits, a finished run and one under way."""
    await world.configure()
    for name in ("m1", "m2"):
        await world.member(name, phone="1")
        record = world.org.put(name[1], LastName="Byron", Email=f"{name}@example.org", Phone="1")
        await world.link(name, record)
    run = await world.desk.start_run(W, Asked(scope="all"), "tester")
    assert (await world.follow(run.id)).status == "completed"
    await world.member("m1", version=2, phone="2")
    under_way = await world.desk.start_run(W, Asked(scope="all"), "tester")
    await world.run_sync.advance()
    await world.said("sync-configs.v1")
    return str(under_way.id)


async def standing(world: World) -> dict[str, int]:
    [row] = await world.rows("""select (select count(*) from pending) as pending,
      (select count(*) from checkpoints) as checkpoints,
      (select count(*) from connections where ended_at is not null) as ended,
      (select count(*) from pairs where base <> '{}' or outcome <> '') as pairs,
      (select count(*) from pairs where member_version > 0) as members""")
    return dict(row._mapping)


GONE = {"pending": 0, "checkpoints": 0, "ended": 0, "pairs": 0, "members": 2}


async def tombstones(world: World) -> list[bytes | None]:
    return list(await world.said("sync-configs.v1"))


async def test_everything_but_the_members_goes_and_the_same_message_twice_does_no_more(
    world: World,
) -> None:
    run_id = await busy(world)
    before = await standing(world)
    assert (before["pairs"], before["pending"], before["checkpoints"]) == (2, 2, 1)
    gone = Deleted(W, world.revision + 1)
    await heard(world, gone)
    await ended(world)
    assert await standing(world) == GONE
    assert await tombstones(world) == [None]
    shown = await world.configuring.shown(W, "member")
    assert (shown["revision"], shown["config"]["outbound_enabled"]) == (0, False)
    [run] = await world.rows("select status, error_code from runs where id = :id", id=run_id)
    assert tuple(run) == ("cancelled", "connection_deleted")
    await heard(world, gone)
    await ended(world)
    assert await tombstones(world) == []


async def test_revisions_go_on_after_a_deletion_and_republishing_tells_it(world: World) -> None:
    await busy(world)
    await heard(world, Deleted(W, world.revision + 1))
    await ended(world)
    await world.said("sync-configs.v1")
    assert await world.configuring.republish() == 1
    assert await tombstones(world) == [None]
    await world.configure()
    assert (await world.configuring.shown(W, "member"))["revision"] == 3


async def test_deleted_and_made_anew_in_one_batch_was_deleted_and_waits_for_its_end(
    world: World,
) -> None:
    """Nobody works by the old rules in between; afterwards the new connection works."""
    await busy(world)
    revision = world.revision
    await heard(world, Deleted(W, revision + 1), anew(revision + 2))
    calls = len(world.org.calls)
    await world.soon()
    await world.work()
    assert len(world.org.calls) == calls
    await ended(world)
    assert await standing(world) == GONE
    await world.links("m1", 2, LinkState.UNLINKED, reason="connection_deleted")
    await world.configure()
    record = world.org.put("9", LastName="Byron", Email="m1@example.org", Phone="7")
    await world.link("m1", record, revision=3)
    await world.work()
    assert (await world.pair("m1")).outcome == "asked"  # the record's phone is the newer


async def test_what_was_saved_after_the_deletion_stays(world: World) -> None:
    await busy(world)
    revision = world.revision
    await heard(
        world,
        Deleted(W, revision + 1),
        anew(revision + 2),
        at=datetime.now(UTC) - timedelta(hours=1),
    )
    await ended(world)
    assert (await world.configuring.shown(W, "member"))["revision"] == 1
    assert await tombstones(world) == []
    assert (await standing(world))["ended"] == 0


async def test_a_deletion_that_comes_after_its_successor_changes_nothing(world: World) -> None:
    await busy(world)
    before = await standing(world)
    revision = world.revision
    await heard(world, anew(revision + 2))
    await heard(world, Deleted(W, revision + 1))
    await ended(world)
    assert await standing(world) == before
    assert await tombstones(world) == []
