"""Turns of capture that end badly, wait or meet another, on real PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from crmlink_common.contracts.member_links import LinkState
from crmlink_common.messaging import tables as messaging
from crmlink_common.salesforce.client import ApiUsage, Org
from crmlink_common.salesforce.errors import (
    SalesforceLimitError,
    SalesforceNotFoundError,
    SalesforcePermanentError,
    SalesforceTransientError,
)
from crmlink_common.storage.migrations import differences, migrate
from crmlink_sync_inbound.app import MIGRATIONS, SCHEMA
from crmlink_sync_inbound.fakes.org import NOON, ORG, an_id
from crmlink_sync_inbound.fakes.world import (
    MINUTE,
    World,
    a_config,
    a_connection,
    a_link,
    a_workspace,
)
from crmlink_sync_inbound.storage import tables
from crmlink_sync_inbound.storage.capture import CaptureRepository
from crmlink_sync_inbound.storage.tables import CaptureRow, CursorRow, LinkRow, table

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


async def test_the_migrations_make_what_the_models_say(database: str) -> None:
    dsn = SecretStr(database)
    await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)
    await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)  # again is harmless
    found = await asyncio.to_thread(differences, dsn, SCHEMA, [tables.metadata, messaging.metadata])
    assert found == []


async def test_an_older_configuration_changes_nothing(world: World) -> None:
    world.org.put(1, NOON - timedelta(days=9))
    await world.learn(links=a_link(1), configs=a_config(5, "Email"))
    await world.turn()
    await world.learn(configs=a_config(4, "Email", "Phone"))
    assert await world.turn() == []


async def test_a_crash_between_publishing_and_the_cursor_tells_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    world.org.put(1, Email="new@x.example")

    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as crash:
        crash.setattr(CaptureRepository, "save_cursor", die)
        with pytest.raises(asyncio.CancelledError):
            await world.turn()
    async with world.sessions.begin() as session:  # three minutes later
        due = table(CaptureRow)
        await session.execute(due.update().values(lease_until=datetime.now(UTC)))
    world.capture = world.a_poller("two")
    [told] = await world.turn()
    assert told.values["Email"] == "new@x.example"


async def test_a_bus_that_is_down_loses_nothing(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    world.bus_down = True
    assert await world.turn() == []
    assert (await world.shown())["error"] == "transient"
    world.bus_down = False
    assert [one.kind for one in await world.turn()] == ["reread"]


async def test_of_two_pollers_the_stalled_one_tells_and_saves_nothing(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    world.org.put(1, Email="old@x.example")
    stalled, others = world.capture, world.a_poller("two")
    taken: list[asyncio.Task[bool]] = []

    async def overtake(ws: str) -> Org:
        async with world.sessions.begin() as session:
            due = table(CaptureRow)
            await session.execute(due.update().values(lease_until=datetime.now(UTC) - MINUTE))
        taken.append(asyncio.create_task(others.take_turn()))
        await taken[0]
        return await world.org.opened(ws)

    object.__setattr__(stalled, "open_org", overtake)
    [told] = await world.turn()
    assert told.values["Email"] == "old@x.example"
    row = await world.row(CaptureRow)
    assert (row.fence, row.lease_until, row.error_code) == (3, None, "")


async def test_a_workspace_under_way_is_nobody_elses(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    others = world.a_poller("two")
    asked: list[bool] = []

    async def ask_too(ws: str) -> Org:
        asked.append(await others.take_turn())
        return await world.org.opened(ws)

    object.__setattr__(world.capture, "open_org", ask_too)
    await world.turn()
    assert asked == [False]


async def test_a_link_that_comes_during_a_turn_makes_the_next_one_due_at_once(
    world: World,
) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))

    async def meanwhile(ws: str) -> Org:
        await world.learn(links=a_link(2))
        return await world.org.opened(ws)

    object.__setattr__(world.capture, "open_org", meanwhile)
    await world.turn()
    assert (await world.row(CaptureRow)).due_at <= datetime.now(UTC)


async def test_another_org_has_cursors_of_its_own(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    first = (await world.row(CursorRow)).modstamp
    world.org.org_id = "00D000000000002EAA"
    assert await world.turn() == []  # the event of the new connection has not come
    await world.learn(
        connections=a_connection(2, world.org.org_id),
        links=a_link(1, revision=2, org_id=world.org.org_id),
    )
    assert [one.org_id for one in await world.turn()] == [world.org.org_id]
    async with world.sessions() as session:
        cursors = table(CursorRow)
        rows = await session.execute(select(cursors.c.modstamp).where(cursors.c.org_id == ORG))
        assert {row.modstamp for row in rows} == {first}


async def test_back_on_the_first_org_capture_goes_on_where_it_was(world: World) -> None:
    """On the other org, links of the first are dormant: there is nothing to look at there."""
    copy = "00D000000000002EAA"
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    calls = list(world.org.asked)
    await world.learn(connections=a_connection(2, copy))
    world.org.org_id = copy
    assert await world.turn() == []
    assert world.org.asked == calls
    world.org.org_id = ORG
    world.org.put(1, Phone="2")
    await world.learn(connections=a_connection(3, ORG))
    assert [one.org_id for one in await world.turn()] == [ORG]


async def test_an_object_that_cannot_be_read_holds_up_no_other(world: World) -> None:
    world.org.failing["Lead"] = SalesforceNotFoundError("NOT_FOUND")
    world.org.put(1)
    await world.learn(links=a_link(1))
    assert len(await world.turn()) == 1
    assert (await world.shown())["state"] == "polling"
    await world.turn()
    assert world.org.asked.count("describe Lead") == 1  # not asked again with each poll


async def test_a_target_object_that_cannot_be_read_is_an_error(world: World) -> None:
    world.org.failing["Gone__c"] = SalesforceNotFoundError("NOT_FOUND")
    config = a_config(2, "Email", entity_params={"target_object": "Gone__c"})
    world.org.put(1)
    await world.learn(links=a_link(1), configs=config)
    assert len(await world.turn()) == 1
    shown = await world.shown()
    assert (shown["state"], shown["error"]) == ("error", "NOT_FOUND")


async def test_people_hear_of_an_error_that_lasts_and_of_its_end(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    world.org.failing["Contact"] = SalesforcePermanentError("INVALID_FIELD")
    await world.turn()
    assert await world.traces() == []
    for _ in range(3):
        await world.turn()
    stopped = ("w1", "capture.stopped", "INVALID_FIELD")
    assert await world.traces() == [stopped]
    del world.org.failing["Contact"]
    for _ in range(2):
        await world.turn(timedelta(minutes=16))  # then it is described anew
    assert await world.traces() == [stopped, ("w1", "capture.resumed", "INVALID_FIELD")]


async def test_a_workspace_switched_off_is_no_end_of_its_error(world: World) -> None:
    world.org.put(1)
    world.org.failing["Contact"] = SalesforcePermanentError("INVALID_FIELD")
    await world.learn(links=a_link(1))
    for _ in range(2):
        await world.turn()
    polled = (await world.row(CaptureRow)).last_poll_at
    await world.learn(workspaces=a_workspace(2, on=False))
    await world.turn()
    row = await world.row(CaptureRow)
    assert (row.last_poll_at, row.error_code, row.told_error) == (polled, "", "")
    assert [action for _, action, _ in await world.traces()] == ["capture.stopped"]


async def test_a_field_that_disappears_is_described_anew(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    world.org.failing["Contact"] = SalesforcePermanentError("INVALID_FIELD")
    await world.turn()
    assert (await world.shown())["error"] == "INVALID_FIELD"
    del world.org.failing["Contact"]
    world.org.put(1)
    assert len(await world.turn()) == 1
    assert (await world.shown())["error"] is None


async def test_trouble_with_one_object_is_told_after_the_others_are_read(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    world.org.failing["Lead"] = SalesforceTransientError("QUERY_TIMEOUT")
    world.org.put(1)
    assert len(await world.turn()) == 1
    assert (await world.shown())["error"] == "QUERY_TIMEOUT"


async def test_a_used_up_limit_parks_and_links_do_not_wake_it(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    world.org.failing["Contact"] = SalesforceLimitError("REQUEST_LIMIT_EXCEEDED")
    await world.turn()
    assert (await world.shown())["state"] == "waiting_for_budget"
    assert (await world.shown())["error"] == "limit"
    until = (await world.row(CaptureRow)).due_at
    assert until > datetime.now(UTC) + MINUTE / 2
    await world.learn(links=a_link(2))
    assert (await world.row(CaptureRow)).due_at == until
    await world.learn(connections=a_connection(2))
    assert (await world.row(CaptureRow)).due_at <= datetime.now(UTC)


async def test_a_parked_org_is_probed_and_capture_goes_on_by_itself(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    world.org.failing["Contact"] = SalesforceLimitError("REQUEST_LIMIT_EXCEEDED")
    world.org.put(1)
    await world.turn()
    world.org.asked.clear()
    for _ in range(3):
        assert await world.turn(MINUTE / 10) == []  # woken too early: nothing is asked
    assert world.org.asked == []
    assert [(one.work, one.reason) for one in world.budgets.waiting("w1")] == [("event", "limit")]
    del world.org.failing["Contact"]
    [told] = await world.turn(2 * MINUTE)
    assert told.kind == "updated"
    assert world.org.asked[0] == "limits"
    assert (await world.shown())["state"] == "polling"
    assert list(world.budgets.waiting("w1")) == []


async def test_events_stop_at_their_share_of_the_limit(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    world.org.usage = ApiUsage(used=901, limit=1000)
    world.budgets.heard("w1", ORG, world.org.usage)
    assert await world.turn(MINUTE / 2) == []
    assert world.org.asked == []
    shown = await world.shown()
    assert (shown["state"], shown["error"]) == ("waiting_for_budget", "budget")
    assert shown["next_poll_at"] > datetime.now(UTC)
    await world.turn(5 * MINUTE)
    assert world.org.asked == ["limits"]
    world.org.usage = ApiUsage(used=500, limit=1000)
    assert len(await world.turn(5 * MINUTE)) == 1


async def test_a_workspace_switched_off_waits(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.learn(workspaces=a_workspace(2, on=False))
    assert await world.turn() == []
    assert world.org.asked == []
    assert (await world.shown())["state"] == "waiting_for_connection"


async def test_links_that_all_ended_begin_anew_and_not_from_long_ago(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    await world.learn(links=a_link(1, revision=2, state=LinkState.UNLINKED, record_id=""))
    await world.turn()
    assert await world.row(CursorRow) is None
    await world.learn(links=a_link(1, revision=3))
    assert [one.kind for one in await world.turn(timedelta(days=30))] == ["reread"]


async def test_an_older_link_changes_nothing(world: World) -> None:
    await world.learn(links=a_link(1, revision=5))
    await world.learn(links=[a_link(1, revision=4, record_id=an_id(4)), a_link(1, revision=5)])
    assert (await world.row(LinkRow)).record_id == an_id(1)


async def test_with_inbound_off_it_goes_on_slowly(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1), configs=a_config(2, "Email", inbound_enabled=False))
    assert len(await world.turn()) == 1
    assert (await world.row(CaptureRow)).wait_seconds == 300
