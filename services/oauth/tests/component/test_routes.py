from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from pydantic import SecretStr

from crmlink_common.internal.auth import Callers, Signer, new_key_pair, open_internal
from crmlink_oauth.fakes.org import CLIENT_ID, CLIENT_SECRET, LOGIN
from crmlink_oauth.fakes.world import World

KEYS = {name: new_key_pair() for name in ("gateway", "tools", "sync-inbound", "stranger")}
TRUSTED = {name: public for name, (_, public) in KEYS.items() if name != "stranger"}
PATH = "/internal/v1/workspaces/w1"
FORM = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "login_url": LOGIN}


class Doors:
    def __init__(self, world: World, stack: AsyncExitStack) -> None:
        self.app = world.app(Callers("oauth", TRUSTED))
        self._stack = stack

    async def of(self, service: str) -> httpx.AsyncClient:
        signer = Signer(service, SecretStr(KEYS[service][0]))
        transport = httpx.ASGITransport(self.app)
        return await self._stack.enter_async_context(
            open_internal("http://oauth", signer, "oauth", transport=transport)
        )


@pytest.fixture
async def doors(world: World) -> AsyncIterator[Doors]:
    async with AsyncExitStack() as stack:
        yield Doors(world, stack)


async def test_the_whole_way_over_http(world: World, doors: Doors) -> None:
    gateway, tools = await doors.of("gateway"), await doors.of("tools")
    configured = await gateway.put(f"{PATH}/connection", json=FORM)
    assert configured.json()["status"] == "awaiting_oauth"
    begun = (await gateway.post(f"{PATH}/authorize", json={})).json()
    came = {**world.org.allow(begun["authorize_url"]), "browser_token": begun["browser_token"]}
    finished = (await gateway.post(f"{PATH}/callback", json=came)).json()
    assert (finished["ok"], finished["code"], finished["cure"]) == (True, "connected", "")
    assert finished["overview"]["status"] == "connected"
    given = await tools.post(f"{PATH}/access-token", json={})
    assert given.json()["token"] in world.org.access
    assert set(given.json()) == {
        "token",
        "fingerprint",
        "instance_url",
        "api_version",
        "org_id",
        "epoch",
    }
    assert given.headers["Cache-Control"] == "no-store"
    for action in ("disable", "enable", "disconnect"):
        assert (await gateway.post(f"{PATH}/{action}")).status_code == 200
    gone = await gateway.delete(f"{PATH}/connection")
    assert gone.json()["status"] == "not_connected"


async def test_a_refused_sign_in_says_why_and_what_to_do(world: World, doors: Doors) -> None:
    gateway = await doors.of("gateway")
    await gateway.put(f"{PATH}/connection", json=FORM)
    told = await gateway.post(f"{PATH}/callback", json={"state": "x", "browser_token": "y"})
    assert told.status_code == 200
    assert (told.json()["ok"], told.json()["code"]) == (False, "state_unknown")
    assert told.json()["cure"]


@pytest.mark.parametrize(
    ("service", "method", "path", "expected"),
    [
        ("gateway", "POST", "/access-token", 403),
        ("gateway", "POST", "/usage", 403),
        ("tools", "GET", "/usage", 403),
        ("tools", "PUT", "/usage/shares", 403),
        ("tools", "GET", "/connection", 403),
        ("tools", "PUT", "/connection", 403),
        ("tools", "POST", "/authorize", 403),
        ("stranger", "GET", "/connection", 401),
        ("stranger", "POST", "/access-token", 401),
    ],
)
async def test_each_caller_may_do_only_what_it_needs(
    doors: Doors, service: str, method: str, path: str, expected: int
) -> None:
    client = await doors.of(service)
    answer = await client.request(method, PATH + path, json={})
    assert answer.status_code == expected


async def test_without_a_connection_there_is_a_coded_conflict(doors: Doors) -> None:
    tools, gateway = await doors.of("tools"), await doors.of("gateway")
    told = await tools.post(f"{PATH}/access-token", json={})
    assert (told.status_code, told.json()["code"]) == (409, "not_connected")
    told = await gateway.post(f"{PATH}/authorize", json={})
    assert (told.status_code, told.json()["code"]) == (409, "not_configured")


