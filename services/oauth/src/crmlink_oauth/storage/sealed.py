"""The sealed columns of all tables, as texts: found, counted by key, exchanged one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import Table, and_, func, or_, select, true, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.storage.trouble import transient
from crmlink_oauth.service.resealing import SealedText
from crmlink_oauth.storage.tables import SEALED, Row, connections


@dataclass(frozen=True, slots=True)
class SealedStore:
    """Each method is one short transaction."""

    sessions: async_sessionmaker[AsyncSession]

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[AsyncSession]:
        with transient():
            async with self.sessions.begin() as session:
                yield session

    def tables(self) -> Sequence[str]:
        return tuple(SEALED)

    async def page(
        self, name: str, current: str, after: Sequence[str], size: int
    ) -> Sequence[SealedText]:
        """Give the texts of the next rows that hold one sealed with another key."""
        table = _table(name)
        columns = [table.c[column] for column in SEALED[name]]
        key = list(table.primary_key.columns)
        old = [and_(one != "", func.split_part(one, ":", 1) != current) for one in columns]
        later = tuple_(*key) > tuple_(*after) if after else true()
        statement = select(*key, *columns).where(or_(*old), later).order_by(*key).limit(size)
        async with self._open() as session:
            rows = (await session.execute(statement)).mappings().all()
        return [
            SealedText(name, column.name, {one.name: row[one.name] for one in key}, text)
            for row in rows
            for column in columns
            if (text := row[column.name])
        ]

    async def exchange(self, found: SealedText, sealed: str) -> bool:
        """Put another text in its place, unless what lies there has changed meanwhile."""
        table = _table(found.table)
        row = [table.c[name] == value for name, value in found.key.items()]
        column = table.c[found.column]
        statement = update(table).where(*row, column == found.text).values({column: sealed})
        async with self._open() as session:
            done = await session.execute(statement.returning(table.c.workspace_id))
            return done.first() is not None

    async def counted(self) -> Counter[str]:
        """Count the texts by the id of their key."""
        counts: Counter[str] = Counter()
        async with self._open() as session:
            for name, columns in SEALED.items():
                for column in columns:
                    text = _table(name).c[column]
                    key_id = func.split_part(text, ":", 1)
                    rows = await session.execute(
                        select(key_id, func.count()).where(text != "").group_by(key_id)
                    )
                    counts.update({str(one): int(count) for one, count in rows})
        return counts

    async def unnamed(self, after: str, size: int) -> Sequence[SealedText]:
        """Give the refresh tokens that were stored before they had a name."""
        statement = (
            select(connections.c.workspace_id, connections.c.refresh_token)
            .where(
                connections.c.refresh_hash == "",
                connections.c.refresh_token != "",
                connections.c.workspace_id > after,
            )
            .order_by(connections.c.workspace_id)
            .limit(size)
        )
        async with self._open() as session:
            rows = (await session.execute(statement)).all()
        return [
            SealedText("connections", "refresh_token", {"workspace_id": one}, text)
            for one, text in rows
        ]

    async def name(self, found: SealedText, refresh_hash: str) -> None:
        statement = (
            update(connections)
            .where(
                connections.c.workspace_id == found.key["workspace_id"],
                connections.c.refresh_token == found.text,
            )
            .values(refresh_hash=refresh_hash)
        )
        async with self._open() as session:
            await session.execute(statement)


def _table(name: str) -> Table:
    return Row.metadata.tables[name]
