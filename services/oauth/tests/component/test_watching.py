from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpx
import pytest

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_oauth.domain.watching import Watch
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.ports import Usage
from crmlink_oauth.service.watching import Watching

USERINFO, REFRESH = "/services/oauth2/userinfo", "refresh_token"


@dataclass
class FakeWatches:
    rows: dict[str, Watch] = field(default_factory=dict)

    async def enrol(self, now: datetime, within: timedelta) -> int:
        return 0

    async def claim(self, now: datetime, lease: timedelta, size: int) -> list[Watch]:
        due = [watch for watch in self.rows.values() if watch.due_at <= now][:size]
        self.rows |= {watch.workspace_id: replace(watch, due_at=now + lease) for watch in due}
        return due

    async def settle(self, watch: Watch) -> None:
        self.rows[watch.workspace_id] = watch

    async def watch(self, workspace_id: str, now: datetime, until: datetime) -> None:
        known = self.rows[workspace_id]
        self.rows[workspace_id] = replace(known, watched_until=until, due_at=now)


@pytest.fixture
async def watching(world: World) -> Watching:
    await world.connect()
    first = Watch(
        workspace_id="w1",
        due_at=world.time,
        alive_at=world.time,
        token_serial=world.row().token_serial,
        token_since=world.time,
    )
    return Watching(
        desk=world.desk,
        authority=world.authority,
        salesforce=world.salesforce,
        watches=FakeWatches({"w1": first}),
        jitter=lambda: 0,
    )


def looks(world: World) -> int:
    return world.org.calls.count(USERINFO)


async def test_an_idle_connection_is_looked_at_every_quarter_of_an_hour(
    world: World, watching: Watching
) -> None:
    began = looks(world)
    for _ in range(60):
        world.time += timedelta(minutes=1)
        await watching.look_after_some()
    assert looks(world) - began == 4
    assert world.org.calls.count(REFRESH) == 0


async def test_a_page_that_is_open_makes_it_a_minute(world: World, watching: Watching) -> None:
    began = looks(world)
    for _ in range(10):
        world.time += timedelta(minutes=1)
        await watching.seen("w1")
        await watching.look_after_some()
    assert looks(world) - began == 10


async def test_a_busy_connection_is_not_looked_at(world: World, watching: Watching) -> None:
    began = looks(world)
    for _ in range(60):
        world.time += timedelta(minutes=1)
        world.store.usage.rows["w1", "tools"] = Usage("tools", 1, 100, world.time)
        await watching.look_after_some()
    assert looks(world) == began


async def test_revoked_in_the_org_it_becomes_an_error_without_any_other_traffic(
    world: World, watching: Watching
) -> None:
    world.org.access.clear()
    world.org.refresh.clear()
    world.time += timedelta(minutes=15)
    await watching.look_after_some()
    row = world.row()
    assert (row.status, row.error_code) == (ConnectionStatus.ERROR, "token_revoked")
    assert (await world.setup.show("w1")).error is not None


async def test_an_ended_session_is_renewed_and_nothing_else(
    world: World, watching: Watching
) -> None:
    world.org.access.clear()
    world.time += timedelta(minutes=15)
    await watching.look_after_some()
    assert world.row().status is ConnectionStatus.CONNECTED
    assert world.org.calls.count(REFRESH) == 1


async def test_an_org_that_does_not_answer_is_asked_again_soon(
    world: World, watching: Watching
) -> None:
    world.org.faults[USERINFO] = [httpx.Response(503)]
    world.time += timedelta(minutes=15)
    began = looks(world)
    for _ in range(3):
        await watching.look_after_some()
        world.time += timedelta(minutes=1)
    assert looks(world) - began == 2
    assert world.row().status is ConnectionStatus.CONNECTED


async def test_an_idle_token_is_used_before_it_expires(world: World, watching: Watching) -> None:
    for _ in range(8 * 24):
        world.time += timedelta(hours=1)
        await watching.look_after_some()
    assert world.org.calls.count(REFRESH) == 1


async def test_after_a_lost_answer_the_access_token_is_used_while_it_works(
    world: World, watching: Watching
) -> None:
    row = replace(world.row(), ever_rotated=True, refreshes_unanswered=1)
    world.store.connections.rows["w1"] = row
    for _ in range(9):
        world.time += timedelta(days=1)
        await watching.look_after_some()
    assert world.org.calls.count(REFRESH) == 0
    assert world.row().status is ConnectionStatus.CONNECTED


async def test_a_disabled_connection_is_left_alone(world: World, watching: Watching) -> None:
    await world.setup.switch("w1", on=False, actor="ada")
    asked = len(world.org.calls)
    world.time += timedelta(days=9)
    await watching.look_after_some()
    assert len(world.org.calls) == asked


async def test_no_transaction_is_open_during_a_look(world: World, watching: Watching) -> None:
    seen: list[bool] = []
    world.org.during = lambda _: seen.append(world.store.open)
    world.time += timedelta(minutes=15)
    await watching.look_after_some()
    assert seen == [False]


async def test_a_token_that_another_workspace_lives_on_is_not_revoked(world: World) -> None:
    await world.connect()
    world.store.connections.rows["w2"] = replace(world.row(), workspace_id="w2")
    await world.setup.disconnect("w1", actor="ada")
    kept = set(world.org.refresh)
    assert await world.revoking.revoke_one()
    assert world.org.refresh == kept
    assert world.store.revocations.rows == {}
