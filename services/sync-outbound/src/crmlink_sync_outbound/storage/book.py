"""The workers' way to the database: each call is one short transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.salesforce.limits import ApiUsage
from crmlink_sync_outbound.domain.intents import Ending
from crmlink_sync_outbound.domain.resolving import Intent, Wanted
from crmlink_sync_outbound.domain.views import Terms
from crmlink_sync_outbound.domain.work import Settlement, Turn, Work
from crmlink_sync_outbound.service.terms import TermsCache
from crmlink_sync_outbound.storage.configs import Configs
from crmlink_sync_outbound.storage.intents import Intents
from crmlink_sync_outbound.storage.locking import until_done
from crmlink_sync_outbound.storage.queue import LEASE, Queue
from crmlink_sync_outbound.storage.settling import Settling
from crmlink_sync_outbound.storage.sql import Statements

TRIES = 3  # of giving back what could not be done, whatever the database says


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    sessions: async_sessionmaker[AsyncSession]
    cache: TermsCache
    lease: timedelta = LEASE
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @asynccontextmanager
    async def _statements(self) -> AsyncIterator[Statements]:
        async with self.sessions.begin() as session:
            yield Statements(session)

    async def claim(self, holder: str) -> Turn | None:
        async with self._statements() as sql:
            queue = Queue(sql, self.lease)
            await queue.wake()
            return await queue.claim(holder)

    async def renew(self, turn: Turn) -> None:
        async with self._statements() as sql:
            await Queue(sql, self.lease).renew(turn)

    async def take(self, turn: Turn, classes: Sequence[str]) -> list[Work]:
        async with self._statements() as sql:
            return await Queue(sql, self.lease).take(turn, classes)

    async def of(self, turn: Turn, work: Collection[Work]) -> set[str]:
        async with self._statements() as sql:
            return await Queue(sql).standing(turn, work)

    async def due(self, turn: Turn) -> set[str]:
        async with self._statements() as sql:
            return await Queue(sql).due(turn)

    async def end(self, turn: Turn, seen: tuple[ApiUsage, datetime] | None) -> None:
        async with self._statements() as sql:
            await Queue(sql).end(turn, seen)

    async def defer(self, turn: Turn, code: str, wait: timedelta) -> None:
        async with self._statements() as sql:
            await Queue(sql).defer(turn, code, wait)

    async def park(self, turn: Turn, code: str, wait: timedelta) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                async with self._statements() as sql:
                    await Queue(sql).park(turn, code, wait)
            except OperationalError:
                if attempt == TRIES:
                    raise
                await self.sleep(attempt / 5)
            else:
                return

    async def terms(self, workspace_id: str, entity: str) -> Terms | None:
        async with self._statements() as sql:
            saved = await Configs(sql).find(workspace_id, entity)
        return None if saved is None else self.cache.of(workspace_id, saved)

    async def settle(self, turn: Turn, settlements: Sequence[Settlement]) -> None:
        async def some(them: Sequence[Settlement]) -> list[Settlement]:
            async with self._statements() as sql:
                return await Settling(sql).settle(turn, them)

        await until_done(settlements, some, self.sleep)


@dataclass(frozen=True, slots=True)
class IntentBook:
    sessions: async_sessionmaker[AsyncSession]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def open(self, turn: Turn, members: Collection[str]) -> dict[str, Intent]:
        async with self.sessions.begin() as session:
            return await Intents(Statements(session)).open(turn, members)

    async def begin(
        self, turn: Turn, all_wanted: Sequence[Wanted], target: str, field: str
    ) -> None:
        async with self.sessions.begin() as session:
            await Intents(Statements(session)).begin(turn, all_wanted, target, field)

    async def send(self, turn: Turn, intents: Sequence[Intent], sent_at: datetime) -> set[str]:
        async with self.sessions.begin() as session:
            return await Intents(Statements(session)).send(turn, intents, sent_at)

    async def settle(self, turn: Turn, endings: Sequence[Ending]) -> None:
        async def some(them: Sequence[Ending]) -> list[Ending]:
            async with self.sessions.begin() as session:
                return await Intents(Statements(session)).settle(turn, them)

        await until_done(endings, some, self.sleep)

    async def taken(self, turn: Turn, ids: Collection[str]) -> set[str]:
        async with self.sessions.begin() as session:
            return await Intents(Statements(session)).taken(turn, ids)
