"""For tests: an org that answers as told, and a source of tokens for it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from crmlink_common.salesforce.client import Org, SalesforceOrgs
from crmlink_common.salesforce.hosts import Hosts
from crmlink_common.salesforce.limits import ApiUsage
from crmlink_common.salesforce.opening import open_client
from crmlink_common.salesforce.tokens import AccessToken

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response] | object  # JSON


def a_token(name: str = "t1", **changed: object) -> AccessToken:
    """Build a token; its fingerprint is its name."""
    told: dict[str, Any] = {
        "token": f"secret-{name}",
        "fingerprint": name,
        "instance_url": "https://org.example",
        "api_version": "59.0",
        "org_id": "00D000000000001EAA",
        "epoch": 1,
    }
    return AccessToken(**{**told, **changed})


@dataclass
class FakeTokens:
    """Gives its tokens in turn, and remembers which were named as failed."""

    given: list[AccessToken | Exception] = field(default_factory=lambda: [a_token()])
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    async def token(self, workspace_id: str, *, failed: str | None = None) -> AccessToken:
        """Give the next."""
        self.asked.append((workspace_id, failed))
        one = self.given.pop(0)
        await asyncio.sleep(0)
        if isinstance(one, Exception):
            raise one
        return one


@dataclass
class FakeOrg:
    """Answers in turn, or by a function; keeps what was asked."""

    answers: list[Answer] = field(default_factory=list)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    asked: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    now: datetime = NOON
    orgs: SalesforceOrgs = field(init=False)

    def __post_init__(self) -> None:
        transport = httpx.MockTransport(self._answer)
        self.orgs = SalesforceOrgs(
            self.tokens,
            client_name="tests",
            hosts=Hosts(frozenset({"https://org.example"})),
            open_one=lambda origin: open_client(origin, transport),
            sleep=self._sleep,
            jitter=lambda: 1.0,
            now=lambda: self.now,
        )

    def open(self, usage_reported: Callable[[ApiUsage], None] | None = None) -> Awaitable[Org]:
        """Open it as workspace w1."""
        return self.orgs.open("w1", usage_reported=usage_reported)

    def bodies(self) -> list[Any]:
        """Return the JSON of all that was asked."""
        return [body_of(request) for request in self.asked]

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        one = self.answers.pop(0)
        if isinstance(one, Exception):
            raise one
        if callable(one):
            one = one(request)
        return one if isinstance(one, httpx.Response) else httpx.Response(200, json=one)


def body_of(request: httpx.Request) -> Any:  # noqa: ANN401 - any JSON value
    """Read the JSON of a request, compressed or not."""
    content = request.content
    if request.headers.get("content-encoding") == "gzip":
        content = gzip.decompress(content)
    return json.loads(content) if content else None


def an_error(status: int, code: str = "ANY", **headers: str) -> httpx.Response:
    """Answer a call's failure; its message quotes data, as Salesforce's do."""
    return httpx.Response(status, json=[{"errorCode": code, "message": "Ada"}], headers=headers)
