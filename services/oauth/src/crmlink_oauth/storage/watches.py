"""Whose turn it is to be looked at. Each method is one short transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import INTERVAL, insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.storage.trouble import transient
from crmlink_oauth.domain.watching import WATCHED, Watch
from crmlink_oauth.storage.tables import connections, watches

UP = connections.c.status == ConnectionStatus.CONNECTED.value


@dataclass(frozen=True, slots=True)
class WatchStore:
    sessions: async_sessionmaker[AsyncSession]

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[AsyncSession]:
        with transient():
            async with self.sessions.begin() as session:
                yield session

    async def enrol(self, now: datetime, within: timedelta) -> int:
        """Add what is connected, its first look spread over a while; drop what no longer is."""
        spread = func.random() * literal(within, INTERVAL)
        known = select(watches.c.workspace_id).where(
            watches.c.workspace_id == connections.c.workspace_id
        )
        fresh = _first(now, spread).where(UP, ~known.exists())
        up = select(connections.c.workspace_id).where(
            connections.c.workspace_id == watches.c.workspace_id, UP
        )
        async with self._open() as session:
            await session.execute(delete(watches).where(~up.exists()))
            names = [column.name for column in watches.c]
            added = insert(watches).from_select(names, fresh).on_conflict_do_nothing()
            rows = await session.execute(added.returning(watches.c.workspace_id))
            return len(rows.all())

    async def claim(self, now: datetime, lease: timedelta, size: int) -> Sequence[Watch]:
        """Take those that are due; nobody else gets them before the lease ends."""
        due = (
            select(watches)
            .where(watches.c.due_at <= now)
            .order_by(watches.c.due_at)
            .limit(size)
            .with_for_update(skip_locked=True)
        )
        async with self._open() as session:
            taken = [Watch(**row) for row in (await session.execute(due)).mappings()]
            names = [watch.workspace_id for watch in taken]
            mine = update(watches).where(watches.c.workspace_id.in_(names))
            if names:
                await session.execute(mine.values(due_at=now + lease))
        return taken

    async def settle(self, watch: Watch) -> None:
        """Store what was learnt; a page that was opened meanwhile stays open."""
        learnt = {
            name: value
            for name, value in asdict(watch).items()
            if name not in {"workspace_id", "watched_until"}
        }
        mine = watches.c.workspace_id == watch.workspace_id
        async with self._open() as session:
            await session.execute(update(watches).where(mine).values(**learnt))

    async def watch(self, workspace_id: str, now: datetime, until: datetime) -> None:
        """Look sooner than an idle connection would be; nothing to do unless it is connected."""
        first = _first(now, literal(timedelta(0), INTERVAL), until).where(
            UP, connections.c.workspace_id == workspace_id
        )
        soon = func.greatest(watches.c.alive_at + literal(WATCHED, INTERVAL), now)
        names = [column.name for column in watches.c]
        statement = insert(watches).from_select(names, first)
        opened = {"watched_until": until, "due_at": func.least(watches.c.due_at, soon)}
        async with self._open() as session:
            await session.execute(
                statement.on_conflict_do_update(index_elements=["workspace_id"], set_=opened)
            )


def _first(now: datetime, spread: ColumnElement[Any], until: datetime | None = None) -> Select[Any]:
    moment = literal(now)
    return select(
        connections.c.workspace_id,
        moment + spread,
        moment,
        literal(until, watches.c.watched_until.type),
        connections.c.token_serial,
        func.coalesce(connections.c.connected_at, moment),
    )
