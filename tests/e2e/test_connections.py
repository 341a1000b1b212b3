"""What real orgs do to a connection: each step goes on from the one before, on one system."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from rich.console import Console

from crmlink_devstack.leaks import Secret
from crmlink_devstack.walk.config import walk_config
from crmlink_devstack.walk.journey import Journey
from crmlink_devstack.walk.login import log_in
from crmlink_devstack.walk.waiting import until

from .hostile import CALLBACKS, WRONG_SECRET, raw, stir
from .leaks import look, sealed_in
from .looking import (
    SOON,
    a_contact,
    asked,
    asked_of_upstream,
    code_of,
    phone_of,
    written_by_us,
    written_phone,
)
from .orgs import SECOND, SECOND_KEY, World, a_world

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket, pytest.mark.asyncio(loop_scope="session")]
A_WHILE = 3.0  # seconds in which two polls and several turns would have been


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(tmp_path_factory.mktemp("orgs")) as world:
        yield world


async def test_a_first_workspace_does_the_whole_job(world: World) -> None:
    workspace = world.first
    surfaces = workspace.person.surfaces
    async with world.user() as user:
        journey = Journey(
            surfaces=surfaces,
            person=workspace.person,
            org=user,
            upstream=workspace.upstream,
            console=Console(quiet=True),
        )
        await journey.go()
    assert journey.report.ok
    assert len(await workspace.linked()) > 20
    overview = await workspace.overview()
    assert overview["org"]["id"]
    assert overview["pending_org"] is None


async def test_a_second_workspace_on_the_same_org_learns_nothing_of_the_first(
    world: World,
) -> None:
    first, second = world.first, world.second
    before = await first.linked()
    await second.connect(world.org(), disconnect=False)
    assert (await second.overview())["org"] == (await first.overview())["org"]
    assert await second.linked() == {}
    members = [
        member.model_copy(update={"workspace_id": second.upstream.workspace_id, "fields": {}})
        for member in first.upstream.members.values()
    ]
    await second.upstream.import_members(members)

    async def known() -> bool:
        summary = await second.person.ask("GET", "/summary")
        return bool(summary["members"] == len(members))

    await until("the members of the second workspace", known, SOON)
    config = walk_config().model_copy(update={"outbound_enabled": False})
    await second.person.ask("PUT", "/sync/config/member", json=config.model_dump(mode="json"))
    run = await second.person.start_run("/reconciliation/runs", json={})
    await second.person.follow(f"/reconciliation/runs/{run['id']}", lambda _: None)
    told = await second.person.ask("POST", "/links", json={"all": True})
    if told.get("run"):
        await second.person.follow(f"/reconciliation/runs/{told['run']['id']}", lambda _: None)
    both = await second.linked()
    shared = {member for member, record in both.items() if before.get(member) == record}
    assert len(shared) > 10
    member_id, record_id = a_contact({member: before[member] for member in shared}, 2)
    async with world.user() as user:
        await user.change("Contact", record_id, {"Phone": "+14155550101"})
    await asked_of_upstream(first, member_id, "+14155550101")
    await asked_of_upstream(second, member_id, "+14155550101")
    await second.person.ask("DELETE", f"/links/{member_id}")
    assert member_id not in await second.linked()
    assert await first.linked() == before


async def test_the_second_leaves_and_the_first_goes_on(world: World) -> None:
    """Decision 1: a disconnect revokes its own authorization and no other."""
    await world.second.person.ask("POST", "/disconnect")

    async def revoked() -> bool:
        left = await world.sim("GET", "revoke")
        return bool(left["refresh"] == 1)

    await until("the second workspace's authorization is gone", revoked, SOON)
    assert code_of(await asked(world.first)) == ""
    assert code_of(await asked(world.second)) != ""


async def test_a_revocation_in_the_org_shows_as_error_at_the_next_call(world: World) -> None:
    first = world.first
    await world.sim("POST", "revoke")
    assert code_of(await asked(first)) != ""
    shown = await first.overview()
    assert (shown["status"], shown["error"]["code"]) == ("error", "token_revoked")
    assert shown["error"]["message"] == (
        "The authorization was revoked in Salesforce or has expired."
    )
    assert shown["error"]["cure"] == (
        "Click Disconnect, then Connect with Salesforce to reauthorize."
    )


async def test_disconnect_and_connect_heal_it_with_all_links_and_nothing_lost(
    world: World,
) -> None:
    first = world.first
    before = await first.linked()
    outwards, inwards = a_contact(before, 3), a_contact(before, 4)
    await first.upstream.change(outwards[0], {"phone": "+14155550102"})
    async with world.user() as user:
        await user.change("Contact", inwards[1], {"Phone": "+14155550103"})
    await first.connect(world.org())
    shown = await first.overview()
    assert (shown["status"], shown["error"], shown["pending_org"]) == ("connected", None, None)
    assert await first.linked() == before
    assert code_of(await asked(first)) == ""
    await written_phone(world, outwards[1], "+14155550102")
    await asked_of_upstream(first, inwards[0], "+14155550103")


async def test_another_org_waits_for_a_person_and_nothing_syncs(world: World) -> None:
    first = world.first
    before, mine = await first.linked(), (await first.overview())["org"]
    member_id, record_id = a_contact(before, 5)
    await first.connect(world.org("other-org"))
    shown = await first.overview()
    assert shown["org"] == mine
    assert shown["pending_org"]["id"] not in ("", mine["id"])
    assert code_of(await asked(first)) == "org_not_confirmed"
    await first.upstream.change(member_id, {"phone": "+14155550104"})
    await asyncio.sleep(A_WHILE)
    assert await written_by_us(world, "other-org") == {}
    assert await first.linked() == before
    await first.person.ask("POST", "/org/reject")
    shown = await first.overview()
    assert (shown["status"], shown["org"], shown["pending_org"]) == ("awaiting_oauth", mine, None)

    async def revoked() -> bool:
        return bool((await world.sim("GET", "revoke", "other-org"))["refresh"] == 0)

    await until("the other org's authorization is gone", revoked, SOON)
    await first.connect(world.org(), disconnect=False)
    assert (await first.overview())["pending_org"] is None
    await written_phone(world, record_id, "+14155550104")


async def test_a_sandbox_copy_with_the_same_record_ids_never_mixes(world: World) -> None:
    first = world.first
    before, mine = await first.linked(), (await first.overview())["org"]
    first.links = before
    (member_id, record_id), inwards = a_contact(before, 6), a_contact(before, 7)
    await world.copy_to_sandbox()
    await world.sim("POST", "snapshots/copied", "sandbox")
    await first.connect(world.org("sandbox"))
    shown = await first.overview()
    assert shown["org"] == mine
    assert shown["pending_org"]["id"][:14] == mine["id"][:14]
    await first.person.ask("POST", "/org/confirm")
    shown = await first.overview()
    assert shown["org"]["id"] != mine["id"]
    assert shown["pending_org"] is None

    async def none_left() -> bool:
        return await first.linked() == {}

    await until("all links dormant", none_left, SOON)
    asleep = await first.person.everything("/links", state="dormant")
    assert {row["member_id"] for row in asleep} == before.keys()
    old_phone = first.upstream.members[inwards[0]].phone
    await first.upstream.change(member_id, {"phone": "+14155550105"})
    async with world.user("sandbox") as user:
        await user.change("Contact", inwards[1], {"Phone": "+14155550106"})
    assert code_of(await asked(first)) == ""
    await asyncio.sleep(A_WHILE)
    changed = (await world.sim("GET", "snapshots/copied", "sandbox"))["objects"]
    assert set(changed) == {"Contact"}
    [only] = changed["Contact"]["changed"]
    assert only["id"] == inwards[1]
    assert first.upstream.members[inwards[0]].phone == old_phone
    assert await phone_of(world, inwards[1]) != "+14155550106"
    assert await phone_of(world, record_id) != "+14155550105"


async def test_back_in_the_first_org_all_links_are_alive_again(world: World) -> None:
    first = world.first
    sandbox = (await first.overview())["org"]
    before = first.links
    inwards = a_contact(before, 8)
    await first.connect(world.org())
    shown = await first.overview()
    assert shown["org"] == sandbox
    await first.person.ask("POST", "/org/confirm")

    async def alive_again() -> bool:
        return await first.linked() == before

    await until("all links alive again", alive_again, SOON)
    async with world.user() as user:
        await user.change("Contact", inwards[1], {"Phone": "+14155550107"})
    await asked_of_upstream(first, inwards[0], "+14155550107")
    assert world.stack.died() == []


async def test_hostile_callbacks_over_http_get_no_code_exchanged(world: World) -> None:
    api = httpx.URL(world.first.person.surfaces.api)
    path = f"{api.path}/oauth/callback".encode()
    before = (await world.sim("GET", "handed-out"))["verifiers"]
    other = path.replace(world.first.upstream.workspace_id.encode(), SECOND.encode())
    nobody = path.replace(world.first.upstream.workspace_id.encode(), str(uuid4()).encode())
    targets = [where + b"?" + query for where in (path, other, nobody) for query in CALLBACKS]
    targets += [path + b"/../../x", path + b"%00", path.replace(b"/w/", b"/w/..%2f")]
    for target in targets:
        answer = await raw(api, target, b"Cookie: crmlink_oauth_0=\x00\xff")
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        assert 400 <= status < 500, target[-80:]
        assert b"\r\nset-cookie" not in head.lower()
        assert b"\r\nlocation" not in head.lower()
        assert not any(text in body for text in (b"<script>", b"evil", b"ccccc"))
    assert (await world.sim("GET", "handed-out"))["verifiers"] == before
    assert world.stack.died() == []


async def test_a_real_callback_is_good_in_its_browser_and_its_workspace_alone(
    world: World,
) -> None:
    person = world.first.person
    callback = f"{person.surfaces.api}/oauth/callback"
    begun = await person.ask("POST", "/authorize", json={})
    async with (
        httpx.AsyncClient(timeout=30, trust_env=False) as browser,
        httpx.AsyncClient(timeout=30, trust_env=False) as another,
    ):
        back = await log_in(browser, begun["url"], person.surfaces, callback)
        before = (await world.sim("GET", "handed-out"))["verifiers"]
        elsewhere = back.replace(world.first.upstream.workspace_id, SECOND)
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
        for page in (
            await another.get(back),
            await another.get(elsewhere, headers={"Cookie": cookie}),
        ):
            assert page.status_code == 400
            assert "close.js" not in page.text
        assert (await world.sim("GET", "handed-out"))["verifiers"] == before
        assert (await browser.get(back)).status_code == 200
        again = await browser.get(back)
    assert again.status_code == 400
    assert "This sign-in was already used once." in again.text
    assert len((await world.sim("GET", "handed-out"))["verifiers"]) == len(before) + 1
    assert (await world.first.overview())["status"] == "connected"


async def test_no_secret_is_found_anywhere_and_no_person_in_a_log(world: World) -> None:
    sealed = sealed_in(world.stack, world.org())
    await stir(world)
    await asyncio.sleep(1)  # for the dead letter
    more = [Secret("wrong client secret", WRONG_SECRET), Secret("second API key", SECOND_KEY)]
    looked = await look(world.stack, answers=world.answers, more=more)
    assert looked.found == set()
    assert looked.seen == {"log", "topic", "table", "answers"}
    assert looked.read["secrets"] > 60
    assert all(looked.read[kind] > 20_000 for kind in ("log", "topic", "table", "answers"))
    assert looked.read["topic reconciler.dead-letters.v1 headers"] > 0
    for place in ("connections client_secret", "oauth_states verifier"):
        assert looked.read[f"table oauth.{place}"] > 0
    assert sealed["connections.client_secret"] == 2
    assert sum(sealed.values()) > 3


async def test_what_a_member_became_in_between_is_written_now(world: World) -> None:
    """Within a minute of the way back: pairs that were left alone are taken up by and by."""
    _, record_id = a_contact(world.first.links, 6)
    await written_phone(world, record_id, "+14155550105")
    assert world.stack.died() == []
