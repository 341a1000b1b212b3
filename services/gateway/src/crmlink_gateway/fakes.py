"""A gateway without PostgreSQL and without the other services, for tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from crmlink_common.contracts.workspaces import Workspace
from crmlink_common.internal.auth import Signer, new_key_pair, open_internal
from crmlink_common.internal.problems import install_problem_handlers
from crmlink_gateway.app import furnish
from crmlink_gateway.clients import Part, Parts
from crmlink_gateway.domain.access import KEY_PREFIX, ApiKey, Scope, fingerprint
from crmlink_gateway.fake_store import FakeStore
from crmlink_gateway.service import FrontDoor
from crmlink_gateway.settings import Settings

WORKSPACE = "0b7c9a52-5d7e-4b38-9d55-2d3c8a0a6c11"
OTHER = "9f1d3a2e-7c41-4c59-8f0a-6b1f5b0a7d22"
API = f"/api/v2/w/{WORKSPACE}/app-connections/salesforce"
CALLBACK_URL = f"https://crm.example{API}/oauth/callback"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAMES = ("oauth", "reconciler", "sync-outbound", "sync-inbound", "tools")
Answer = tuple[int, Any]


@dataclass(slots=True)
class FakeServices:
    """Answers for the services behind the gateway and remembers what they were asked."""

    answers: dict[tuple[str, str, str], Answer | Callable[[], Answer]] = field(default_factory=dict)
    whole: dict[tuple[str, str, str], httpx.Response] = field(default_factory=dict)  # with headers
    down: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str, Any]] = field(default_factory=list)
    headers: list[httpx.Headers] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)

    def on(self, part: str, method: str, path: str, answer: Answer | Callable[[], Answer]) -> None:
        """Answer this from now on."""
        self.answers[part, method, path] = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        part = request.url.host
        raw = request.url.raw_path.decode().partition("?")[0]
        path = raw.removeprefix(f"/internal/v1/workspaces/{WORKSPACE}")
        self.asked.append(
            (part, request.method, path, json.loads(request.content) if request.content else None)
        )
        self.headers.append(request.headers)
        self.queries.append(dict(request.url.params))
        if part in self.down:
            raise httpx.ConnectError("refused")
        if whole := self.whole.get((part, request.method, path)):
            return whole
        answer = self.answers.get((part, request.method, path), (404, {"code": "not_found"}))
        status, body = answer if isinstance(answer, tuple) else answer()
        return httpx.Response(status, json=body)


def overview(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Give what oauth tells of a connection."""
    known = {
        "status": "connected",
        "enabled": True,
        "login_url": "https://login.salesforce.com",
        "instance_url": "https://example.my.salesforce.com",
        "api_version": "59.0",
        "client_id": "consumer-key",
        "has_secret": True,
        "error": None,
        "org": {"id": "00Dx0000000BV7zEAG", "name": "Acme"},
        "pending_org": None,
        "check": None,
        "revocation": None,
        "callback_url": CALLBACK_URL,
        "usage": {"used": 12, "limit": 15000, "at": "2026-01-01T12:00:00Z"},
    }
    return known | changed


def usage(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Give what oauth tells of the org's API limit."""
    shares = {"assistant": 100, "event": 90, "batch": 80, "reconcile": 70}
    known = {
        "used": 12,
        "limit": 15000,
        "at": "2026-01-01T12:00:00Z",
        "by_service": [],
        "shares": shares,
        "remaining": {"assistant": 14988, "event": 13488, "batch": 11988, "reconcile": 10488},
        "waiting": [],
        "forecast": {"exhausted_at": None, "per_hour": 3},
    }
    return known | changed


@dataclass(slots=True, kw_only=True)
class FakeGateway:
    """The whole front, on fakes."""

    app: FastAPI
    store: FakeStore
    services: FakeServices
    door: FrontDoor
    clock: Clock

    def key(self, scope: Scope, workspace_id: str = WORKSPACE, **more: Any) -> str:  # noqa: ANN401
        """Let a new key in and give its text."""
        secret = f"{KEY_PREFIX}{scope}_{workspace_id}_{len(self.store.api_keys)}"
        name = f"k{len(self.store.api_keys)}"
        key = ApiKey(workspace_id=workspace_id, id=name, name=name, scope=scope, **more)
        self.store.api_keys.append((fingerprint(secret), key))
        return secret

    def browser(self, **more: Any) -> httpx.AsyncClient:  # noqa: ANN401 - passed on
        """Open a client with nothing but its own cookies."""
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="https://crm.example", **more)

    def caller(self, scope: Scope = Scope.ADMIN) -> httpx.AsyncClient:
        """Open a client that sends a key of this scope."""
        return self.browser(headers={"Authorization": f"Bearer {self.key(scope)}"})


@dataclass(slots=True)
class Clock:
    time: datetime = NOON

    def __call__(self) -> datetime:
        return self.time

    def later(self, **more: float) -> None:
        self.time += timedelta(**more)


async def soon(_: float) -> None:
    """Wait for nothing, but let others go on."""
    await asyncio.sleep(0)


def a_gateway(**settings: Any) -> FakeGateway:  # noqa: ANN401 - settings
    """Build one: a workspace with the feature on, a connection, and all services up."""
    store, services, clock = FakeStore(), FakeServices(), Clock()
    store.known[WORKSPACE] = Workspace(workspace_id=WORKSPACE, revision=1, crm_salesforce=True)
    services.on("oauth", "GET", "/connection", (200, overview()))
    services.on("oauth", "GET", "/usage", (200, usage()))
    signer = Signer("gateway", SecretStr(new_key_pair()[0]))
    oauth, reconciler, outbound, inbound, tools = (
        Part(
            name,
            open_internal(f"http://{name}", signer, name, transport=httpx.MockTransport(services)),
        )
        for name in NAMES
    )
    parts = Parts(
        oauth=oauth,
        reconciler=reconciler,
        sync_outbound=outbound,
        sync_inbound=inbound,
        tools=tools,
    )
    door = FrontDoor(begin=store.begin, now=clock)
    app = FastAPI()
    install_problem_handlers(app)
    furnish(app, door, parts, _settings(**settings), sleep=soon)
    return FakeGateway(app=app, store=store, services=services, door=door, clock=clock)


def _settings(**changed: Any) -> Settings:  # noqa: ANN401 - settings
    given = {
        "kafka_bootstrap": "nowhere:1",
        "database_dsn": "postgresql://nowhere",
        "internal_key": new_key_pair()[0],
        "public_url": "https://crm.example",
    }
    urls = {f"{name.replace('-', '_')}_url": f"http://{name}" for name in NAMES}
    return Settings.model_validate(given | urls | changed)
