"""Requests on the bus, on real Kafka and PostgreSQL; the org is a fake one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import Deleted, Record, Topic
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection, ConnectionStatus
from crmlink_common.contracts.tools import (
    TOOL_REPLIES_V1,
    TOOL_REQUESTS_V1,
    ToolReply,
    ToolRequest,
)
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.internal.auth import new_key_pair
from crmlink_common.messaging import tables as messaging
from crmlink_common.salesforce.client import Org, QueryResult
from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import differences, migrate
from crmlink_devstack.worlds import KafkaWorld, a_record, until
from crmlink_tools import app as composition
from crmlink_tools.app import MIGRATIONS, SCHEMA, create_app
from crmlink_tools.settings import Settings
from crmlink_tools.storage import tables
from crmlink_tools.storage.tables import RequestRow, table

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
TOPICS: list[Topic[Any]] = [WORKSPACES_V1, CONNECTIONS_V1, TOOL_REQUESTS_V1]
ACTIVE = [
    a_record(WORKSPACES_V1, Workspace(workspace_id="w1", revision=1, crm_salesforce=True)),
    a_record(
        CONNECTIONS_V1,
        Connection(workspace_id="w1", revision=1, status=ConnectionStatus.CONNECTED, org_id="00D"),
    ),
]


def a_request(request_id: str = "r1", **told: object) -> Record:
    request = {
        "workspace_id": "w1",
        "conversation_id": "c1",
        "request_id": request_id,
        "tool": "salesforce_query",
        "arguments": {"query": "SELECT Id, Name FROM Contact"},
        "deadline": datetime.now(UTC) + timedelta(seconds=30),
    }
    return a_record(TOOL_REQUESTS_V1, ToolRequest.model_validate(request | told))


class FakeOrg:
    """Answers every query with three contacts, and remembers it."""

    workspace_id = "w1"
    org_id = "00D000000000001EAA"
    usage = None

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def query(self, soql: str, *, include_deleted: bool = False) -> QueryResult:
        self.asked.append(soql)
        rows = [{"Id": f"003{n}", "Name": "Ada Lovelace"} for n in range(3)]
        return QueryResult(rows, 3, done=True)


class FakeOrgs:
    def __init__(self, org: FakeOrg) -> None:
        self.org = org

    async def open(self, workspace_id: str) -> Org:
        return self.org  # type: ignore[return-value]

    async def aclose(self) -> None:
        return None


class World(KafkaWorld):
    org: FakeOrg
    engine: AsyncEngine
    settings: Settings

    def app(self) -> FastAPI:
        return create_app(self.settings)

    async def replies(self) -> list[ToolReply]:
        events = await self.read(TOOL_REPLIES_V1)
        return [event.data for event in events if not isinstance(event.data, Deleted)]

    async def rows(self) -> list[Any]:
        async with AsyncSession(self.engine) as session:
            return list(await session.execute(select(table(RequestRow))))


@pytest.fixture
async def world(kafka: str, migrated: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    found = World(kafka, "tools")
    await found.fresh_topics()
    org = FakeOrg()
    monkeypatch.setattr(composition, "SalesforceOrgs", lambda *_, **__: FakeOrgs(org))
    private, _ = new_key_pair()
    object.__setattr__(found, "org", org)
    object.__setattr__(found, "engine", create_engine(SecretStr(migrated), SCHEMA))
    settings = Settings(
        kafka_bootstrap=kafka,
        database_dsn=SecretStr(migrated),
        internal_key=SecretStr(private),
        oauth_url="http://127.0.0.1:1",
        concurrent_requests=2,
    )
    object.__setattr__(found, "settings", settings)
    yield found
    await found.engine.dispose()


async def test_the_migrations_make_what_the_models_say(database: str) -> None:
    dsn = SecretStr(database)
    await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)
    await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)  # again is harmless
    found = await asyncio.to_thread(differences, dsn, SCHEMA, [tables.metadata, messaging.metadata])
    assert found == []


async def test_a_request_is_answered_and_leaves_no_arguments_behind(world: World) -> None:
    async with world.running(world.app()):
        await world.publish(*ACTIVE, a_request())
        await until(world.replies)
        await until(lambda: _done(world))
    [reply] = await world.replies()
    assert reply.ok
    assert isinstance(reply.result, dict)
    assert reply.result["total_size"] == 3
    assert world.org.asked == ["SELECT Id, Name FROM Contact LIMIT 200"]
    [row] = await world.rows()
    assert (row.state, row.arguments, row.outcome_code) == ("done", None, "ok")


async def _done(world: World) -> bool:
    rows = await world.rows()
    return bool(rows) and all(row.state == "done" for row in rows)


async def test_the_same_request_twice_at_once_is_answered_once(world: World) -> None:
    request = a_request()
    await world.publish(*ACTIVE, request, request)
    async with world.running(world.app()):
        await until(world.replies)
        await world.caught_up(*TOPICS)
    assert len(await world.replies()) == 1


async def test_a_repeated_read_is_read_again(world: World) -> None:
    async with world.running(world.app()):
        await world.publish(*ACTIVE, a_request())
        await until(world.replies)
        await until(lambda: _done(world))
        await world.publish(a_request())

        async def twice() -> bool:
            return len(await world.replies()) == 2

        await until(twice)
    assert len(world.org.asked) == 2


async def test_a_crash_between_ledger_and_offsets_is_answered_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    await world.publish(*ACTIVE, a_request())
    with monkeypatch.context() as crash:
        crash.setattr(AIOKafkaConsumer, "commit", die)
        async with world.running(world.app()):
            await until(world.rows)
    async with world.running(world.app()):
        await world.caught_up(*TOPICS)
        await until(world.replies)
        await until(lambda: _done(world))
    assert [reply.ok for reply in await world.replies()].count(True) >= 1
    [row] = await world.rows()
    assert row.state == "done"


async def test_an_answerer_killed_before_its_reply_is_followed_by_another(world: World) -> None:
    await world.publish(*ACTIVE, a_request())
    async with world.running(world.app()):
        await until(lambda: _done(world))
    requests = table(RequestRow)
    sessions = async_sessionmaker(world.engine)
    async with sessions.begin() as session:  # as a dead one left it: leased, not answered
        await session.execute(
            requests.update().values(
                state="accepted",
                arguments={"query": "SELECT Id FROM Lead"},
                lease_holder="dead",
                lease_until=datetime.now(UTC) - timedelta(seconds=1),
            )
        )
    async with world.running(world.app()):
        await until(lambda: _done(world))
    assert world.org.asked[-1] == "SELECT Id FROM Lead LIMIT 200"
    assert len(await world.replies()) == 2


async def test_what_cannot_be_done_is_refused_with_its_code(world: World) -> None:
    refused: dict[str, dict[str, Any]] = {
        "unknown_tool": {"tool": "salesforce_drop"},
        "invalid_argument": {"arguments": {}},
        "unknown_argument": {"arguments": {"query": "SELECT Id FROM Contact", "x": 1}},
        "syntax_error": {"arguments": {"query": "SELECT FROM Contact"}},
        "deadline_exceeded": {"deadline": datetime(2026, 1, 1, tzinfo=UTC)},
        "feature_disabled": {"workspace_id": "w2"},
    }
    switched_off = Workspace(workspace_id="w2", revision=1, crm_salesforce=False)
    requests = [a_request(code, **told) for code, told in refused.items()]
    async with world.running(world.app()):
        await world.publish(*ACTIVE, a_record(WORKSPACES_V1, switched_off), *requests)

        async def all_answered() -> bool:
            return len(await world.replies()) == len(refused)

        await until(all_answered)
        await until(lambda: world.read(ACTIVITY_V1))
        [trace] = await world.read(ACTIVITY_V1)
    replies = await world.replies()
    assert {one.request_id: one.error.code for one in replies if one.error} == {
        code: code for code in refused
    }
    assert not any(one.ok for one in replies)
    assert world.org.asked == []
    assert isinstance(trace.data, Activity)
    assert (trace.data.workspace_id, trace.data.code) == ("w2", "feature_disabled")


async def test_a_reply_topic_of_any_other_name_is_refused(world: World) -> None:
    request = a_request()
    hostile = replace(request, headers=[*request.headers, ("reply_topic", b"members.v1")])
    async with world.running(world.app()):
        await world.publish(*ACTIVE, hostile)
        await until(world.replies)
    [reply] = await world.replies()
    assert reply.error is not None
    assert reply.error.code == "reply_topic_refused"


async def test_an_older_revision_of_a_connection_changes_nothing(world: World) -> None:
    old = Connection(workspace_id="w1", revision=0, status=ConnectionStatus.ERROR)
    async with world.running(world.app()):
        await world.publish(*ACTIVE, a_record(CONNECTIONS_V1, old))
        await world.caught_up(*TOPICS)
        await world.publish(a_request())
        await until(world.replies)
    assert [reply.ok for reply in await world.replies()] == [True]