async def test_an_unanswered_refresh_asks_to_come_back(world: World, doors: Doors) -> None:
    await world.connect()
    failed = await world.expire()
    world.org.faults["refresh_token"] = [httpx.ReadTimeout("slow")]
    told = await (await doors.of("tools")).post(f"{PATH}/access-token", json={"failed": failed})
    assert told.status_code == 503
    assert int(told.headers["Retry-After"]) >= 1


async def test_a_revoked_token_is_a_connection_error(world: World, doors: Doors) -> None:
    await world.connect()
    failed = await world.expire()
    world.org.refresh.clear()
    told = await (await doors.of("tools")).post(f"{PATH}/access-token", json={"failed": failed})
    assert (told.status_code, told.json()["code"]) == (409, "connection_error")


async def test_usage_is_noted_under_the_callers_own_name(world: World, doors: Doors) -> None:
    await world.connect()
    report = {"used": 5, "limit": 10, "at": "2026-11-24T12:00:01Z", "client": "somebody"}
    told = await (await doors.of("sync-inbound")).post(f"{PATH}/usage", json=report)
    assert told.status_code == 200
    assert told.json()["shares"] == {"assistant": 100, "event": 90, "batch": 80, "reconcile": 70}
    assert world.store.usage.rows["w1", "sync-inbound"].used == 5


async def test_what_waits_is_reported_and_shown_by_its_names(world: World, doors: Doors) -> None:
    await world.connect()
    until = "2026-11-24T12:01:00Z"
    one = {"class": "batch", "since": "2026-11-24T12:00:00Z", "until": until, "reason": "budget"}
    tools, gateway = await doors.of("tools"), await doors.of("gateway")
    await tools.post(f"{PATH}/usage", json={"waiting": [one]})
    shown = (await gateway.get(f"{PATH}/usage")).json()
    assert set(shown) == {
        *("used", "limit", "at", "by_service", "shares", "remaining", "waiting", "forecast")
    }
    [waits] = shown["waiting"]
    assert {**waits, "message": ""} == {**one, "service": "tools", "message": ""}


@pytest.mark.parametrize(
    "report",
    [
        {"used": 5},
        {"used": -1, "limit": 10, "at": "2026-11-24T12:00:01Z"},
        {"waiting": [{"class": "people"}]},
        {"waiting": [{}] * 17},
    ],
)
async def test_a_report_that_makes_no_sense_is_refused(doors: Doors, report: object) -> None:
    told = await (await doors.of("tools")).post(f"{PATH}/usage", json=report)
    assert told.status_code == 422


@pytest.mark.parametrize(
    ("shares", "status", "code"),
    [
        ({"reconcile": 5}, 200, None),
        ({"reconcile": 0}, 422, "share_out_of_range"),
        ({"batch": 95}, 422, "shares_out_of_order"),
        ({"batch": "many"}, 422, "invalid_input"),
        ({"people": 5}, 422, "unknown_work_class"),
        ([], 422, "invalid_input"),
    ],
)
async def test_shares_are_set_or_refused_with_a_code(
    doors: Doors, shares: object, status: int, code: str | None
) -> None:
    told = await (await doors.of("gateway")).put(f"{PATH}/usage/shares", json=shares)
    assert (told.status_code, told.json().get("code")) == (status, code)


@pytest.mark.parametrize(
    "change",
    [
        {"login_url": "https://evil.example"},
        {"client_id": ""},
        {"client_id": "a\x00b"},
        {"api_version": "x"},
    ],
)
async def test_bad_input_names_its_field(doors: Doors, change: dict[str, str]) -> None:
    gateway = await doors.of("gateway")
    told = await gateway.put(f"{PATH}/connection", json={**FORM, **change})
    assert told.status_code == 422
    assert told.json()["field"] == next(iter(change))
    assert CLIENT_SECRET not in told.text


@pytest.mark.parametrize("workspace", ["a%2Fb", "a%00", "é", "x" * 65])
async def test_a_strange_workspace_is_refused(doors: Doors, workspace: str) -> None:
    gateway = await doors.of("gateway")
    told = await gateway.get(f"/internal/v1/workspaces/{workspace}/connection")
    assert told.status_code in {404, 422}
