"""Made-up, mixed-up and mangled sign-ins: no code is exchanged, and the right one still works."""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from crmlink_common.internal.auth import Callers, Signer, new_key_pair, open_internal
from crmlink_oauth.fakes.org import FakeOrg
from crmlink_oauth.fakes.store import FakeStore
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.signing_in import Callback

PRIVATE, PUBLIC = new_key_pair()
FEW = settings(max_examples=60, deadline=None)  # the machine may be busy
Came = dict[str, str]
TEXTS = ("state", "browser_token", "code", "error", "error_description")


def a_world() -> World:
    return World(FakeOrg(), FakeStore())


def gateway_of(world: World) -> httpx.AsyncClient:
    app = world.app(Callers("oauth", {"gateway": PUBLIC}))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    signer = Signer("gateway", SecretStr(PRIVATE))
    return open_internal("http://oauth", signer, "oauth", transport=transport)


async def begun(world: World, workspace_id: str = "w1") -> Came:
    """Begin a sign-in and let the person allow it: what an honest browser would bring."""
    started = await world.signing_in.begin(workspace_id, actor="ada")
    return {**world.org.allow(started.authorize_url), "browser_token": started.browser_token}


def exchanged(world: World) -> int:
    return world.org.calls.count("authorization_code")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
LONG = st.integers(4090, 4100).map(lambda size: "a" * size)
BODIES = st.dictionaries(
    st.sampled_from([*TEXTS, "workspace_id", "epoch", "actor", "redirect_uri"]),
    ANYTHING | LONG,
)


@FEW
@given(BODIES | ANYTHING)
async def test_no_body_of_any_type_gets_a_code_exchanged(body: Any) -> None:  # noqa: ANN401 - JSON
    world = a_world()
    await world.configure()
    await begun(world)
    async with gateway_of(world) as http:
        try:
            request = http.build_request("POST", f"{PATH}/callback", json=body)
        except ValueError:  # a float that JSON does not have, a lone surrogate
            return
        answer = await http.send(request)
    assert answer.status_code in {200, 422}
    assert answer.status_code == 422 or answer.json()["code"] == "state_unknown"
    assert world.org.calls == []
    assert (world.row().error_code, world.row().status) == ("", "awaiting_oauth")


PATH = "/internal/v1/workspaces/w1"
BYTES = [
    b"",
    b"\xff\xfe\x00",
    b"{",
    b"[" * 50_000,
    b'{"state": "\\ud800", "browser_token": "x"}',
    b"null",
    b'"x"',
    b"9e999",
]


@pytest.mark.parametrize("body", BYTES, ids=range(len(BYTES)))
async def test_no_bytes_get_further_than_a_refusal(body: bytes) -> None:
    world = a_world()
    await world.configure()
    async with gateway_of(world) as http:
        answer = await http.post(
            f"{PATH}/callback", content=body, headers={"content-type": "application/json"}
        )
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.org.calls == []


def swapped(text: str) -> str:
    return text.swapcase()


MANGLED: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "cut short": lambda text: text[:-1],
    "made longer": lambda text: f"{text}a",
    "padded": lambda text: f"{text}=",
    "with spaces": lambda text: f" {text} ",
    "with a null": lambda text: f"{text}\x00",
    "with a line break": lambda text: f"{text}\n",
    "in the other case": swapped,
    "twice": lambda text: f"{text},{text}",
    "backwards": lambda text: text[::-1],
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) for c in text),
    "a wildcard": lambda _: "%",
    "a tautology": lambda _: "' or '1'='1",
}


@pytest.mark.parametrize("name", ["state", "browser_token"])
@pytest.mark.parametrize("mangle", MANGLED.values(), ids=list(MANGLED))
async def test_a_mangled_state_or_cookie_is_refused_and_the_right_ones_still_work(
    name: str, mangle: Callable[[str], str]
) -> None:
    world = a_world()
    await world.configure()
    came = await begun(world)
    refused = await world.signing_in.finish("w1", Callback(**{**came, name: mangle(came[name])}))
    assert refused.code == ("state_unknown" if name == "state" else "other_browser")
    assert world.org.calls == []
    assert (await world.signing_in.finish("w1", Callback(**came))).code == ""


