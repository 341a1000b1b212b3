"""A workspace on a real PostgreSQL, connected to an org in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import async_sessionmaker

from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import migrate
from crmlink_sync_outbound.app import MIGRATIONS, SCHEMA
from crmlink_sync_outbound.fakeworld import World


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    dsn = SecretStr(database)
    await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)
    engine = create_engine(dsn, SCHEMA)
    try:
        one = World(async_sessionmaker(engine, expire_on_commit=False))
        await one.connect()
        yield one
    finally:
        await engine.dispose()
