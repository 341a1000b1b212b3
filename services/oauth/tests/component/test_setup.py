from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest

from crmlink_common.contracts.cloudevents import Deleted
from crmlink_common.contracts.connections import Connection
from crmlink_common.crypto.keyring import KeyRing
from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.hosts import HostRefusedError
from crmlink_oauth.domain.connection import NotConfiguredError
from crmlink_oauth.fakes.org import CLIENT_ID, CLIENT_SECRET, LOGIN
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.setup import Form


async def test_an_unknown_workspace_is_not_connected_and_told_what_to_register(
    world: World,
) -> None:
    shown = await world.setup.show("w9")
    assert (shown.status, shown.login_url, shown.api_version) == ("not_connected", LOGIN, "59.0")
    assert shown.callback_url.endswith("/api/v2/w/w9/app-connections/salesforce/oauth/callback")
    assert (shown.epoch, shown.error, shown.has_secret) == (0, None, False)


async def test_configured_it_awaits_a_sign_in_and_never_shows_the_secret(world: World) -> None:
    await world.configure()
    shown = await world.setup.show("w1")
    assert (shown.status, shown.client_id, shown.has_secret) == ("awaiting_oauth", CLIENT_ID, True)
    assert CLIENT_SECRET not in shown.model_dump_json()
    [told] = world.published()
    assert isinstance(told.data, Connection)
    assert (told.data.status, told.data.usable) == ("awaiting_oauth", False)


@pytest.mark.parametrize("secret", ["", CLIENT_SECRET])
async def test_saving_what_is_already_there_does_nothing(world: World, secret: str) -> None:
    await world.connect()
    before, told = world.row(), len(world.store.outbox.rows)
    await world.configure(client_secret=secret, login_url=f"{LOGIN}/")
    assert world.row() == before
    assert len(world.store.outbox.rows) == told


async def test_an_empty_secret_keeps_the_stored_one(world: World) -> None:
    await world.connect()
    await world.configure(client_id="another", client_secret="")
    assert world.desk.opened(world.row(), "client_secret") == CLIENT_SECRET
    assert (await world.setup.show("w1")).status == "awaiting_oauth"


async def test_new_credentials_revoke_the_old_token(world: World) -> None:
    await world.connect()
    await world.configure(client_secret="new")
    assert await world.revoking.revoke_one()
    assert world.org.refresh == set()


async def test_the_first_secret_may_not_be_empty(world: World) -> None:
    with pytest.raises(InvalidInputError) as told:
        await world.configure(client_secret="")
    assert told.value.field == "client_secret"


@pytest.mark.parametrize("url", ["http://login.salesforce.com", "https://evil.example"])
async def test_a_strange_login_url_is_refused_before_anything_is_kept(
    world: World, url: str
) -> None:
    with pytest.raises(HostRefusedError):
        await world.configure(login_url=url)
    assert world.store.connections.rows == {}


async def test_a_strange_api_version_is_refused(world: World) -> None:
    with pytest.raises(InvalidInputError) as told:
        await world.configure(api_version="59/../..")
    assert told.value.field == "api_version"


async def test_disconnect_is_local_at_once_and_revoked_later(world: World) -> None:
    await world.connect()
    calls = len(world.org.calls)
    shown = await world.setup.disconnect("w1", actor="ada")
    assert (shown.status, shown.has_secret) == ("awaiting_oauth", True)
    assert len(world.org.calls) == calls
    assert await world.revoking.revoke_one()
    assert world.org.refresh == set()
    assert not await world.revoking.revoke_one()


async def test_delete_leaves_a_tombstone_and_the_next_connection_goes_on_from_it(
    world: World,
) -> None:
    await world.connect()
    epoch, revision = world.row().epoch, world.row().revision
    shown = await world.setup.delete("w1", actor="ada")
    assert (shown.status, shown.has_secret, shown.usage) == ("not_connected", False, None)
    assert world.published()[-1].data == Deleted("w1", revision + 1)
    await world.configure()
    told = world.published()[-1].data
    assert isinstance(told, Connection)
    assert (told.revision, told.epoch) == (revision + 2, epoch + 2)


async def test_delete_twice_is_told_once(world: World) -> None:
    await world.connect()
    for _ in range(2):
        await world.setup.delete("w1", actor="ada")
    assert sum(isinstance(event.data, Deleted) for event in world.published()) == 1
    await world.setup.delete("never", actor="ada")
    assert "never" not in world.store.connections.rows


@pytest.mark.parametrize("action", ["disconnect", "enable", "disable"])
async def test_what_is_not_configured_cannot_be_changed(world: World, action: str) -> None:
    does: dict[str, Callable[..., Awaitable[object]]] = {
        "disconnect": world.setup.disconnect,
        "enable": partial(world.setup.switch, on=True),
        "disable": partial(world.setup.switch, on=False),
    }
    with pytest.raises(NotConfiguredError):
        await does[action]("w1", actor="ada")
    assert world.store.connections.rows == {}


async def test_switching_twice_is_told_once(world: World) -> None:
    await world.connect()
    told = len(world.published())
    for _ in range(2):
        await world.setup.switch("w1", on=False, actor="ada")
    assert len(world.published()) == told + 1
    published = world.published()[-1].data
    assert isinstance(published, Connection)
    assert not published.usable


async def test_what_happened_leaves_a_trace_with_who_did_it(world: World) -> None:
    await world.setup.configure(
        "w1", Form(client_id="c", client_secret="hush", login_url=LOGIN), actor="key:7"
    )
    traces = [r for r in world.store.outbox.rows if r.topic == "activity.v1"]
    assert b'"action":"connection.configured"' in (traces[0].value or b"")
    assert b'"actor":"key:7"' in (traces[0].value or b"")
    assert b"hush" not in (traces[0].value or b"")


async def test_whoever_begins_a_sign_in_is_who_connects(world: World) -> None:
    await world.connect()
    [*_, trace] = [r.value or b"" for r in world.store.outbox.rows if r.topic == "activity.v1"]
    assert b'"action":"connection.connected"' in trace
    assert b'"actor":"ada"' in trace


async def test_without_its_key_a_connection_can_be_configured_anew(world: World) -> None:
    await world.connect()
    other = replace(world.desk, seals=KeyRing({"k2": hashlib.sha256(b"k2").digest()}))
    setup = replace(world.setup, desk=other)
    form = Form(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    shown = await setup.configure("w1", form, actor="ada")
    assert shown.status == "awaiting_oauth"
    assert other.opened(world.row(), "client_secret") == CLIENT_SECRET
    assert (await setup.disconnect("w1", actor="ada")).status == "awaiting_oauth"
