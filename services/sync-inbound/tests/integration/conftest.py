from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import migrate
from crmlink_sync_inbound.app import MIGRATIONS, SCHEMA
from crmlink_sync_inbound.fakes.world import World, a_config, a_connection, a_workspace


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    dsn = SecretStr(database)
    await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)
    found = World(create_engine(dsn, SCHEMA))
    await found.learn(
        workspaces=a_workspace(), connections=a_connection(), configs=a_config(1, "Email")
    )
    yield found
    await found.engine.dispose()


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("domain", "capture", "storage.capture"):
        monkeypatch.setattr(f"crmlink_sync_inbound.{name}.PAGE", 2)
