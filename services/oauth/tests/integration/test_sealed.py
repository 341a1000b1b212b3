"""Sealed columns on real PostgreSQL: moved they do not open, and another key goes through them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.crypto.keyring import KeyRing, SealedTextError
from crmlink_common.internal.auth import new_key_pair
from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import migrate
from crmlink_oauth.__main__ import main
from crmlink_oauth.app import MIGRATIONS, SCHEMA
from crmlink_oauth.domain.connection import Connection
from crmlink_oauth.domain.places import of_revocation, of_verifier, place_of
from crmlink_oauth.domain.tokens import name_of
from crmlink_oauth.service.ports import PendingRevocation, SignIn
from crmlink_oauth.service.resealing import Resealing, SealedText
from crmlink_oauth.storage.sealed import SealedStore
from crmlink_oauth.storage.tables import SEALED
from crmlink_oauth.storage.work import Work

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLD, NEW = (hashlib.sha256(name).digest() for name in (b"k1", b"k2"))
BEFORE, AFTER = KeyRing({"k1": OLD, "k2": NEW}), KeyRing({"k2": NEW, "k1": OLD})
TOKENS = ("client_secret", "access_token", "refresh_token")


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    await asyncio.to_thread(migrate, SecretStr(database), SCHEMA, MIGRATIONS)
    found = create_engine(SecretStr(database), SCHEMA)
    yield found
    await found.dispose()


def sessions_of(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


async def fill(engine: AsyncEngine, count: int) -> None:
    """Give each of so many workspaces a connection, two sign-ins and two revocations."""
    async with Work(sessions_of(engine))() as tx:
        for workspace in (f"w{number:03}" for number in range(count)):
            sealed: dict[str, Any] = {
                name: BEFORE.seal(f"{name} of {workspace}", workspace=workspace, column=column)
                for name in TOKENS
                if (column := f"connections.{name}")
            }
            up = ConnectionStatus.CONNECTED
            connected = Connection(workspace_id=workspace, status=up)
            await tx.connections.save(replace(connected, **sealed))
            for row in ("a", "b"):
                verifier = BEFORE.seal("v", workspace=workspace, column=of_verifier(row))
                await tx.sign_ins.add(
                    SignIn(
                        workspace_id=workspace,
                        state_hash=row,
                        browser_hash="b",
                        verifier=verifier,
                        epoch=1,
                        actor="ada",
                        expires_at=NOW + timedelta(minutes=10),
                    )
                )
                token = BEFORE.seal("t", workspace=workspace, column=of_revocation(row))
                await tx.revocations.add(
                    PendingRevocation(
                        workspace_id=workspace,
                        id=row,
                        login_url="https://login.salesforce.com",
                        token=token,
                        next_at=NOW,
                        expires_at=NOW + timedelta(days=1),
                    )
                )


async def all_texts(store: SealedStore) -> list[SealedText]:
    pages = [await store.page(table, "none", (), 10_000) for table in SEALED]
    return [found for page in pages for found in page]


async def test_a_sealed_text_moved_to_any_other_place_does_not_open(engine: AsyncEngine) -> None:
    await fill(engine, 2)
    texts = await all_texts(SealedStore(sessions_of(engine)))
    assert {(one.table, one.column) for one in texts} == {
        (table, column) for table, columns in SEALED.items() for column in columns
    }
    assert len(texts) == 2 * (3 + 2 + 2)
    for found in texts:
        assert BEFORE.open(found.text, workspace=found.workspace, column=found.place)
    for found, other in permutations(texts, 2):
        with pytest.raises(SealedTextError):
            BEFORE.open(found.text, workspace=other.workspace, column=other.place)


async def test_another_key_goes_through_all_tables_and_leaves_none(engine: AsyncEngine) -> None:
    await fill(engine, 60)
    store = SealedStore(sessions_of(engine))
    resealing = Resealing(ring=AFTER, texts=store)
    both = await asyncio.gather(resealing.reseal(), resealing.reseal())  # two replicas at once
    assert sum(one.done for one in both) == 60 * 7
    assert [(one.unopened, one.left) for one in both] == [(0, {}), (0, {})]
    only = KeyRing({"k2": NEW})
    for found in await all_texts(store):
        plain = only.open(found.text, workspace=found.workspace, column=found.place)
        if found.column in TOKENS:
            assert plain == f"{found.column} of {found.workspace}"
    assert (await resealing.reseal()).done == 0
    async with Work(sessions_of(engine))() as tx:
        assert await tx.connections.holds(name_of("refresh_token of w007"))


async def test_what_changed_meanwhile_is_not_put_back(engine: AsyncEngine) -> None:
    await fill(engine, 1)
    store = SealedStore(sessions_of(engine))
    [dead, *_] = [one for one in await all_texts(store) if one.column == "refresh_token"]
    fresh = BEFORE.seal("fresh", workspace="w000", column=dead.place)
    async with Work(sessions_of(engine))() as tx:
        row = await tx.connections.lock("w000")
        await tx.connections.save(replace(row, refresh_token=fresh))
    again = AFTER.seal("refresh_token of w000", workspace="w000", column=dead.place)
    assert not await store.exchange(dead, again)
    [kept, *_] = [one for one in await all_texts(store) if one.column == "refresh_token"]
    assert kept.text == fresh


async def test_what_does_not_open_is_counted_and_stays(engine: AsyncEngine) -> None:
    await fill(engine, 1)
    async with engine.begin() as session:
        await session.execute(text("update connections set access_token = 'k0:AAAA'"))
        await session.execute(text("update revocations set token = 'k1:AAAA' where id = 'a'"))
    resealed = await Resealing(ring=AFTER, texts=SealedStore(sessions_of(engine))).reseal()
    assert (resealed.done, resealed.unopened) == (5, 2)
    assert resealed.left == {"k0": 1, "k1": 1}


async def test_the_command_says_what_remains_and_ends_with_one(
    engine: AsyncEngine,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await fill(engine, 1)
    keys = {name: base64.b64encode(key).decode() for name, key in (("k2", NEW), ("k1", OLD))}
    told = {
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "DATABASE_DSN": database,
        "INTERNAL_KEY": new_key_pair()[0],
        "PUBLIC_URL": "http://127.0.0.1:8080",
        "ENCRYPTION_KEYS": json.dumps(keys),
    }
    for name, value in told.items():
        monkeypatch.setenv(f"OAUTH_{name}", value)
    async with engine.begin() as session:
        await session.execute(text("update connections set access_token = 'k0:AAAA'"))
    assert await asyncio.to_thread(main, ["reencrypt"]) == 1
    assert "k0: 1 remain" in capsys.readouterr().out
    async with engine.begin() as session:
        await session.execute(text("update connections set access_token = ''"))
    assert await asyncio.to_thread(main, ["reencrypt"]) == 0
    assert "can be removed" in capsys.readouterr().out


def test_places_are_told_apart() -> None:
    key = {"workspace_id": "w1", "state_hash": "a"}
    assert place_of("oauth_states", "verifier", key) == of_verifier("a")
    assert place_of("connections", "access_token", {"workspace_id": "w1"}) == (
        "connections.access_token"
    )
    assert len({json.dumps(place_of(table, "x", key)) for table in SEALED}) == len(SEALED)
