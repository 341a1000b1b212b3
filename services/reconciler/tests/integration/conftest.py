from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from crmlink_common.internal.auth import Signer, new_key_pair, open_internal
from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import migrate
from crmlink_devstack.testing import empty_tables, new_database
from crmlink_reconciler.app import MIGRATIONS, SCHEMA, create_app
from crmlink_reconciler.settings import Settings


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
async def engine(migrated: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(SecretStr(migrated), SCHEMA)
    yield engine
    await engine.dispose()


@pytest.fixture
def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


@pytest.fixture
def keys() -> tuple[str, str]:
    return new_key_pair()


@pytest.fixture
def settings(migrated: str, engine: AsyncEngine, keys: tuple[str, str]) -> Settings:
    private, public = keys
    trusted = f'{{"gateway": "{public}", "sync-outbound": "{public}", "tools": "{public}"}}'
    return Settings(
        kafka_bootstrap="127.0.0.1:1",
        database_dsn=SecretStr(migrated),
        internal_key=SecretStr(private),
        internal_trusted=trusted,
        oauth_url="http://127.0.0.1:1",
    )


@pytest.fixture
async def calls(
    settings: Settings, keys: tuple[str, str]
) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """A client for each service that may call, without a server between."""
    transport = httpx.ASGITransport(create_app(settings))
    clients = {
        name: open_internal(
            "http://reconciler/internal/v1/workspaces/w1",
            Signer(name, SecretStr(keys[0])),
            "reconciler",
            transport=transport,
        )
        for name in ("gateway", "sync-outbound", "tools")
    }
    yield clients
    for client in clients.values():
        await client.aclose()
