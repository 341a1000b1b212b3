"""The ledger alone, on real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.storage.engine import create_engine
from crmlink_tools.app import SCHEMA
from crmlink_tools.storage.ledger import Accepted, Ledger
from crmlink_tools.storage.tables import RequestRow, table

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
Sessions = async_sessionmaker[AsyncSession]


def a_row(request_id: str, **told: object) -> dict[str, Any]:
    row: dict[str, Any] = {
        "workspace_id": "w1",
        "conversation_id": "c1",
        "request_id": request_id,
        "tool": "salesforce_query",
        "state": "accepted",
        "arguments": {"query": "SELECT Id FROM Lead"},
        "reply_topic": "tool-replies.v1",
        "reply_refused": False,
        "event_id": "e1",
        "traceparent": "",
        "deadline": datetime.now(UTC),
        "attempts": 0,
        "fence": 0,
        "outcome_code": "",
        "record_id": "",
        "lease_holder": "",
    }
    return row | told


@pytest.fixture
async def sessions(migrated: str) -> AsyncIterator[Sessions]:
    engine = create_engine(SecretStr(migrated), SCHEMA)
    yield async_sessionmaker(engine)
    await engine.dispose()


async def accept(sessions: Sessions, *rows: dict[str, Any]) -> None:
    async with sessions.begin() as session:
        await Ledger(session).accept(rows)


async def claim(sessions: Sessions, per_workspace: int = 2) -> Accepted | None:
    async with sessions.begin() as session:
        return await Ledger(session).claim("one", per_workspace)


async def answered(sessions: Sessions, request: Accepted) -> bool:
    async with sessions.begin() as session:
        return await Ledger(session).answered(request, "ok")


async def end_leases(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await session.execute(table(RequestRow).update().values(lease_until=past))


async def test_a_workspace_at_its_limit_leaves_the_rest_to_others(sessions: Sessions) -> None:
    await accept(sessions, *[a_row(f"r{n}") for n in range(5)])
    await accept(sessions, a_row("r9", workspace_id="w2"))
    taken = [await claim(sessions) for _ in range(4)]
    assert [one.workspace_id if one else None for one in taken] == ["w1", "w1", "w2", None]


async def test_a_request_repeated_while_under_way_stays_one(sessions: Sessions) -> None:
    await accept(sessions, a_row("r1"))
    request = await claim(sessions)
    assert request is not None
    await accept(sessions, a_row("r1", tool="salesforce_get_record"))
    assert await claim(sessions) is None
    assert await answered(sessions, request)
    assert await claim(sessions) is None


async def test_a_request_repeated_after_its_answer_is_all_new(sessions: Sessions) -> None:
    await accept(sessions, a_row("r1"))
    request = await claim(sessions)
    assert request is not None
    assert await answered(sessions, request)
    again = a_row("r1", tool="salesforce_get_record", arguments={"object_type": "Lead"})
    await accept(sessions, again | {"traceparent": "t2", "event_id": "e2"})
    found = await claim(sessions)
    assert found is not None
    assert (found.tool, found.event_id, found.traceparent) == ("salesforce_get_record", "e2", "t2")
    assert found.arguments == {"object_type": "Lead"}
    assert not await answered(sessions, request)  # a stalled worker closes nothing of it


async def test_after_its_lease_a_request_is_anothers(sessions: Sessions) -> None:
    await accept(sessions, a_row("r1"))
    stalled = await claim(sessions)
    assert stalled is not None
    await end_leases(sessions)
    other = await claim(sessions)
    assert other is not None
    assert other.attempts == 2
    assert not await answered(sessions, stalled)
    assert await answered(sessions, other)


async def test_what_was_answered_long_ago_is_forgotten(sessions: Sessions) -> None:
    await accept(sessions, a_row("r1"), a_row("r2"))
    for _ in range(2):
        request = await claim(sessions)
        assert request is not None
        assert await answered(sessions, request)
    requests = table(RequestRow)
    async with sessions.begin() as session:
        long_ago = datetime.now(UTC) - timedelta(days=8)
        await session.execute(
            requests.update().where(requests.c.request_id == "r1").values(answered_at=long_ago)
        )
        assert await Ledger(session).forget() == 1
        left = await session.execute(select(requests.c.request_id))
        assert left.scalars().all() == ["r2"]
