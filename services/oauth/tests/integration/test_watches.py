"""Whose turn it is to be looked at, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import migrate
from crmlink_oauth.app import MIGRATIONS, SCHEMA
from crmlink_oauth.domain.connection import Connection
from crmlink_oauth.storage.watches import WatchStore
from crmlink_oauth.storage.work import Work

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
Sessions = async_sessionmaker[AsyncSession]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON, LEASE = timedelta(minutes=15), timedelta(minutes=3)
UP = Connection(
    workspace_id="w0",
    revision=1,
    status=ConnectionStatus.CONNECTED,
    token_serial=2,
    refresh_hash="h",
    connected_at=NOON - timedelta(days=3),
)


@pytest.fixture
async def sessions(database: str) -> AsyncIterator[Sessions]:
    await asyncio.to_thread(migrate, SecretStr(database), SCHEMA, MIGRATIONS)
    engine = create_engine(SecretStr(database), SCHEMA)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


async def test_connected_ones_are_enrolled_claimed_once_and_dropped(sessions: Sessions) -> None:
    work, watches = Work(sessions), WatchStore(sessions)
    async with work() as tx:
        for number in range(20):
            await tx.connections.save(replace(UP, workspace_id=f"w{number}"))
        off = replace(UP, workspace_id="off", status=ConnectionStatus.AWAITING_OAUTH)
        await tx.connections.save(off)
        assert await tx.connections.holds("h")
        assert not await tx.connections.holds("other")
    assert [await watches.enrol(NOON, SOON) for _ in range(2)] == [20, 0]
    assert await watches.claim(NOON - timedelta(seconds=1), LEASE, 100) == []
    later = NOON + SOON
    claimed = await asyncio.gather(*[watches.claim(later, LEASE, 7) for _ in range(4)])
    names = [watch.workspace_id for some in claimed for watch in some]
    assert sorted(names) == sorted(f"w{number}" for number in range(20))
    assert claimed[0][0].token_since == UP.connected_at
    async with work() as tx:
        for number in range(20):
            await tx.connections.save(replace(off, workspace_id=f"w{number}"))
        assert not await tx.connections.holds("h")
    await watches.enrol(later, SOON)
    assert await watches.claim(later + LEASE, LEASE, 100) == []


async def test_an_open_page_brings_the_look_forward_and_outlives_it(sessions: Sessions) -> None:
    work, watches = Work(sessions), WatchStore(sessions)
    until = NOON + timedelta(seconds=90)
    async with work() as tx:
        await tx.connections.save(UP)
        await tx.connections.save(replace(UP, workspace_id="w1"))
    await watches.watch("nobody", NOON, until)
    await watches.watch("w0", NOON, until)  # not enrolled yet
    [first] = await watches.claim(NOON, LEASE, 9)
    assert (first.workspace_id, first.watched_until) == ("w0", until)
    await watches.settle(replace(first, due_at=NOON + SOON, alive_at=NOON))
    await watches.watch("w0", NOON + timedelta(seconds=30), until)
    assert await watches.claim(NOON + timedelta(seconds=59), LEASE, 9) == []
    [again] = await watches.claim(NOON + timedelta(seconds=60), LEASE, 9)
    assert again.watched_until == until
