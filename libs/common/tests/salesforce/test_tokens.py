from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from crmlink_common.contracts.cloudevents import Deleted, Event, decode, encode
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection
from crmlink_common.errors import CrmLinkError, NotConnectedError, TransientError
from crmlink_common.salesforce.tokens import OauthTokens


class Oauth:
    """Answers with a new token each time, or as told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.refusal: httpx.Response | Exception | None = None
        self.refusals = 100
        self.slept: list[float] = []
        self.now = datetime(2026, 11, 24, tzinfo=UTC)
        http = httpx.AsyncClient(
            transport=httpx.MockTransport(self._answer), base_url="http://oauth.example"
        )
        self.tokens = OauthTokens(http, now=lambda: self.now, sleep=self._sleep, jitter=lambda: 1.0)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        self.asked.append((request.url.path, json.loads(request.content)))
        self.refusals -= 1
        refusal = self.refusal if self.refusals >= 0 else None
        if isinstance(refusal, Exception):
            raise refusal
        name = f"t{len(self.asked)}"
        return refusal or httpx.Response(200, json=answered(name))


def answered(name: str, version: str = "v59.0") -> dict[str, object]:
    told = {"token": f"secret-{name}", "fingerprint": name, "instance_url": "https://o.example"}
    return {**told, "api_version": version, "org_id": "00D000000000001EAA", "epoch": 3}


async def test_a_token_is_kept_for_five_minutes() -> None:
    oauth = Oauth()
    first = await oauth.tokens.token("w1")
    oauth.now += timedelta(minutes=4, seconds=59)
    assert await oauth.tokens.token("w1") == first
    oauth.now += timedelta(seconds=1)
    assert (await oauth.tokens.token("w1")).fingerprint == "t2"
    assert oauth.asked[0] == ("/internal/v1/workspaces/w1/access-token", {})
    assert first.api_version == "59.0"


async def test_a_failed_token_is_named_once_however_many_saw_it_fail() -> None:
    oauth = Oauth()
    await oauth.tokens.token("w1")
    renewed = await asyncio.gather(*[oauth.tokens.token("w1", failed="t1") for _ in range(5)])
    assert {token.fingerprint for token in renewed} == {"t2"}
    assert [body for _, body in oauth.asked] == [{}, {"failed": "t1"}]


async def test_each_workspace_has_its_own() -> None:
    oauth = Oauth()
    one, other = await asyncio.gather(oauth.tokens.token("w1"), oauth.tokens.token("w/../2"))
    assert one != other
    assert len(oauth.asked) == 2


async def test_a_token_never_shows() -> None:
    assert "secret" not in repr(await Oauth().tokens.token("w1"))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(409, json={"code": "disabled"}), NotConnectedError),
        (httpx.Response(409, text="?"), NotConnectedError),
        (httpx.Response(503, headers={"retry-after": "2"}), TransientError),
        (httpx.Response(403), TransientError),
        (httpx.Response(200, json={"token": "secret"}), TransientError),
        (httpx.Response(200, json=answered("t1", version="v59.0/../x")), TransientError),
        (httpx.Response(200, text="<html>"), TransientError),
        (httpx.ConnectError(""), TransientError),
    ],
)
async def test_what_is_no_token_is_told_by_class(
    answer: httpx.Response | Exception, kind: type[CrmLinkError]
) -> None:
    oauth = Oauth()
    oauth.refusal = answer
    with pytest.raises(kind) as caught:
        await oauth.tokens.token("w1")
    assert "secret" not in str(caught.value)


async def test_why_there_is_no_connection_is_told_by_code() -> None:
    oauth = Oauth()
    oauth.refusal = httpx.Response(409, json={"code": "disabled"})
    with pytest.raises(NotConnectedError) as caught:
        await oauth.tokens.token("w1")
    assert caught.value.code == "disabled"


async def test_the_wait_that_oauth_asks_for_is_handed_on() -> None:
    oauth = Oauth()
    oauth.refusal = httpx.Response(503, headers={"retry-after": "2"})
    with pytest.raises(TransientError) as caught:
        await oauth.tokens.token("w1")
    assert caught.value.retry_after == timedelta(seconds=2)


async def test_while_oauth_refreshes_we_wait_as_it_asks() -> None:
    oauth = Oauth()
    oauth.refusal, oauth.refusals = httpx.Response(503, headers={"retry-after": "2"}), 2
    assert (await oauth.tokens.token("w1")).fingerprint == "t3"
    assert oauth.slept == [2, 2]


async def test_a_workspace_that_is_not_connected_is_not_asked_for_twice() -> None:
    oauth = Oauth()
    oauth.refusal = httpx.Response(409, json={"code": "not_connected"})
    with pytest.raises(NotConnectedError):
        await oauth.tokens.token("w1")
    assert (len(oauth.asked), oauth.slept) == (1, [])


def told(**changes: Any) -> Event[Connection]:  # noqa: ANN401 - fields
    fields = {"revision": 9, "status": "connected", "enabled": True, "epoch": 3}
    data = Connection.model_validate({"workspace_id": "w1", **fields, **changes})
    time = datetime(2026, 11, 24, tzinfo=UTC)
    r = encode(CONNECTIONS_V1, data, event_id="e", source="/oauth", time=time)
    return decode(CONNECTIONS_V1, r.key, r.value, list(r.headers))


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({}, 1),
        ({"workspace_id": "w2", "status": "error"}, 1),
        ({"status": "error"}, 2),
        ({"status": "awaiting_oauth"}, 2),
        ({"enabled": False}, 2),
        ({"epoch": 4}, 2),
    ],
)
async def test_a_token_is_forgotten_when_its_connection_ends_or_becomes_another(
    changes: dict[str, Any], asked: int
) -> None:
    oauth = Oauth()
    await oauth.tokens.token("w1")
    oauth.tokens.heard([told(**changes)])
    await oauth.tokens.token("w1")
    assert len(oauth.asked) == asked


async def test_a_token_of_a_deleted_connection_is_forgotten() -> None:
    oauth = Oauth()
    await oauth.tokens.token("w1")
    event = told()
    oauth.tokens.heard([replace(event, data=Deleted("w1", 10))])
    await oauth.tokens.token("w1")
    assert len(oauth.asked) == 2
