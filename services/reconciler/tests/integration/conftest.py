from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from crmlink_common.internal.auth import Signer, new_key_pair, open_internal
from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import migrate
from crmlink_reconciler.app import MIGRATIONS, SCHEMA, create_app
from crmlink_reconciler.settings import Settings


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    await asyncio.to_thread(migrate, SecretStr(database), SCHEMA, MIGRATIONS)
    engine = create_engine(SecretStr(database), SCHEMA)
    yield engine
    await engine.dispose()


@pytest.fixture
def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


@pytest.fixture
def keys() -> tuple[str, str]:
    return new_key_pair()


@pytest.fixture
def settings(database: str, engine: AsyncEngine, keys: tuple[str, str]) -> Settings:
    private, public = keys
    trusted = f'{{"gateway": "{public}", "sync-outbound": "{public}", "tools": "{public}"}}'
    return Settings(
        kafka_bootstrap="127.0.0.1:1",
        database_dsn=SecretStr(database),
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
