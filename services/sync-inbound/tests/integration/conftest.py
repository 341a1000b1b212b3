from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import migrate
from crmlink_devstack.testing import empty_tables, new_database
from crmlink_sync_inbound.app import MIGRATIONS, SCHEMA
from crmlink_sync_inbound.fakes.world import World, a_config, a_connection, a_workspace


@pytest.fixture(scope="session")
def schema(postgres: str) -> Iterator[str]:
    """Give the address of a migrated database, made once."""
    with new_database(postgres) as dsn:
        migrate(SecretStr(dsn), SCHEMA, MIGRATIONS)
        yield dsn


@pytest.fixture
def migrated(schema: str) -> str:
    """Give the address of a migrated database without a row."""
    empty_tables(schema, SCHEMA)
    return schema


@pytest.fixture
async def world(migrated: str) -> AsyncIterator[World]:
    found = World(create_engine(SecretStr(migrated), SCHEMA))
    await found.learn(
        workspaces=a_workspace(), connections=a_connection(), configs=a_config(1, "Email")
    )
    yield found
    await found.engine.dispose()


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("domain", "capture", "storage.capture"):
        monkeypatch.setattr(f"crmlink_sync_inbound.{name}.PAGE", 2)
