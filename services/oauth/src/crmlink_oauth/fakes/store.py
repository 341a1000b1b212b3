"""A store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from crmlink_common.contracts.cloudevents import Record
from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_oauth.domain.checks import Findings
from crmlink_oauth.domain.connection import Connection
from crmlink_oauth.domain.workspaces import KnownWorkspace
from crmlink_oauth.fakes.budgets import FakeBudgets
from crmlink_oauth.service.ports import PendingRevocation, SignIn, Transaction, Usage

Row = tuple[str, str]


@dataclass
class FakeConnections:
    rows: dict[str, Connection] = field(default_factory=dict)

    async def find(self, workspace_id: str) -> Connection:
        return self.rows.get(workspace_id) or Connection(workspace_id=workspace_id)

    async def lock(self, workspace_id: str) -> Connection:
        return self.rows.setdefault(workspace_id, await self.find(workspace_id))

    async def try_lock(self, workspace_id: str) -> Connection | None:
        return self.rows.get(workspace_id)

    async def lock_some(self, workspace_ids: Collection[str]) -> dict[str, Connection]:
        return {key: self.rows[key] for key in sorted(workspace_ids) if key in self.rows}

    async def lock_all(self, workspace_ids: Collection[str]) -> dict[str, Connection]:
        return {key: await self.lock(key) for key in sorted(workspace_ids)}

    async def save(self, connection: Connection) -> None:
        self.rows[connection.workspace_id] = connection

    async def has_sibling(self, connection: Connection) -> bool:
        mine = (connection.authorized_org_id, connection.client_id, connection.user_id)
        return any(
            (one.authorized_org_id, one.client_id, one.user_id) == mine
            and one.status is ConnectionStatus.CONNECTED
            for key, one in self.rows.items()
            if key != connection.workspace_id
        )

    async def holds(self, refresh_hash: str) -> bool:
        return any(
            one.refresh_hash == refresh_hash and one.status is ConnectionStatus.CONNECTED
            for one in self.rows.values()
        )

    async def page_after(self, workspace_id: str, size: int) -> list[str]:
        return sorted(key for key in self.rows if key > workspace_id)[:size]


@dataclass
class FakeSignIns:
    rows: dict[Row, SignIn] = field(default_factory=dict)

    async def make_room(self, workspace_id: str, keep: int) -> None:
        mine = [one for one in self.rows.values() if one.workspace_id == workspace_id]
        for old in sorted(mine, key=lambda one: one.expires_at, reverse=True)[keep:]:
            del self.rows[workspace_id, old.state_hash]

    async def add(self, sign_in: SignIn) -> None:
        self.rows[sign_in.workspace_id, sign_in.state_hash] = sign_in

    async def lock(self, workspace_id: str, state_hash: str) -> SignIn | None:
        return self.rows.get((workspace_id, state_hash))

    async def use(self, sign_in: SignIn, now: datetime) -> None:
        key = (sign_in.workspace_id, sign_in.state_hash)
        self.rows[key] = replace(sign_in, used_at=now, verifier="")

    async def forget_before(self, moment: datetime) -> int:
        old = [key for key, one in self.rows.items() if one.expires_at < moment]
        return len([self.rows.pop(key) for key in old])


@dataclass
class FakeRevocations:
    rows: dict[str, PendingRevocation] = field(default_factory=dict)

    async def add(self, pending: PendingRevocation) -> None:
        self.rows[pending.id] = pending

    async def claim(self, now: datetime, lease: timedelta) -> PendingRevocation | None:
        for one in list(self.rows.values()):
            if one.failed_at is None and one.next_at <= now:
                changed = replace(one, next_at=now + lease, attempts=one.attempts + 1)
                self.rows[one.id] = changed
                return one
        return None

    async def retry(self, pending: PendingRevocation, at: datetime) -> None:
        self.rows[pending.id] = replace(self.rows[pending.id], next_at=at)

    async def give_up(self, pending: PendingRevocation, now: datetime) -> None:
        self.rows[pending.id] = replace(self.rows[pending.id], failed_at=now, token="")

    async def done(self, pending: PendingRevocation) -> None:
        del self.rows[pending.id]

    async def forget_before(self, moment: datetime) -> int:
        old = [key for key, one in self.rows.items() if one.failed_at and one.failed_at < moment]
        return len([self.rows.pop(key) for key in old])

    async def last_failed(self, workspace_id: str) -> datetime | None:
        mine = [one for one in self.rows.values() if one.workspace_id == workspace_id]
        return max((one.failed_at for one in mine if one.failed_at), default=None)


@dataclass
class FakeWorkspaces:
    rows: dict[str, KnownWorkspace] = field(default_factory=dict)

    async def allows(self, workspace_id: str) -> bool:
        known = self.rows.get(workspace_id)
        return known is not None and known.crm_salesforce

    async def lock(self, workspace_ids: Collection[str]) -> dict[str, KnownWorkspace]:
        return {key: self.rows[key] for key in workspace_ids if key in self.rows}

    async def save(self, known: Sequence[KnownWorkspace]) -> None:
        self.rows.update({one.workspace_id: one for one in known})

    async def removed_before(self, moment: datetime, status: str, size: int) -> list[str]:
        gone = [key for key, one in self.rows.items() if one.deleted_at and one.deleted_at < moment]
        return gone[:size] if status else []

    async def forget_before(self, moment: datetime) -> int:
        old = [key for key, one in self.rows.items() if one.deleted_at and one.deleted_at < moment]
        return len([self.rows.pop(key) for key in old])


@dataclass
class FakeUsage:
    rows: dict[Row, Usage] = field(default_factory=dict)

    async def note(self, workspace_id: str, seen: Usage) -> None:
        self.rows[workspace_id, seen.client] = seen

    async def latest(self, workspace_id: str) -> Usage | None:
        mine = [one for (key, _), one in self.rows.items() if key == workspace_id]
        return max(mine, key=lambda one: one.at, default=None)

    async def all(self, workspace_id: str) -> list[Usage]:
        return [one for (key, _), one in self.rows.items() if key == workspace_id]

    async def forget(self, workspace_id: str) -> None:
        self.rows = {key: one for key, one in self.rows.items() if key[0] != workspace_id}


@dataclass
class FakeChecks:
    rows: dict[str, Findings] = field(default_factory=dict)

    async def find(self, workspace_id: str) -> Findings | None:
        return self.rows.get(workspace_id)

    async def save(self, workspace_id: str, found: Findings) -> None:
        self.rows[workspace_id] = found

    async def forget(self, workspace_id: str) -> None:
        self.rows.pop(workspace_id, None)


@dataclass
class FakeOutbox:
    rows: list[Record] = field(default_factory=list)

    async def add(self, records: Iterable[Record]) -> None:
        self.rows.extend(records)


@dataclass
class FakeStore:
    """One transaction at a time; what is raised takes everything back."""

    connections: FakeConnections = field(default_factory=FakeConnections)
    sign_ins: FakeSignIns = field(default_factory=FakeSignIns)
    revocations: FakeRevocations = field(default_factory=FakeRevocations)
    workspaces: FakeWorkspaces = field(default_factory=FakeWorkspaces)
    usage: FakeUsage = field(default_factory=FakeUsage)
    budgets: FakeBudgets = field(default_factory=FakeBudgets)
    checks: FakeChecks = field(default_factory=FakeChecks)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    open: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Transaction]:
        parts: list[Any] = [
            self.connections,
            self.sign_ins,
            self.revocations,
            self.workspaces,
            self.usage,
            self.budgets,
            self.checks,
            self.outbox,
        ]
        async with self._turn:
            self.open = True
            before = [copy(part.rows) for part in parts]
            try:
                yield Transaction(
                    connections=self.connections,
                    sign_ins=self.sign_ins,
                    revocations=self.revocations,
                    workspaces=self.workspaces,
                    usage=self.usage,
                    budgets=self.budgets,
                    checks=self.checks,
                    outbox=self.outbox,
                )
            except BaseException:
                for part, rows in zip(parts, before, strict=True):
                    part.rows = rows
                raise
            finally:
                self.open = False
