"""Another org on reconnect: nothing syncs until somebody says which one it shall be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmlink_common.contracts.connections import Connection
from crmlink_oauth.domain.connection import NoOrgToConfirmError, NotConfiguredError
from crmlink_oauth.domain.workspaces import KnownWorkspace
from crmlink_oauth.fakes.org import INSTANCE, ORG_ID
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.authority import UnusableError

OTHER_ORG = "00Dy0000000OtherAA"
SANDBOX = "https://acme--copy.sandbox.my.salesforce.com"


async def elsewhere(world: World, workspace_id: str = "w1") -> None:
    """Disconnect, and sign in to a sandbox copy: its records have the same ids, the org has not."""
    await world.setup.disconnect(workspace_id, actor="ada")
    world.org.org_id, world.org.instance_url = OTHER_ORG, SANDBOX
    assert (await world.connect(workspace_id)).code == ""


def told(world: World) -> Connection:
    data = world.published()[-1].data
    assert isinstance(data, Connection)
    return data


async def test_another_org_is_connected_but_not_used(world: World) -> None:
    await world.connect()
    await elsewhere(world)
    shown = await world.setup.show("w1")
    assert (shown.status, shown.org_id, shown.instance_url) == ("connected", ORG_ID, SANDBOX)
    assert shown.org is not None
    assert shown.pending_org is not None
    assert (shown.org.id, shown.pending_org.id) == (ORG_ID, OTHER_ORG)
    assert (told(world).status, told(world).org_id) == ("connected", ORG_ID)
    assert (told(world).org_confirmed, told(world).usable) == (False, False)
    with pytest.raises(UnusableError) as refused:
        await world.token()
    assert refused.value.code == "org_not_confirmed"


async def test_use_this_org_binds_to_it_and_gives_tokens(world: World) -> None:
    await world.connect()
    await elsewhere(world)
    shown = await world.setup.confirm_org("w1", actor="ada")
    assert (shown.status, shown.org_id, shown.pending_org) == ("connected", OTHER_ORG, None)
    assert (told(world).org_id, told(world).usable) == (OTHER_ORG, True)
    granted = await world.token()
    assert (granted.org_id, granted.instance_url) == (OTHER_ORG, SANDBOX)


async def test_a_decision_about_another_org_than_the_one_that_waits_is_refused(
    world: World,
) -> None:
    """Somebody signed in elsewhere between the look and the click."""
    await world.connect()
    await elsewhere(world)
    with pytest.raises(NoOrgToConfirmError):
        await world.setup.confirm_org("w1", actor="ada", org_id="00Dz0000000ThirdAA")
    assert world.row().pending_org_id == OTHER_ORG
    shown = await world.setup.confirm_org("w1", actor="ada", org_id=OTHER_ORG[:15])
    assert shown.org_id == OTHER_ORG


async def test_the_usage_shown_is_never_another_orgs(world: World) -> None:
    await world.connect()
    before = (await world.setup.show("w1")).usage
    world.time += timedelta(minutes=1)
    await elsewhere(world)
    assert (await world.setup.show("w1")).usage == before
    assert (await world.setup.confirm_org("w1", actor="ada")).usage is None


async def test_go_back_forgets_and_revokes_the_new_tokens_and_keeps_the_earlier_org(
    world: World,
) -> None:
    await world.connect()
    await elsewhere(world)
    assert await world.revoking.revoke_one()
    [new] = world.org.refresh
    shown = await world.setup.reject_org("w1", actor="ada")
    assert (shown.status, shown.org_id, shown.pending_org) == ("awaiting_oauth", ORG_ID, None)
    assert (shown.check, shown.has_secret) == (None, True)
    assert told(world).org_confirmed
    assert await world.revoking.revoke_one()
    assert new not in world.org.refresh
    world.org.org_id, world.org.instance_url = ORG_ID, INSTANCE
    await world.connect()
    assert (told(world).org_id, told(world).usable) == (ORG_ID, True)


async def test_a_sign_in_to_the_earlier_org_ends_the_question(world: World) -> None:
    await world.connect()
    await elsewhere(world)
    world.org.org_id, world.org.instance_url = ORG_ID, INSTANCE
    await world.connect()
    shown = await world.setup.show("w1")
    assert (shown.org_id, shown.pending_org, told(world).usable) == (ORG_ID, None, True)


async def test_disconnect_and_connect_to_the_same_org_asks_nothing(world: World) -> None:
    await world.connect()
    before = told(world)
    await world.setup.disconnect("w1", actor="ada")
    await world.connect()
    assert (told(world).usable, told(world).org_id) == (True, before.org_id)
    assert told(world).epoch > before.epoch


async def test_without_a_question_there_is_nothing_to_decide(world: World) -> None:
    for decide in (world.setup.confirm_org, world.setup.reject_org):
        with pytest.raises(NotConfiguredError):
            await decide("w1", actor="ada")
    assert world.store.connections.rows == {}
    await world.connect()
    for decide in (world.setup.confirm_org, world.setup.reject_org):
        with pytest.raises(NoOrgToConfirmError):
            await decide("w1", actor="ada")


async def test_a_deleted_connection_has_forgotten_its_org(world: World) -> None:
    await world.connect()
    await world.setup.delete("w1", actor="ada")
    world.org.org_id = OTHER_ORG
    await world.configure()
    await world.connect()
    assert (told(world).org_id, told(world).usable) == (OTHER_ORG, True)


async def test_two_workspaces_on_one_org_know_nothing_of_each_other(world: World) -> None:
    """One workspace's decision about its org leaves the other's connection as it is."""
    world.store.workspaces.rows["w2"] = KnownWorkspace("w2", 1, crm_salesforce=True)
    await world.connect("w1")
    await world.connect("w2")
    before = world.row("w2")
    await elsewhere(world, "w1")
    await world.setup.reject_org("w1", actor="ada")
    await world.setup.delete("w1", actor="ada")
    assert world.row("w2") == before
    assert (await world.token(None, "w2")).org_id == ORG_ID
