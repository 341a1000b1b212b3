"""What the gateway keeps, in memory, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from crmlink_common.contracts.cloudevents import Record
from crmlink_common.contracts.workspaces import Workspace
from crmlink_gateway.domain.access import ApiKey
from crmlink_gateway.ports import Store, Values
from crmlink_gateway.storage.connections import UNKNOWN


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

    async def forget_before(self, moment: datetime) -> int:
        gone = {key: row.get("deleted_at") for key, row in self.store.seen.items()}
        old = [key for key, deleted_at in gone.items() if deleted_at and deleted_at < moment]
        return len([self.store.seen.pop(key) for key in old])

    async def find(self, workspace_id: str) -> Values:
        return self.store.seen.get(workspace_id, dict(UNKNOWN))


@dataclass(slots=True)
class FakeOutbox:
    store: FakeStore

    async def add(self, records: Iterable[Record]) -> None:
        self.store.sent.extend(records)
