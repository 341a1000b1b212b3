"""What real orgs do to a connection: each step goes on from the one before, on one system."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from rich.console import Console

from crmlink_common.contracts.tools import ToolReply
from crmlink_devstack.leaks import Secret
from crmlink_devstack.walk.assistant import ask_tools
from crmlink_devstack.walk.config import walk_config
from crmlink_devstack.walk.journey import Journey
from crmlink_devstack.walk.login import log_in
from crmlink_devstack.walk.waiting import until

from .leaks import look, sealed_in
from .orgs import SECOND, SECOND_KEY, Workspace, World, a_world

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket, pytest.mark.asyncio(loop_scope="session")]
SOON = 90.0  # seconds; the machine may be busy
A_WHILE = 3.0  # seconds in which two polls and several turns would have been
QUERY = ("salesforce_query", {"query": "SELECT Id FROM Contact LIMIT 1"})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(tmp_path_factory.mktemp("orgs")) as world:
        yield world


async def asked(workspace: Workspace) -> ToolReply:
    [reply] = await ask_tools(workspace.person.surfaces, [QUERY])
    return reply


def code_of(reply: ToolReply) -> str:
    return "" if reply.error is None else reply.error.code


def a_contact(links: dict[str, tuple[str, str]], number: int = 0) -> tuple[str, str]:
    """Choose a member that is linked to a contact."""
    found = sorted(
        (member, record) for member, (kind, record) in links.items() if kind == "Contact"
    )
    return found[number]


async def phone_of(world: World, record_id: str, org: str = "salesforce") -> str | None:
    async with world.user(org) as user:
        records = await user.records("Contact", [record_id], ["Phone"])
    phone: str | None = records[record_id]["Phone"]
    return phone


async def written_phone(world: World, record_id: str, phone: str) -> None:
    async def there() -> bool:
        return await phone_of(world, record_id) == phone

    await until(f"{phone} in Salesforce", there, SOON)


async def asked_of_upstream(workspace: Workspace, member_id: str, phone: str) -> None:
    async def there() -> bool:
        return workspace.upstream.members[member_id].phone == phone

    await until(f"{phone} upstream", there, SOON)


async def written_by_us(world: World, org: str) -> dict[str, Any]:
    """Give what our services wrote and asked there, without oauth's own look."""
    counts = await world.sim("GET", "counts", org)
    mine = {name for name in {**counts["clients"], **counts["callers"]} if "crmlink" in name}
    return {
        name: [counts["clients"].get(name), counts["callers"].get(name)]
        for name in sorted(mine)
        if "oauth" not in name
    }


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


CALLBACKS = [
    b"state=s&code=c",
    b"state=%00&code=%0d%0aSet-Cookie:%20crmlink_session=evil",
    b"state=%ff%fe&code=%c3",
    b"state=a&state=b&code=c&code=d",
    b"code=" + b"c" * 50_000,
    b"&".join(b"x%d=y" % n for n in range(3_000)),
    b"error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=%3Cscript%3E",
    b"state=s&redirect_uri=https://evil.example&code=c",
    b"%",
]


async def raw(url: httpx.URL, target: bytes, *more: bytes) -> bytes:
    """Send what no client would, and read the answer whole."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = [b"GET " + target + b" HTTP/1.1", b"Host: x", b"Connection: close", *more, b"", b""]
    writer.write(b"\r\n".join(head))
    await writer.drain()
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


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


WRONG_SECRET = "wR0ng/Secret+of=an.App-that_is~none"
CARELESS = {  # what people and clients send where it does not belong
    "a secret of a wrong type": {"client_id": "x", "client_secret": [WRONG_SECRET]},
    "a secret under another name": {"client_id": "x", "secret": WRONG_SECRET},
    "a secret in the address": {
        "client_id": "x",
        "client_secret": WRONG_SECRET,
        "login_url": f"https://{WRONG_SECRET}@login.salesforce.com",
    },
    "a secret that is too long": {"client_id": "x", "client_secret": WRONG_SECRET * 40},
}
SPOILT: list[dict[str, Any]] = [
    {"fault": "html", "status": 502},
    {"fault": "drop"},
]


async def stir(world: World) -> None:
    """Let go wrong what can, wherever a secret is in somebody's hand."""
    first = world.first
    await world.sim("PUT", "app", rotate=True)
    for _ in range(2):
        await world.sim("POST", "revoke", tokens="access")
        assert code_of(await asked(first)) == ""
    await world.sim("DELETE", "app")
    for spoilt in SPOILT:
        await world.sim("POST", "answers", **spoilt, kind="oauth/token", count=1)
        await world.sim("POST", "revoke", tokens="access")
        await asked(first)
    person = world.second.person
    for body in CARELESS.values():
        answer = await world.http.put(person.surfaces.api, json=body, headers=key_of(world.second))
        assert answer.status_code == 422
    callback = f"{person.surfaces.api}/oauth/callback"
    for query in (f"state={WRONG_SECRET}&code={WRONG_SECRET}", f"error={WRONG_SECRET}&state=s"):
        answer = await world.http.get(f"{callback}?{query}")
        assert answer.status_code == 400
    wrong = {"client_id": world.org().client_id, "client_secret": WRONG_SECRET}
    await person.ask("PUT", "", json={**wrong, "login_url": world.org().url})
    begun = await person.ask("POST", "/authorize", json={})
    async with httpx.AsyncClient(timeout=30, trust_env=False) as browser:
        back = await log_in(browser, begun["url"], person.surfaces, callback)
        page = await browser.get(back)
        again = await browser.get(back)
    world.answers += [page.content, again.content]
    assert "does not accept the Client ID and Client Secret" in page.text
    poison = json.dumps({"workspace_id": "w", "email": "zoe@poison.example", "version": "x"})
    async with AIOKafkaProducer(bootstrap_servers=person.surfaces.kafka) as producer:
        await producer.send_and_wait("members.v1", poison.encode(), key=b"w/m")


def key_of(workspace: Workspace) -> dict[str, str]:
    return {"Authorization": f"Bearer {workspace.person.surfaces.api_key}"}


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
