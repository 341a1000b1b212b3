"""The service on real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
import sqlalchemy.exc
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import async_sessionmaker

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import Deleted
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection, ConnectionStatus
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.internal.auth import new_key_pair
from crmlink_common.messaging import tables as messaging
from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import differences, migrate
from crmlink_devstack.worlds import KafkaWorld, a_record, until
from crmlink_gateway.app import MIGRATIONS, SCHEMA, create_app
from crmlink_gateway.domain.access import new_api_key
from crmlink_gateway.fakes import API, NAMES, WORKSPACE
from crmlink_gateway.republish import republish
from crmlink_gateway.service import FrontDoor
from crmlink_gateway.settings import Settings
from crmlink_gateway.storage import tables
from crmlink_gateway.storage.access import AccessRepository
from crmlink_gateway.storage.connections import ConnectionRepository
from crmlink_gateway.storage.store import transactions

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
KEY = new_api_key()
DONE = a_record(
    ACTIVITY_V1,
    Activity(
        workspace_id=WORKSPACE,
        action="link.created",
        actor="key:k1",
        member_id="m1",
        details={"linked": 1},
    ),
)
CONNECTED = a_record(
    CONNECTIONS_V1,
    Connection(workspace_id=WORKSPACE, revision=4, status=ConnectionStatus.CONNECTED),
)


@dataclass(slots=True, kw_only=True)
class World:
    settings: Settings
    kafka: KafkaWorld
    sessions: async_sessionmaker[Any]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(self.settings)
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            self.kafka.running(app),
            httpx.AsyncClient(
                transport=transport, base_url="http://gateway", headers=headers
            ) as http,
        ):
            yield http

    async def told(self) -> list[tuple[str, str]]:
        """Read the audit trail: action and member."""
        activity = tables.table(tables.ActivityRow)
        async with self.sessions() as session:
            rows = await session.execute(select(activity).order_by(activity.c.at))
            return [(row.action, row.member_id) for row in rows]

    async def connection(self) -> tuple[int, str]:
        async with self.sessions() as session:
            found = await FrontDoor(begin=transactions(self.sessions)).connection(WORKSPACE)
            await session.rollback()
        return int(found["revision"]), str(found["status"])

    def is_told(self, *members: str) -> Callable[[], Awaitable[bool]]:
        async def told() -> bool:
            return [member for _, member in await self.told()] == list(members)

        return told


@pytest.fixture
async def world(kafka: str, database: str) -> AsyncIterator[World]:
    await asyncio.to_thread(migrate, SecretStr(database), SCHEMA, MIGRATIONS)
    urls = {f"{name.replace('-', '_')}_url": "http://127.0.0.1:9" for name in NAMES}
    settings = Settings.model_validate(
        {
            "kafka_bootstrap": kafka,
            "database_dsn": database,
            "internal_key": new_key_pair()[0],
            "public_url": "http://127.0.0.1:8080",
            "bootstrap_key": KEY,
            "bootstrap_workspace": WORKSPACE,
            **urls,
        }
    )
    engine = create_engine(settings.database_dsn, SCHEMA)
    world = World(
        settings=settings,
        kafka=KafkaWorld(kafka, "gateway"),
        sessions=async_sessionmaker(engine),
    )
    await world.kafka.fresh_topics()
    yield world
    await engine.dispose()


async def test_the_migrated_schema_is_what_the_models_say(database: str) -> None:
    dsn = SecretStr(database)
    await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)
    assert differences(dsn, SCHEMA, [tables.metadata, messaging.metadata]) == []


async def test_the_first_start_lets_the_admin_in_and_tells_the_workspace(world: World) -> None:
    async with world.running() as http:
        features = (await http.get(f"{API}/features")).json()
        assert features["crm_salesforce"] is True
        down = await http.get(API)
        assert (down.status_code, down.json()["service"]) == (503, "oauth")
        await http.put(f"{API}/features", json={"default_region": "DE"})
        await until(lambda: _all_sent(world))
    async with world.running():
        await until(lambda: _all_sent(world))
    told = [event.data for event in await world.kafka.read(WORKSPACES_V1)]
    assert [one.revision for one in told if isinstance(one, Workspace)] == [1, 2]
    assert await republish(world.settings) == 1


async def _all_sent(world: World) -> bool:
    async with world.sessions() as session:
        left = await session.scalar(text("select count(*) from outbox"))
        return int(left) == 0


async def test_the_console_is_entered_and_left_on_a_real_database(world: World) -> None:
    async with world.running() as http:
        http.headers.pop("authorization")
        answer = await http.post("/sign-in", data={"key": KEY})
        assert answer.status_code == 303
        assert (await http.get(f"{API}/activity")).json()["page"] == 1
        http.cookies.clear()
        assert (await http.get(f"{API}/activity")).status_code == 401


async def test_a_ticket_is_taken_once_on_a_real_database(world: World) -> None:
    async with world.running():
        door = FrontDoor(begin=transactions(world.sessions))
        ticket = await door.new_ticket(await door.by_key(KEY, WORKSPACE))
        taken = await asyncio.gather(*(door.take_ticket(WORKSPACE, ticket) for _ in range(3)))
        assert sorted(one is not None for one in taken) == [False, False, True]
        assert await door.forget() is False


async def test_the_same_message_twice_is_one_line_of_the_trail(world: World) -> None:
    await world.kafka.publish(DONE, DONE)
    async with world.running() as http:
        await until(world.is_told("m1"))
        await world.kafka.publish(DONE)
        await world.kafka.caught_up(ACTIVITY_V1)
        told = (await http.get(f"{API}/activity")).json()
    assert told["total"] == 1
    assert told["items"][0]["details"] == {"linked": 1}


async def test_a_crash_between_database_and_offsets_repeats_without_effect(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    async def learnt() -> bool:
        return await world.connection() == (4, "connected") and await world.is_told("m1")()

    await world.kafka.publish(DONE, CONNECTED, CONNECTED)
    with monkeypatch.context() as crash:
        crash.setattr(AIOKafkaConsumer, "commit", die)
        async with world.running():
            await until(learnt)
    assert await world.kafka.lag([ACTIVITY_V1, CONNECTIONS_V1]) == 3
    async with world.running():
        await world.kafka.caught_up(ACTIVITY_V1, CONNECTIONS_V1)
    assert await learnt()


async def test_an_older_state_of_the_connection_changes_nothing(world: World) -> None:
    older = Connection(workspace_id=WORKSPACE, revision=3, status=ConnectionStatus.AWAITING_OAUTH)
    async with world.running():
        await world.kafka.publish(CONNECTED)
        await world.kafka.caught_up(CONNECTIONS_V1)
        await world.kafka.publish(a_record(CONNECTIONS_V1, older))
        await world.kafka.caught_up(CONNECTIONS_V1)
        assert await world.connection() == (4, "connected")
        await world.kafka.publish(a_record(CONNECTIONS_V1, Deleted(WORKSPACE, 5)))
        await world.kafka.caught_up(CONNECTIONS_V1)
    assert await world.connection() == (5, "not_connected")


async def test_tombstones_are_forgotten_and_no_living_connection(world: World) -> None:
    rows: list[dict[str, Any]] = [
        {"workspace_id": "living", "deleted_at": None},
        {"workspace_id": "gone", "deleted_at": datetime.now(UTC) - timedelta(days=46)},
    ]
    common = {"revision": 1, "status": "connected", "enabled": True, "error_code": ""}
    async with world.sessions.begin() as session:
        kept = ConnectionRepository(session)
        await kept.learn([row | common for row in rows])
    assert await FrontDoor(begin=transactions(world.sessions)).forget() is False
    async with world.sessions() as session:
        left = await session.scalars(select(tables.table(tables.ConnectionRow).c.workspace_id))
        assert list(left) == ["living"]


async def test_without_its_database_it_asks_to_come_back(world: World) -> None:
    async with world.running() as http:
        away = sqlalchemy.exc.OperationalError("select", {}, Exception("gone"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AccessRepository, "keys", AsyncMock(side_effect=away))
            answer = await http.get(f"{API}/features")
    assert (answer.status_code, answer.json()["code"]) == (503, "transient")


async def test_told_to_stop_it_ends_although_somebody_watches(world: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = world.settings.model_dump(exclude_none=True) | {"port": port}
    secret = {name: value for name, value in told.items() if isinstance(value, SecretStr)}
    told |= {name: value.get_secret_value() for name, value in secret.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crmlink_gateway", "serve"),
        env={f"GATEWAY_{name.upper()}": str(value) for name, value in told.items()},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20
        ) as http:
            await until(lambda: _serves(http), seconds=60)
            async with http.stream("GET", f"{API}/events") as watching:
                lines = watching.aiter_lines()
                assert await anext(lines) == ": watching"
                process.terminate()
                async with asyncio.timeout(15):  # less than the 20 s after which it is cut off
                    assert await process.wait() in {0, -signal.SIGTERM}
    finally:
        if process.returncode is None:
            process.kill()


async def _serves(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get(f"{API}/features")).is_success
    except httpx.TransportError:
        return False
