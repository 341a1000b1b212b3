from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.contracts.cloudevents import Deleted, Event, decode, encode
from crmlink_common.contracts.connections import Connection
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_oauth.domain.workspaces import KnownWorkspace, learn
from crmlink_oauth.fakes.world import NOON, World

REVOKE = "/services/oauth2/revoke"


def an_event(data: Workspace | Deleted) -> Event[Workspace]:
    r = encode(WORKSPACES_V1, data, event_id="e1", source="t", time=NOON)
    return decode(WORKSPACES_V1, r.key, r.value, list(r.headers))


async def follow(world: World, *data: Workspace | Deleted) -> None:
    async with world.store() as tx:
        await world.following.follow(tx, [an_event(one) for one in data])


async def test_the_flag_turned_off_and_on_is_told_with_the_connection(world: World) -> None:
    await world.connect()
    await follow(world, Workspace(workspace_id="w1", revision=2, crm_salesforce=False))
    await follow(world, Workspace(workspace_id="w1", revision=3, crm_salesforce=True))
    off, on = [event.data for event in world.published()[-2:]]
    assert isinstance(off, Connection)
    assert isinstance(on, Connection)
    assert (off.usable, on.usable) == (False, True)
    assert on.revision == off.revision + 1 == world.row().revision


async def test_the_same_message_twice_has_one_effect(world: World) -> None:
    await world.connect()
    told = len(world.published())
    for _ in range(2):
        await follow(world, Workspace(workspace_id="w1", revision=2, crm_salesforce=False))
    assert len(world.published()) == told + 1


async def test_a_flag_for_a_workspace_without_connection_is_only_remembered(world: World) -> None:
    await follow(world, Workspace(workspace_id="w9", revision=1, crm_salesforce=True))
    assert world.store.workspaces.rows["w9"].crm_salesforce
    assert world.published() == []


@given(st.permutations(range(1, 6)), st.integers(1, 5))
def test_in_any_order_the_newest_wins(order: list[int], deletion: int) -> None:
    known: KnownWorkspace | None = None
    for n in order:
        seen = (
            Deleted("w1", n)
            if n == deletion
            else Workspace(workspace_id="w1", revision=n, crm_salesforce=n % 2 == 0)
        )
        known = learn(known, seen, NOON) or known
    assert known is not None
    assert known.revision == 5
    assert (known.deleted_at is not None) == (deletion == 5)


async def test_a_removed_workspace_loses_its_connection_after_the_grace(world: World) -> None:
    await world.connect()
    await follow(world, Deleted("w1", 9))
    await world.tidying.tidy()
    assert world.row().access_token
    world.time += timedelta(days=8)
    await world.tidying.tidy()
    assert world.row().client_secret == ""
    assert isinstance(world.published()[-1].data, Deleted)


async def test_old_sign_ins_are_forgotten(world: World) -> None:
    await world.configure()
    await world.signing_in.begin("w1", actor="ada")
    world.time += timedelta(days=2)
    await world.tidying.tidy()
    assert world.store.sign_ins.rows == {}


@pytest.mark.parametrize("fault", [httpx.ConnectError("no"), httpx.Response(500)])
async def test_a_revocation_that_fails_is_tried_again_later(
    world: World, fault: httpx.Response | Exception
) -> None:
    await world.connect()
    await world.setup.disconnect("w1", actor="ada")
    world.org.faults[REVOKE] = [fault]
    assert await world.revoking.revoke_one()
    assert not await world.revoking.revoke_one()
    world.time += timedelta(minutes=5)
    assert await world.revoking.revoke_one()
    assert world.org.refresh == set()
    assert world.store.revocations.rows == {}


async def test_a_revocation_given_up_is_told_and_its_token_forgotten(world: World) -> None:
    await world.connect()
    await world.setup.disconnect("w1", actor="ada")
    world.org.faults[REVOKE] = [httpx.Response(503) for _ in range(100)]
    while any(one.failed_at is None for one in world.store.revocations.rows.values()):
        await world.revoking.revoke_one()
        world.time += timedelta(minutes=10)
    [given_up] = world.store.revocations.rows.values()
    assert given_up.token == ""
    assert given_up.failed_at is not None
    assert given_up.failed_at <= given_up.expires_at
    assert b"connection.revoke_failed" in (world.store.outbox.rows[-1].value or b"")
    assert not await world.revoking.revoke_one()
    world.time += timedelta(days=31)
    await world.tidying.tidy()
    assert world.store.revocations.rows == {}


async def test_a_failed_second_sign_in_never_revokes_the_token_in_use(world: World) -> None:
    await world.connect()
    world.org.repeats = True
    world.org.faults["/services/data"] = [httpx.Response(503)]
    assert (await world.connect()).code == "not_answering"
    assert not await world.revoking.revoke_one()
    assert world.row().status == "connected"


async def test_a_token_that_is_already_gone_needs_no_second_try(world: World) -> None:
    await world.connect()
    await world.setup.disconnect("w1", actor="ada")
    world.org.refresh.clear()
    await world.revoking.revoke_one()
    assert world.store.revocations.rows == {}


async def test_republishing_tells_every_state_again_as_it_is(world: World) -> None:
    await world.connect()
    await world.configure("w2")
    await world.setup.delete("w2", actor="ada")
    world.store.outbox.rows.clear()
    assert await world.republishing.republish() == 2
    one, two = [event.data for event in world.published()]
    assert isinstance(one, Connection)
    assert one.usable
    assert two == Deleted("w2", world.row("w2").revision)
