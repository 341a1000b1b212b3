"""One transaction, as the use cases see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.messaging.outbox import Outbox
from crmlink_common.storage.trouble import transient
from crmlink_gateway.ports import Begin, Store
from crmlink_gateway.storage.access import AccessRepository
from crmlink_gateway.storage.connections import ConnectionRepository
from crmlink_gateway.storage.trail import TrailRepository
from crmlink_gateway.storage.workspaces import WorkspaceRepository


class PostgresStore:
    def __init__(self, session: AsyncSession) -> None:
        self.workspaces = WorkspaceRepository(session)
        self.access = AccessRepository(session)
        self.trail = TrailRepository(session)
        self.connections = ConnectionRepository(session)
        self.outbox = Outbox(session)


def transactions(sessions: async_sessionmaker[AsyncSession]) -> Begin:
    """Give a way to begin one: it commits at the end of the block, or nothing happened."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[Store]:
        with transient():
            async with sessions.begin() as session:
                yield PostgresStore(session)

    return begin
