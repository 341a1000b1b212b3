from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from crmlink_common.contracts.connections import Connection, ConnectionStatus
from crmlink_common.errors import TransientError
from crmlink_oauth.domain.workspaces import KnownWorkspace
from crmlink_oauth.fakes.org import refusal
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.authority import UnusableError
from crmlink_oauth.service.ports import NotAnsweredError

REFRESH = "refresh_token"


async def test_a_good_token_is_given_without_asking_salesforce(world: World) -> None:
    await world.connect()
    asked = len(world.org.calls)
    granted = await world.token()
    assert granted.token in world.org.access
    assert granted.epoch == world.row().epoch
    assert len(world.org.calls) == asked
    assert granted.token not in repr(granted)


async def test_a_failed_token_is_refreshed(world: World) -> None:
    await world.connect()
    failed = await world.expire()
    granted = await world.token(failed)
    assert granted.token in world.org.access
    assert granted.fingerprint != failed
    assert await world.token(failed) == granted
    assert world.org.calls.count(REFRESH) == 1


@pytest.mark.parametrize("rotates", [False, True])
async def test_twenty_callers_with_one_failed_token_cause_one_refresh(
    world: World, *, rotates: bool
) -> None:
    world.org.rotates = rotates
    await world.connect()
    failed = await world.expire()
    granted = await asyncio.gather(*[world.token(failed) for _ in range(20)])
    assert world.org.calls.count(REFRESH) == 1
    assert {one.token for one in granted} == world.org.access


async def test_a_rotated_refresh_token_is_stored_before_the_access_token_is_seen(
    world: World,
) -> None:
    world.org.rotates = True
    await world.connect()
    for _ in range(3):
        granted = await world.token(await world.expire())
        assert granted.token in world.org.access
        assert {world.desk.opened(world.row(), REFRESH)} == world.org.refresh


async def test_a_revoked_token_is_an_error_for_everybody_at_once(world: World) -> None:
    await world.connect()
    failed = await world.expire()
    world.org.refresh.clear()
    for _ in range(2):
        with pytest.raises(UnusableError) as told:
            await world.token(failed)
        assert told.value.code == "connection_error"
    assert world.org.calls.count(REFRESH) == 1
    published = world.published()[-1].data
    assert isinstance(published, Connection)
    assert (published.status, published.error_code) == (ConnectionStatus.ERROR, "token_revoked")
    shown = await world.setup.show("w1")
    assert shown.error is not None
    assert "Disconnect" in shown.error.cure


async def test_disconnect_and_connect_heal_it(world: World) -> None:
    await world.connect()
    failed = await world.expire()
    world.org.refresh.clear()
    with pytest.raises(UnusableError):
        await world.token(failed)
    await world.setup.disconnect("w1", actor="ada")
    await world.connect()
    assert (await world.token()).token in world.org.access


@pytest.mark.parametrize(
    "fault", [httpx.ReadTimeout("slow"), httpx.Response(503), httpx.Response(200, text="<html>")]
)
async def test_a_lost_answer_is_tried_again_if_nothing_was_ever_rotated(
    world: World, fault: httpx.Response | Exception
) -> None:
    await world.connect()
    failed = await world.expire()
    world.org.faults[REFRESH] = [fault]
    with pytest.raises(NotAnsweredError) as told:
        await world.token(failed)
    assert told.value.retry_after is not None
    with pytest.raises(TransientError):
        await world.token(failed)
    assert world.org.calls.count(REFRESH) == 1
    world.time += timedelta(seconds=3)
    assert (await world.token(failed)).token in world.org.access


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("no way there"),
        httpx.Response(503, text="maintenance"),
        httpx.Response(400, json={"error": "server_error"}),
    ],
)
async def test_an_outage_costs_no_rotated_token_and_is_shown(
    world: World, fault: httpx.Response | Exception
) -> None:
    world.org.rotates = True
    await world.connect()
    await world.token(await world.expire())
    failed = await world.expire()
    world.org.faults[REFRESH] = [fault] * 5
    for _ in range(5):
        with pytest.raises(NotAnsweredError):
            await world.token(failed)
        world.time += timedelta(minutes=1)
    shown = await world.setup.show("w1")
    assert shown.status is ConnectionStatus.CONNECTED
    assert shown.error is not None
    assert shown.error.code == "not_answering"
    assert (await world.token(failed)).token in world.org.access
    assert (await world.setup.show("w1")).error is None


