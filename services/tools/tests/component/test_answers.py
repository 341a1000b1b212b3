"""One answer at a time; the ledger, the org and the bus are fakes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import Deleted, Record, decode
from crmlink_common.contracts.tools import TOOL_REPLIES_V1, ToolReply
from crmlink_common.errors import NotConnectedError, TransientError
from crmlink_common.salesforce.client import QueryResult
from crmlink_common.salesforce.errors import (
    SalesforceLimitError,
    SalesforceNotFoundError,
    SalesforcePermanentError,
)
from crmlink_common.salesforce.explanations import EXPLANATIONS
from crmlink_common.salesforce.limits import ApiUsage
from crmlink_tools import answers as module
from crmlink_tools.fakes import GET, NOON, REQUEST, SURNAME, World


async def reply_of(world: World) -> ToolReply:
    assert await world.answers().answer_one()
    [record] = world.sent
    found = decode(TOOL_REPLIES_V1, record.key, record.value, record.headers)
    assert found.attributes.causationid == "e1"
    assert not isinstance(found.data, Deleted)
    assert world.closed == [found.data.error.code if found.data.error else "ok"]
    return found.data


def replies(world: World) -> list[ToolReply]:
    found = [decode(TOOL_REPLIES_V1, r.key, r.value, r.headers).data for r in world.sent]
    return [one for one in found if isinstance(one, ToolReply)]


async def code_of(world: World) -> str:
    reply = await reply_of(world)
    assert reply.error is not None
    assert not reply.ok
    return reply.error.code


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    found = World()
    monkeypatch.setattr(module, "Ledger", lambda _: found)
    monkeypatch.setattr(module, "Outbox", lambda _: found)
    return found


async def test_a_query_is_answered(world: World) -> None:
    reply = await reply_of(world)
    assert reply.ok
    assert reply.result == {"records": [{"Id": "1", "Name": SURNAME}], "total_size": 1}
    assert (reply.request_id, reply.conversation_id, reply.truncated) == ("r1", "c1", False)


async def test_with_nothing_to_do_it_says_so(world: World) -> None:
    world.request = None
    assert not await world.answers().answer_one()


async def test_a_deadline_that_has_passed_is_told_without_asking(world: World) -> None:
    world.request = replace(REQUEST, deadline=NOON)
    assert await code_of(world) == "deadline_exceeded"


async def test_an_org_slower_than_the_deadline_is_not_waited_for(world: World) -> None:
    world.request = replace(REQUEST, deadline=NOON + timedelta(milliseconds=50))
    world.org.seconds = 30
    assert await code_of(world) == "deadline_exceeded"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SalesforcePermanentError("INVALID_FIELD", fields=["Odd__c"]), "INVALID_FIELD"),
        (SalesforceLimitError("REQUEST_LIMIT_EXCEEDED"), "REQUEST_LIMIT_EXCEEDED"),
        (SalesforceNotFoundError("NOT_FOUND"), "NOT_FOUND"),
        (TransientError("oauth does not answer"), "transient"),
        (NotConnectedError("no"), "not_connected"),
    ],
)
async def test_salesforces_code_passes_through(world: World, error: Exception, code: str) -> None:
    world.org.result = error
    reply = await reply_of(world)
    assert reply.error is not None
    assert (reply.error.code, reply.error.title) == (code, "Salesforce API request failed")
    assert reply.error.field == ("Odd__c" if code == "INVALID_FIELD" else "")


async def test_a_parked_org_is_not_asked_and_the_assistant_hears_until_when(world: World) -> None:
    world.org.result = SalesforceLimitError("REQUEST_LIMIT_EXCEEDED")
    assert await world.answers().answer_one()
    world.org.result = QueryResult([{"Id": "1"}], 1, done=True)
    assert await world.answers().answer_one()
    world.time += timedelta(minutes=1)
    assert await world.answers().answer_one()
    codes = [r.error.code if r.error else "ok" for r in replies(world)]
    assert codes == ["REQUEST_LIMIT_EXCEEDED", "limit", "ok"]
    told = replies(world)[1].error
    assert told is not None
    assert (told.title, told.cure) == (
        "Salesforce API request failed",
        "Ask again after 12:01 UTC.",
    )
    assert told.detail
    assert world.org.probes == 1


async def test_assistants_go_on_to_the_last_call_of_the_limit(world: World) -> None:
    for used in (999, 1000):
        world.org.usage = ApiUsage(used, 1000)
        assert await world.answers().answer_one()
    assert await world.answers().answer_one()
    assert [r.error.code if r.error else "ok" for r in replies(world)] == ["ok", "ok", "budget"]


async def test_salesforces_code_comes_with_what_happened_and_its_cure(world: World) -> None:
    world.org.result = SalesforcePermanentError("INVALID_FIELD", fields=["Odd__c"])
    reply = await reply_of(world)
    assert reply.error is not None
    assert reply.error.detail == EXPLANATIONS["INVALID_FIELD"].message
    assert reply.error.cure == EXPLANATIONS["INVALID_FIELD"].cure


async def test_a_connection_that_is_gone_names_its_cure(world: World) -> None:
    world.open_error = NotConnectedError("no")
    reply = await reply_of(world)
    assert reply.error is not None
    assert "Overview tab" in reply.error.cure


@pytest.mark.parametrize(
    "refusal",
    [
        "feature_disabled",
        "connection_disabled",
        "awaiting_oauth",
        "org_not_confirmed",
        "error",
        "not_connected",
    ],
)
async def test_an_inactive_connection_refuses_with_its_code(world: World, refusal: str) -> None:
    world.refusal = refusal
    assert await code_of(world) == refusal
    [trace] = world.traced
    told = decode(ACTIVITY_V1, trace.key, trace.value, trace.headers).data
    assert isinstance(told, Activity)
    assert (told.workspace_id, told.action, told.code) == ("w1", "tool.refused", refusal)
    assert told.details == {"tool": "salesforce_query"}


async def test_a_workspace_nobody_has_told_us_of_leaves_no_trace(world: World) -> None:
    world.refusal, world.stranger = "feature_disabled", True
    assert await code_of(world) == "feature_disabled"
    assert world.traced == []


async def test_a_request_that_ends_its_answerers_is_given_up(world: World) -> None:
    world.request = replace(REQUEST, attempts=6)
    assert await code_of(world) == "not_answered"


async def test_short_pages_are_read_on_to_the_limit(world: World) -> None:
    def rows(first: int, last: int) -> list[dict[str, Any]]:
        return [{"Id": str(n)} for n in range(first, last)]

    world.org.result = QueryResult(rows(0, 90), 200, done=False, next_path="/next")
    world.org.further = [
        QueryResult(rows(90, 150), 200, done=False, next_path="/next"),
        QueryResult(rows(150, 200), 200, done=True),
        QueryResult(rows(200, 300), 300, done=True),
    ]
    reply = await reply_of(world)
    assert isinstance(reply.result, dict)
    assert reply.result["records"] == rows(0, 200)
    assert len(world.org.further) == 1


async def test_a_syntax_error_tells_its_place(world: World) -> None:
    world.request = replace(REQUEST, arguments={"query": "SELECT FROM Contact"})
    reply = await reply_of(world)
    assert reply.error is not None
    assert (reply.error.code, reply.error.line, reply.error.field) == ("syntax_error", 1, "query")
    assert reply.error.column is not None


async def test_more_rows_than_a_reply_holds_are_cut_and_counted(world: World) -> None:
    rows = [{"Id": str(n), "Text": "x" * 50_000} for n in range(200)]
    world.org.result = QueryResult(list(rows), 5000, done=False)
    reply = await reply_of(world)
    assert isinstance(reply.result, dict)
    assert reply.truncated
    assert reply.total == 5000
    assert 0 < len(cast("list[Any]", reply.result["records"])) < 200


async def test_a_record_is_given(world: World) -> None:
    world.request = GET
    world.org.result = {"Id": "003000000000001AAA", "Name": SURNAME}
    assert (await reply_of(world)).result == {"record": world.org.result}


async def test_a_record_too_large_for_a_reply_is_refused_with_its_cure(world: World) -> None:
    world.request = GET
    world.org.result = {"Id": "1", "Text": "é" * 450_000}
    reply = await reply_of(world)
    assert reply.error is not None
    assert (reply.error.code, reply.error.field) == ("result_too_large", "fields")
    assert reply.error.cure


async def test_a_reply_goes_to_the_topic_that_was_named(world: World) -> None:
    world.request = replace(REQUEST, reply_topic="tool-replies.mine.v1")
    await reply_of(world)
    assert [record.topic for record in world.sent] == ["tool-replies.mine.v1"]


async def test_a_named_topic_that_is_not_there_neither_blocks_nor_loses_the_reply(
    world: World,
) -> None:
    world.request = replace(REQUEST, reply_topic="tool-replies.nowhere.v1")
    world.absent = ("tool-replies.nowhere.v1",)
    async with asyncio.timeout(5):
        assert (await reply_of(world)).ok
    assert [record.topic for record in world.sent] == ["tool-replies.v1"]


async def test_a_bus_that_is_down_gives_the_request_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(_: Sequence[Record]) -> None:
        raise TransientError("Kafka is not up")

    monkeypatch.setattr(world, "publish", down)
    with pytest.raises(TransientError):
        await world.answers().answer_one()
    assert (world.released, world.closed) == (1, [])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda w: None,
        lambda w: setattr(w.org, "result", SalesforcePermanentError("INVALID_FIELD")),
        lambda w: setattr(w, "request", replace(REQUEST, arguments={"query": f"!{SURNAME}"})),
        lambda w: setattr(w, "request", replace(REQUEST, tool=SURNAME)),
        lambda w: setattr(w, "request", replace(REQUEST, arguments={SURNAME: SURNAME})),
        lambda w: setattr(w, "request", replace(REQUEST, reply_topic="tool-replies.gone.v1")),
    ],
)
async def test_no_argument_and_no_result_is_ever_logged(
    world: World, caplog: pytest.LogCaptureFixture, spoil: Callable[[World], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    world.absent = ("tool-replies.gone.v1",)
    spoil(world)
    await reply_of(world)
    assert any(record.message == "tool answered" for record in caplog.records)
    assert not any(SURNAME in str(record.__dict__) for record in caplog.records)
