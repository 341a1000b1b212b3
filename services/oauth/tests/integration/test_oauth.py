"""The service on real Kafka and PostgreSQL; the org is a fake one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from crmlink_common.contracts.activity import ACTIVITY_V1
from crmlink_common.contracts.cloudevents import Deleted
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection, ConnectionStatus
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.internal.auth import Signer, new_key_pair, open_internal
from crmlink_common.messaging import tables as messaging
from crmlink_common.salesforce.opening import open_client
from crmlink_common.salesforce.pool import Origins
from crmlink_common.salesforce.tokens import AccessToken, OauthTokens
from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import differences, migrate
from crmlink_devstack.worlds import KafkaWorld, a_record, until
from crmlink_oauth.app import MIGRATIONS, SCHEMA, create_app, republish
from crmlink_oauth.fakes.org import CLIENT_ID, CLIENT_SECRET, FakeOrg
from crmlink_oauth.settings import Settings
from crmlink_oauth.storage.tables import SEALED, Row, connections, revocations, states, workspaces
from crmlink_oauth.storage.work import transaction_on

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
PATH = "/internal/v1/workspaces/w1"
ON = a_record(WORKSPACES_V1, Workspace(workspace_id="w1", revision=1, crm_salesforce=True))
OFF = a_record(WORKSPACES_V1, Workspace(workspace_id="w1", revision=2, crm_salesforce=False))


class World:
    """Any number of instances of the service, one org, one database."""

    def __init__(self, settings: Settings) -> None:
        self.kafka = KafkaWorld(settings.kafka_bootstrap, "oauth")
        self.keys = {name: new_key_pair() for name in ("gateway", "tools")}
        trusted = {name: public for name, (_, public) in self.keys.items()}
        self.settings = settings.model_copy(
            update={"internal_trusted": str(trusted).replace("'", '"')}
        )
        self.engine: AsyncEngine = create_engine(settings.database_dsn, SCHEMA)
        self.org = FakeOrg()
        self._numbers = itertools.count(1)

    def app(self) -> FastAPI:
        instance = {"instance": f"oauth-{next(self._numbers)}"}
        origins = Origins(lambda origin: open_client(origin, self.org.transport()))
        return create_app(self.settings.model_copy(update=instance), origins)

    def client(self, app: FastAPI, service: str) -> httpx.AsyncClient:
        signer = Signer(service, SecretStr(self.keys[service][0]))
        transport = httpx.ASGITransport(app)
        return open_internal("http://oauth", signer, "oauth", transport=transport)

    async def connect(self, app: FastAPI) -> None:
        form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        async with self.client(app, "gateway") as gateway:
            await gateway.put(f"{PATH}/connection", json=form)
            begun = (await gateway.post(f"{PATH}/authorize", json={})).json()
            came = {
                **self.org.allow(begun["authorize_url"]),
                "browser_token": begun["browser_token"],
            }
            finished = await gateway.post(f"{PATH}/callback", json=came)
        assert finished.json()["ok"], finished.json()["code"]

    async def rows(self, statement: Any) -> Sequence[Any]:  # noqa: ANN401 - any select
        async with AsyncSession(self.engine) as session:
            return (await session.execute(statement)).all()

    async def row(self) -> Any:  # noqa: ANN401 - a row
        [found] = await self.rows(select(connections))
        return found

    async def allowed(self) -> bool:
        return bool(await self.rows(select(workspaces).where(workspaces.c.crm_salesforce)))

    async def told(self) -> list[Connection | Deleted]:
        return [event.data for event in await self.kafka.read(CONNECTIONS_V1)]

    async def execute(self, statement: str) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(statement))


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    found = World(settings)
    await found.kafka.fresh_topics()
    yield found
    await found.engine.dispose()


async def test_the_migrations_make_what_the_models_say(database: str) -> None:
    dsn = SecretStr(database)
    for _ in range(2):  # again is harmless
        await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)
    found = await asyncio.to_thread(differences, dsn, SCHEMA, [Row.metadata, messaging.metadata])
    assert found == []


def test_every_key_begins_with_the_workspace() -> None:
    of_an_org = {"usage_samples"}  # its workspaces share its limit
    for table in Row.metadata.tables.values():
        first = "org_id" if table.name in of_an_org else "workspace_id"
        assert next(iter(table.primary_key.columns)).name == first, table.name
        assert set(SEALED.get(table.name, ())) <= set(table.columns.keys())


async def test_connected_it_is_told_on_the_bus_and_no_secret_lies_open(world: World) -> None:
    await world.kafka.publish(ON)
    async with world.kafka.running(app := world.app()):
        await until(world.allowed)
        await world.connect(app)

        async def usable() -> bool:
            return any(isinstance(one, Connection) and one.usable for one in await world.told())

        await until(usable)
    actions = [event.data for event in await world.kafka.read(ACTIVITY_V1)]
    assert "connection.connected" in [getattr(one, "action", "") for one in actions]
    everything = str([await world.rows(select(table)) for table in (connections, states)])
    everything += str(await world.kafka.read_raw("connections.v1"))
    everything += str(await world.kafka.read_raw("activity.v1"))
    for secret in (CLIENT_SECRET, *world.org.access, *world.org.refresh):
        assert secret not in everything


async def test_the_same_workspace_message_twice_has_one_effect(world: World) -> None:
    await world.kafka.publish(ON)
    async with world.kafka.running(app := world.app()):
        await until(world.allowed)
        await world.connect(app)
        revision = (await world.row()).revision
        await world.kafka.publish(OFF, OFF, ON)
        await world.kafka.caught_up(WORKSPACES_V1)
        assert (await world.row()).revision == revision + 1

        async def off() -> bool:
            last = (await world.told())[-1]
            return isinstance(last, Connection) and not last.enabled

        await until(off)


async def test_a_crash_between_effect_and_offsets_repeats_without_effect(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    await world.kafka.publish(ON)
    with monkeypatch.context() as crash:
        crash.setattr(AIOKafkaConsumer, "commit", die)
        async with world.kafka.running(world.app()):
            await until(world.allowed)
    assert await world.kafka.lag([WORKSPACES_V1]) == 1
    async with world.kafka.running(world.app()):
        await world.kafka.caught_up(WORKSPACES_V1)
    assert await world.allowed()


async def test_a_first_configuration_beside_the_flag_learns_of_it(world: World) -> None:
    async def waits() -> bool:
        locks = text("select 1 from pg_stat_activity where wait_event_type = 'Lock'")
        return bool(await world.rows(locks))

    async with world.kafka.running(world.app()):
        async with AsyncSession(world.engine) as session, session.begin():
            rows = transaction_on(session).connections
            made = await rows.lock("w1")
            await world.kafka.publish(ON)
            await until(waits)
            await rows.save(replace(made, status=ConnectionStatus.AWAITING_OAUTH, revision=1))
        await world.kafka.caught_up(WORKSPACES_V1)
        assert (await world.row()).revision == 2


@pytest.mark.parametrize("rotates", [False, True])
async def test_twenty_callers_on_two_instances_cause_one_refresh(
    world: World, *, rotates: bool
) -> None:
    world.org.rotates = rotates
    await world.kafka.publish(ON)
    async with AsyncExitStack() as stack:
        apps = [world.app(), world.app()]
        for app in apps:
            await stack.enter_async_context(world.kafka.running(app))
        await until(world.allowed)
        await world.connect(apps[0])
        failed = (await world.row()).fingerprint
        world.org.access.clear()
        callers = [
            OauthTokens(await stack.enter_async_context(world.client(app, "tools")))
            for app in apps * 10
        ]
        given: list[AccessToken] = await asyncio.gather(
            *[caller.token("w1", failed=failed) for caller in callers]
        )
        assert world.org.calls.count("refresh_token") == 1
        assert {one.token for one in given} == world.org.access
        row = await world.row()
        assert (row.refresh_holder, row.refreshes_unanswered, row.token_serial) == ("", 0, 2)
        assert row.ever_rotated is rotates


async def test_an_instance_that_died_while_refreshing_is_followed_by_another(world: World) -> None:
    await world.kafka.publish(ON)
    async with world.kafka.running(app := world.app()):
        await until(world.allowed)
        await world.connect(app)
        failed = (await world.row()).fingerprint
        world.org.access.clear()
        await world.execute(  # as a dead one left it
            "update connections set refresh_holder = 'dead', refresh_fingerprint = fingerprint,"
            " refresh_until = now() + interval '2 seconds', refresh_epoch = epoch,"
            " refreshes_unanswered = 1"
        )
        async with world.client(app, "tools") as http:
            given = await OauthTokens(http).token("w1", failed=failed)
        assert given.token in world.org.access


async def test_a_disconnect_is_local_and_a_worker_revokes(world: World) -> None:
    await world.kafka.publish(ON)
    async with world.kafka.running(app := world.app()):
        await until(world.allowed)
        await world.connect(app)
        async with world.client(app, "gateway") as gateway:
            assert (await gateway.post(f"{PATH}/disconnect")).json()["status"] == "awaiting_oauth"

        async def revoked() -> bool:
            [count] = await world.rows(select(func.count()).select_from(revocations))
            return bool(count[0] == 0)

        await until(revoked)
    assert world.org.refresh == set()


async def test_a_deleted_connection_is_a_tombstone_and_republished_as_one(world: World) -> None:
    await world.kafka.publish(ON)
    async with world.kafka.running(app := world.app()):
        await until(world.allowed)
        await world.connect(app)
        async with world.client(app, "gateway") as gateway:
            await gateway.delete(f"{PATH}/connection")
        revision = (await world.row()).revision

        async def deleted() -> int:
            return (await world.told()).count(Deleted("w1", revision))

        await until(deleted)
        assert await republish(world.settings) == 1

        async def twice() -> bool:
            return await deleted() == 2

        await until(twice)


async def test_a_busy_workspace_does_not_hold_up_another(world: World) -> None:
    await world.kafka.publish(ON)
    async with world.kafka.running(app := world.app()), world.client(app, "gateway") as gateway:
        await until(world.allowed)
        async with world.engine.begin() as holding:
            await gateway.put(f"{PATH}/connection", json={"client_id": "c", "client_secret": "s"})
            await holding.execute(text("select 1 from connections for update"))
            other = await gateway.put(
                "/internal/v1/workspaces/w2/connection",
                json={"client_id": "c", "client_secret": "s"},
                timeout=timedelta(seconds=5).total_seconds(),
            )
            assert other.status_code == 200