async def lose_an_answer(world: World) -> str:
    """Rotate once, then let Salesforce rotate again while its answer never arrives."""
    world.org.rotates = True
    await world.connect()
    await world.token(await world.expire())
    failed = await world.expire()

    def rotate_unseen(what: str) -> None:
        if what == REFRESH:
            world.org.refresh = {"never-seen"}
            world.org.during = lambda _: None

    world.org.during = rotate_unseen
    world.org.faults[REFRESH] = [httpx.ReadTimeout("lost")]
    with pytest.raises(NotAnsweredError):
        await world.token(failed)
    world.time += timedelta(minutes=1)
    return failed


async def test_a_lost_rotated_token_is_tried_once_and_told(world: World) -> None:
    failed = await lose_an_answer(world)
    with pytest.raises(UnusableError):
        await world.token(failed)
    assert world.row().error_code == "rotated_token_lost"
    assert world.org.calls.count(REFRESH) == 3


async def test_beside_a_sibling_a_lost_rotated_token_is_not_tried_at_all(world: World) -> None:
    failed = await lose_an_answer(world)
    world.store.connections.rows["w2"] = replace(world.row(), workspace_id="w2")
    with pytest.raises(UnusableError):
        await world.token(failed)
    assert world.row().error_code == "rotated_token_lost"
    assert world.org.calls.count(REFRESH) == 2


async def test_a_rotated_token_is_kept_when_salesforce_was_never_reached(world: World) -> None:
    world.org.rotates = True
    await world.connect()
    await world.token(await world.expire())
    failed = await world.expire()
    for _ in range(3):
        world.org.faults[REFRESH] = [httpx.ConnectError("no route")]
        with pytest.raises(NotAnsweredError):
            await world.token(failed)
        world.time += timedelta(minutes=1)
    assert (await world.token(failed)).token in world.org.access


async def test_a_process_that_died_in_the_call_is_taken_over(world: World) -> None:
    await world.connect()
    failed = await world.expire()

    def die(what: str) -> None:
        if what == REFRESH:
            world.org.during = lambda _: None
            raise asyncio.CancelledError

    world.org.during = die
    with pytest.raises(asyncio.CancelledError):
        await world.token(failed)
    with pytest.raises(TransientError):  # its lease still stands
        await world.token(failed)
    world.time += timedelta(seconds=31)
    assert (await world.token(failed)).token in world.org.access


async def test_a_disconnect_during_a_refresh_stays_and_the_new_token_is_revoked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.connect()
    failed = await world.expire()
    gate, reached = asyncio.Event(), asyncio.Event()
    answer = world.org.answer

    async def slow(request: httpx.Request) -> httpx.Response:
        if b"grant_type=refresh_token" in request.content:
            reached.set()
            await gate.wait()
        return await answer(request)

    world.org.rotates = True
    await world.origins.aclose()
    monkeypatch.setattr(world.org, "answer", slow)
    asked = asyncio.create_task(world.token(failed))
    await reached.wait()
    await world.setup.disconnect("w1", actor="ada")
    gate.set()
    with pytest.raises(UnusableError):
        await asked
    assert world.row().status is ConnectionStatus.AWAITING_OAUTH
    assert world.row().access_token == ""
    while await world.revoking.revoke_one():
        pass
    assert world.org.refresh == set()


async def test_too_many_sign_ins_is_no_revocation(world: World) -> None:
    await world.connect()
    failed = await world.expire()
    world.org.faults[REFRESH] = [refusal("rate_limit_exceeded", "number of logins exceeded")]
    with pytest.raises(NotAnsweredError):
        await world.token(failed)
    assert world.row().status is ConnectionStatus.CONNECTED


async def test_an_instance_that_is_not_salesforces_own_ends_the_connection(world: World) -> None:
    await world.connect()
    failed = await world.expire()
    world.org.instance_url = "https://evil.example"
    with pytest.raises(UnusableError):
        await world.token(failed)
    assert world.row().error_code == "instance_url_refused"


async def test_disabled_means_no_token(world: World) -> None:
    await world.connect()
    await world.setup.switch("w1", on=False, actor="ada")
    with pytest.raises(UnusableError) as told:
        await world.token()
    assert told.value.code == "disabled"
    await world.setup.switch("w1", on=True, actor="ada")
    assert (await world.token()).token in world.org.access


async def test_without_the_feature_there_is_no_token(world: World) -> None:
    await world.connect()
    world.store.workspaces.rows["w1"] = KnownWorkspace("w1", 2, crm_salesforce=False)
    with pytest.raises(UnusableError):
        await world.token()


async def test_waiting_for_another_replica_is_bounded(world: World) -> None:
    await world.connect()
    failed = await world.expire()
    connection = world.row()
    held = replace(
        connection, refresh_holder="other", refresh_until=world.time + timedelta(seconds=30)
    )
    world.store.connections.rows["w1"] = held
    with pytest.raises(TransientError) as told:
        await world.token(failed)
    assert told.value.retry_after is not None
    assert 8 <= sum(world.slept) < 9