@FEW
@given(st.data())
async def test_one_character_changed_anywhere_is_another_state(data: st.DataObject) -> None:
    world = a_world()
    await world.configure()
    came = await begun(world)
    name = data.draw(st.sampled_from(["state", "browser_token"]))
    place = data.draw(st.integers(0, len(came[name]) - 1))
    other = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_"))
    mangled = came[name][:place] + other + came[name][place + 1 :]
    if mangled == came[name]:
        return
    finished = await world.signing_in.finish("w1", Callback(**{**came, name: mangled}))
    assert finished.code in {"state_unknown", "other_browser"}
    assert world.org.calls == []


async def test_only_the_state_the_browser_and_the_workspace_that_belong_together_get_in() -> None:
    """Three sign-ins, two of one workspace: of all ways to mix them, the honest ones alone."""
    world = a_world()
    await world.configure("w1")
    await world.configure("w2")
    places = ["w1", "w1", "w2"]
    sign_ins = [await begun(world, place) for place in places]
    for one, where in enumerate(places):
        for two in range(len(places)):
            for workspace_id in ("w1", "w2", "w3"):
                if one == two and workspace_id == where:
                    continue
                mixed = {**sign_ins[one], "browser_token": sign_ins[two]["browser_token"]}
                finished = await world.signing_in.finish(workspace_id, Callback(**mixed))
                assert finished.code == (
                    "other_browser" if workspace_id == where else "state_unknown"
                )
    assert world.org.calls == []
    for place, came in zip(places[1:], sign_ins[1:], strict=True):
        assert (await world.signing_in.finish(place, Callback(**came))).code == ""


@FEW
@given(seconds=st.integers(-600, 3_600), again=st.integers(0, 3))
async def test_a_state_lives_ten_minutes_and_once(seconds: int, again: int) -> None:
    world = a_world()
    await world.configure()
    came = Callback(**await begun(world))
    world.time += timedelta(seconds=seconds)
    codes = [(await world.signing_in.finish("w1", came)).code for _ in range(again + 1)]
    in_time = seconds < 600
    assert codes[0] == ("" if in_time else "state_expired")
    assert set(codes[1:]) <= {"state_used" if in_time else "state_expired", "connection_changed"}
    assert exchanged(world) == int(in_time)


@pytest.mark.parametrize("seconds", [0, 600])
async def test_a_used_or_an_old_state_says_so_though_its_cookie_is_gone(seconds: int) -> None:
    world = a_world()
    await world.configure()
    came = await begun(world)
    if seconds:
        world.time += timedelta(seconds=seconds)
    else:
        await world.signing_in.finish("w1", Callback(**came))
    finished = await world.signing_in.finish("w1", Callback(**{**came, "browser_token": ""}))
    assert finished.code == ("state_expired" if seconds else "state_used")


ENDS: dict[str, Callable[[World], Any]] = {
    "new credentials": lambda world: world.configure(client_id="another"),
    "disconnect": lambda world: world.setup.disconnect("w1", actor="ada"),
    "delete": lambda world: world.setup.delete("w1", actor="ada"),
    "another sign-in": lambda world: world.connect(),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
async def test_a_state_from_before_a_change_exchanges_nothing(end: Callable[[World], Any]) -> None:
    world = a_world()
    await world.configure()
    came = await begun(world)
    await end(world)
    before = exchanged(world)
    finished = await world.signing_in.finish("w1", Callback(**came))
    assert finished.code == "connection_changed"
    assert exchanged(world) == before


@FEW
@given(error=st.text(max_size=80), description=st.text(max_size=80))
async def test_what_salesforce_is_said_to_say_is_never_shown(error: str, description: str) -> None:
    world = a_world()
    await world.configure()
    came = await begun(world) | {"code": "", "error": f"zQ7{error}"}
    told = Callback(**came, error_description=f"zQ7{description}")
    finished = await world.signing_in.finish("w1", told)
    assert finished.code == "salesforce_refused"
    assert "zQ7" not in finished.overview.model_dump_json()
    assert all(b"zQ7" not in (record.value or b"") for record in world.store.outbox.rows)
    assert world.org.calls == []
