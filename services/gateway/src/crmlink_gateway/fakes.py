"""A gateway without PostgreSQL and without the other services, for tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from crmlink_common.contracts.cloudevents import Record
from crmlink_common.contracts.workspaces import Workspace
from crmlink_common.internal.auth import Signer, new_key_pair, open_internal
from crmlink_common.internal.problems import install_problem_handlers
from crmlink_gateway.app import furnish
from crmlink_gateway.clients import Part, Parts
from crmlink_gateway.domain.access import ApiKey, Scope, fingerprint
from crmlink_gateway.ports import Store, Values
from crmlink_gateway.service import FrontDoor
from crmlink_gateway.settings import Settings
from crmlink_gateway.storage.connections import UNKNOWN

WORKSPACE = "0b7c9a52-5d7e-4b38-9d55-2d3c8a0a6c11"
OTHER = "9f1d3a2e-7c41-4c59-8f0a-6b1f5b0a7d22"
API = f"/api/v2/w/{WORKSPACE}/app-connections/salesforce"
CALLBACK_URL = f"https://crm.example{API}/oauth/callback"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAMES = ("oauth", "reconciler", "sync-outbound", "sync-inbound", "tools")
Answer = tuple[int, Any]


@dataclass(slots=True)
class FakeStore:
    """All ports in one, in memory; each transaction commits at once."""

    known: dict[str, Workspace] = field(default_factory=dict)
    api_keys: list[tuple[str, ApiKey]] = field(default_factory=list)
    visits: dict[str, tuple[ApiKey, datetime]] = field(default_factory=dict)
    tickets: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    sent: list[Record] = field(default_factory=list)
    told: list[Values] = field(default_factory=list)
    seen: dict[str, Values] = field(default_factory=dict)

    @property
    def workspaces(self) -> FakeWorkspaces:
        return FakeWorkspaces(self)

    @property
    def access(self) -> FakeAccess:
        return FakeAccess(self)

    @property
    def trail(self) -> FakeTrail:
        return FakeTrail(self)

    @property
    def connections(self) -> FakeConnections:
        return FakeConnections(self)

    @property
    def outbox(self) -> FakeOutbox:
        return FakeOutbox(self)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Store]:
        yield self


@dataclass(slots=True)
class FakeWorkspaces:
    store: FakeStore

    async def find(self, workspace_id: str) -> Workspace | None:
        return self.store.known.get(workspace_id)

    async def lock(self, workspace_id: str) -> Workspace | None:
        return self.store.known.get(workspace_id)

    async def add(self, workspace: Workspace) -> bool:
        new = workspace.workspace_id not in self.store.known
        self.store.known.setdefault(workspace.workspace_id, workspace)
        return new

    async def save(self, workspace: Workspace) -> None:
        self.store.known[workspace.workspace_id] = workspace

    async def page_after(self, workspace_id: str, size: int) -> list[Workspace]:
        later = sorted(key for key in self.store.known if key > workspace_id)
        return [self.store.known[key] for key in later[:size]]


@dataclass(slots=True)
class FakeAccess:
    store: FakeStore

    async def keys(self, key_hash: str) -> list[ApiKey]:
        return [key for known, key in self.store.api_keys if known == key_hash]

    async def add_key(self, key: ApiKey, key_hash: str) -> None:
        if key.workspace_id not in {one.workspace_id for one in await self.keys(key_hash)}:
            self.store.api_keys.append((key_hash, key))

    async def open_visit(self, key: ApiKey, visit_hash: str, until: datetime) -> None:
        self.store.visits[visit_hash] = (key, until)

    async def visitor(self, visit_hash: str, now: datetime) -> ApiKey | None:
        key, until = self.store.visits.get(visit_hash, (None, now))
        return key if until > now else None

    async def end_visit(self, visit_hash: str) -> None:
        self.store.visits.pop(visit_hash, None)

    async def add_ticket(
        self, workspace_id: str, ticket_hash: str, actor: str, until: datetime
    ) -> None:
        self.store.tickets[workspace_id, ticket_hash] = (actor, until)

    async def take_ticket(self, workspace_id: str, ticket_hash: str, now: datetime) -> str | None:
        actor, until = self.store.tickets.pop((workspace_id, ticket_hash), (None, now))
        return actor if until > now else None

    async def forget_before(self, moment: datetime) -> int:
        late = [key for key, (_, until) in self.store.tickets.items() if until < moment]
        for key in late:
            del self.store.tickets[key]
        return len(late)


@dataclass(slots=True)
class FakeTrail:
    store: FakeStore

    async def add(self, rows: Sequence[Values]) -> None:
        self.store.told.extend(rows)

    async def page(
        self, workspace_id: str, *, page: int, page_size: int, member_id: str = ""
    ) -> Values:
        theirs = [
            row
            for row in self.store.told
            if row["workspace_id"] == workspace_id and member_id in ("", row["member_id"])
        ]
        items = theirs[(page - 1) * page_size : page * page_size]
        return {"items": items, "total": len(theirs), "page": page, "page_size": page_size}

    async def forget_before(self, moment: datetime, most: int) -> int:
        old = [row for row in self.store.told if row["at"] < moment][:most]
        self.store.told = [row for row in self.store.told if row not in old]
        return len(old)


@dataclass(slots=True)
class FakeConnections:
    store: FakeStore

    async def learn(self, rows: Sequence[Values]) -> None:
        for row in rows:
            if self.store.seen.get(row["workspace_id"], UNKNOWN)["revision"] < row["revision"]:
                self.store.seen[row["workspace_id"]] = row

    async def find(self, workspace_id: str) -> Values:
        return self.store.seen.get(workspace_id, dict(UNKNOWN))


@dataclass(slots=True)
class FakeOutbox:
    store: FakeStore

    async def add(self, records: Iterable[Record]) -> None:
        self.store.sent.extend(records)


@dataclass(slots=True)
class FakeServices:
    """Answers for the services behind the gateway and remembers what they were asked."""

    answers: dict[tuple[str, str, str], Answer | Callable[[], Answer]] = field(default_factory=dict)
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
        "callback_url": CALLBACK_URL,
        "usage": {"used": 12, "limit": 15000, "at": "2026-01-01T12:00:00Z"},
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
        secret = f"crml_{scope}_{workspace_id}_{len(self.store.api_keys)}"
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
        "internal_key": "none",
        "public_url": "https://crm.example",
    }
    urls = {f"{name.replace('-', '_')}_url": f"http://{name}" for name in NAMES}
    return Settings.model_validate(given | urls | changed)
