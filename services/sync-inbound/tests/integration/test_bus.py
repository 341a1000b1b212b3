"""The whole service on real Kafka and PostgreSQL; the org is a fake one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from crmlink_common.contracts.cloudevents import Deleted, Record, Topic
from crmlink_common.contracts.connections import CONNECTIONS_V1
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState, MemberLink
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1, SalesforceChange
from crmlink_common.contracts.sync_configs import SYNC_CONFIGS_V1, EntityConfig, SyncConfig
from crmlink_common.contracts.workspaces import WORKSPACES_V1
from crmlink_common.internal.auth import Signer, new_key_pair, open_internal
from crmlink_common.salesforce.client import Org
from crmlink_common.storage.engine import create_engine
from crmlink_devstack.worlds import KafkaWorld, a_record, until
from crmlink_sync_inbound import app as composition
from crmlink_sync_inbound.app import SCHEMA, create_app
from crmlink_sync_inbound.fakes.org import ORG, FakeOrg, an_id
from crmlink_sync_inbound.fakes.world import a_connection, a_workspace
from crmlink_sync_inbound.settings import Settings
from crmlink_sync_inbound.storage.tables import LinkRow, table

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
TOPICS: list[Topic[Any]] = [WORKSPACES_V1, CONNECTIONS_V1, SYNC_CONFIGS_V1, MEMBER_LINKS_V1]
EAGER = EntityConfig.model_validate(
    {"inbound_enabled": True, "capture": {"interval_min": 1, "interval_max": 1}}
)
ACTIVE = [
    a_record(WORKSPACES_V1, a_workspace().data),
    a_record(CONNECTIONS_V1, a_connection().data),
    a_record(
        SYNC_CONFIGS_V1, SyncConfig(workspace_id="w1", entity="member", revision=1, config=EAGER)
    ),
]
GATEWAY = new_key_pair()


def a_link(revision: int = 1, number: int = 1) -> Record:
    link = MemberLink(
        workspace_id="w1",
        member_id="m1",
        revision=revision,
        state=LinkState.LINKED,
        record_id=an_id(number),
        object="Contact",
        org_id=ORG,
    )
    return a_record(MEMBER_LINKS_V1, link)


class FakeOrgs:
    def __init__(self, org: FakeOrg) -> None:
        self.org = org

    async def open(self, workspace_id: str) -> Org:
        self.org.clock = datetime.now(UTC)
        return await self.org.opened(workspace_id)

    async def aclose(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class World(KafkaWorld):
    engine: AsyncEngine
    settings: Settings
    org: FakeOrg = field(default_factory=FakeOrg)

    def app(self) -> FastAPI:
        return create_app(self.settings)

    async def told(self) -> list[SalesforceChange]:
        events = await self.read(SALESFORCE_CHANGES_V1)
        return [event.data for event in events if not isinstance(event.data, Deleted)]

    async def links(self) -> list[Any]:
        async with AsyncSession(self.engine) as session:
            return list(await session.execute(select(table(LinkRow))))


@pytest.fixture
async def world(kafka: str, migrated: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    settings = Settings(
        kafka_bootstrap=kafka,
        database_dsn=SecretStr(migrated),
        internal_key=SecretStr(new_key_pair()[0]),
        internal_trusted=json.dumps({"gateway": GATEWAY[1]}),
        oauth_url="http://127.0.0.1:1",
        pollers=2,
    )
    found = World(kafka, "sync-inbound", create_engine(SecretStr(migrated), SCHEMA), settings)
    await found.fresh_topics()
    monkeypatch.setattr(composition, "SalesforceOrgs", lambda *_, **__: FakeOrgs(found.org))
    yield found
    await found.engine.dispose()


async def test_a_change_comes_out_once_with_the_links_messages_twice(world: World) -> None:
    world.org.put(1, Email="old@x.example")
    await world.publish(*ACTIVE, a_link(), *ACTIVE, a_link())
    async with world.running(world.app()):
        await until(world.told)
        world.org.put(1, datetime.now(UTC), Email="new@x.example")

        async def seen() -> bool:
            return len(await world.told()) > 1

        await until(seen)
        await world.caught_up(*TOPICS)
    assert [one.kind for one in await world.told()] == ["reread", "updated"]


async def test_an_older_link_after_a_newer_one_changes_nothing(world: World) -> None:
    async with world.running(world.app()):
        await world.publish(*ACTIVE, a_link(2, number=2), a_link(1, number=1))
        await world.caught_up(*TOPICS)
    [row] = await world.links()
    assert (row.record_id, row.revision) == (an_id(2), 2)


async def test_a_crash_between_database_and_offsets_repeats_without_effect(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    world.org.put(1)
    await world.publish(*ACTIVE, a_link())
    with monkeypatch.context() as crash:
        crash.setattr(AIOKafkaConsumer, "commit", die)
        async with world.running(world.app()):
            await until(world.links)
    async with world.running(world.app()):
        await world.caught_up(*TOPICS)
        await until(world.told)
    [row] = await world.links()
    assert (row.revision, row.record_id) == (1, an_id(1))
    assert {one.kind for one in await world.told()} == {"reread"}


async def test_a_link_without_a_record_id_is_buried_alone(world: World) -> None:
    spoilt = MemberLink(
        workspace_id="w1", member_id="m2", revision=1, state=LinkState.LINKED, record_id="'; --"
    )
    async with world.running(world.app()):
        await world.publish(*ACTIVE, a_record(MEMBER_LINKS_V1, spoilt), a_link())
        await world.caught_up(*TOPICS)
    assert [row.member_id for row in await world.links()] == ["m1"]
    assert len(await world.read_raw("sync-inbound.dead-letters.v1")) == 1


async def test_the_gateway_is_told_how_capture_stands_and_others_are_not(world: World) -> None:
    world.org.put(1)
    await world.publish(*ACTIVE, a_link())
    path = "/internal/v1/workspaces/w1/capture"
    app = world.app()
    async with world.running(app):
        await until(world.told)
        signer = Signer("gateway", SecretStr(GATEWAY[0]))
        transport = httpx.ASGITransport(app)
        async with open_internal("http://x", signer, "sync-inbound", transport=transport) as http:
            shown = (await http.get(path)).json()
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as stranger:
            assert (await stranger.get(path)).status_code == 401
    assert (shown["state"], shown["error"]) == ("polling", None)
    assert set(shown["cursor"]) == {"Contact", "Lead"}
