from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest

from crmlink_common.errors import (
    NotConnectedError,
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.calls import Call
from crmlink_common.salesforce.fakes import FakeOrg, FakeTokens, a_token, an_error
from crmlink_common.salesforce.opening import Timeouts, open_client
from crmlink_common.salesforce.pool import MOST_OPEN, Origins
from crmlink_common.salesforce.transport import Salesforce

STALE = an_error(401, "INVALID_SESSION_ID")


def tokens_then(*more: object) -> FakeTokens:
    return FakeTokens([a_token(), *more])  # type: ignore[list-item]


async def test_a_stale_token_is_renewed_once_naming_it() -> None:
    fake = FakeOrg([STALE, {"x": 1}], tokens=tokens_then(a_token("t2")))
    org = await fake.open()
    assert await org.limits() == {"x": 1}
    assert fake.tokens.asked == [("w1", None), ("w1", "t1")]
    assert [r.headers["authorization"] for r in fake.asked] == [
        "Bearer secret-t1",
        "Bearer secret-t2",
    ]


async def test_userinfo_tells_of_a_stale_token_in_words_of_its_own() -> None:
    fake = FakeOrg(
        [httpx.Response(403, text="Bad_OAuth_Token"), {"sub": "x"}],
        tokens=tokens_then(a_token("t2")),
    )
    assert await (await fake.open()).identity() == {"sub": "x"}


async def test_a_create_is_repeated_after_a_stale_token() -> None:
    fake = FakeOrg([STALE, {"id": "1", "success": True}], tokens=tokens_then(a_token("t2")))
    [outcome] = await (await fake.open()).create("Contact", [{"LastName": "n"}])
    assert outcome.ok


async def test_a_renewed_token_that_is_refused_too_parks_the_workspace() -> None:
    fake = FakeOrg([STALE, STALE], tokens=tokens_then(a_token("t2")))
    with pytest.raises(NotConnectedError):
        await (await fake.open()).limits()
    assert len(fake.asked) == 2


@pytest.mark.parametrize("changed", [{"epoch": 2}, {"org_id": "00D000000000002EAA"}])
async def test_work_never_goes_on_in_another_connection(changed: dict[str, object]) -> None:
    fake = FakeOrg([STALE], tokens=tokens_then(a_token("t2", **changed)))
    with pytest.raises(NotConnectedError):
        await (await fake.open()).limits()
    assert len(fake.asked) == 1


async def test_two_calls_that_saw_the_same_token_fail_renew_it_once_and_both_go_on() -> None:
    def by_token(request: httpx.Request) -> httpx.Response:
        stale = request.headers["authorization"] == "Bearer secret-t1"
        return STALE if stale else httpx.Response(200, json={"x": 1})

    fake = FakeOrg([by_token] * 4, tokens=tokens_then(a_token("t2"), a_token("t2")))
    org = await fake.open()
    one, other = await asyncio.gather(org.limits(), org.limits())
    assert one == other == {"x": 1}
    assert fake.tokens.asked[1:] == [("w1", "t1")]


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = httpx.Response(302, headers={"location": "https://evil.example/"})
    fake = FakeOrg([elsewhere] * 4)
    with pytest.raises(TransientError):
        await (await fake.open()).limits()
    assert {request.url.host for request in fake.asked} == {"org.example"}


async def test_cookies_are_not_kept() -> None:
    fake = FakeOrg([httpx.Response(200, json={}, headers={"set-cookie": "a=b; Path=/"}), {}])
    org = await fake.open()
    await org.limits()
    await org.limits()
    assert "cookie" not in fake.asked[1].headers


async def test_nothing_of_a_call_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fake = FakeOrg([{"totalSize": 0, "done": True, "records": []}])
    await (await fake.open()).query("SELECT Id FROM Contact WHERE Email = 'ada@x.example'")
    assert "ada" not in caplog.text
    assert "secret" not in caplog.text


async def test_a_token_is_shown_to_no_strange_instance() -> None:
    fake = FakeOrg(tokens=FakeTokens([a_token(instance_url="https://evil.example")]))
    with pytest.raises(NotConnectedError) as caught:
        await (await fake.open()).limits()
    assert (caught.value.code, fake.asked) == ("host_refused", [])


async def test_connections_are_bounded_and_none_in_use_is_closed() -> None:
    opened: dict[str, httpx.AsyncClient] = {}

    def open_one(origin: str) -> httpx.AsyncClient:
        opened[origin] = open_client(origin)
        return opened[origin]

    origins = Origins(open_one)
    async with origins.lend("https://first.my.salesforce.com") as first:
        for n in range(MOST_OPEN + 5):
            async with origins.lend(f"https://o{n}.my.salesforce.com"):
                pass
        assert not first.is_closed
    assert sum(not client.is_closed for client in opened.values()) == MOST_OPEN
    await origins.aclose()
    assert all(client.is_closed for client in opened.values())


def test_a_call_shows_neither_its_token_nor_its_data() -> None:
    call = a_read(
        path="/services/data/v59.0/query?q=ada",
        json={"Name": "ada"},
        headers={"Authorization": "Bearer secret-t1"},
    )
    assert "ada" not in repr(call)
    assert "secret" not in repr(call)


def a_read(**changed: object) -> Call:
    told: dict[str, Any] = {"method": "GET", "path": "/services/data", "repeatable": True}
    return Call(**{**told, **changed})


async def test_an_answer_too_large_is_not_read_to_its_end() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=b"x" * 11)

    async with open_client("https://org.example", httpx.MockTransport(answer)) as http:
        with pytest.raises(PermanentError) as caught:
            await Salesforce(http, largest=10).send(a_read())
        assert caught.value.code == "ANSWER_TOO_LARGE"
        with pytest.raises(UnknownOutcomeError):
            await Salesforce(http, largest=10).send(a_read(repeatable=False))
    assert len(asked) == 2


async def test_a_call_that_never_ends_is_ended() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        return httpx.Response(200)

    async with open_client("https://org.example", httpx.MockTransport(hang)) as http:
        with pytest.raises(TransientError):
            await Salesforce(http).send(a_read(timeouts=Timeouts(whole=0.05)))


def test_only_paths_of_the_api_are_asked() -> None:
    with pytest.raises(ValueError, match="not a path"):
        a_read(path="https://evil.example/services/")
