"""One answer at a time; the ledger, the org and the bus are fakes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from crmlink_common.contracts.cloudevents import Deleted, Record, decode
from crmlink_common.contracts.tools import TOOL_REPLIES_V1, ToolReply
from crmlink_common.errors import NotConnectedError, TransientError
from crmlink_common.salesforce.client import Org, QueryResult
from crmlink_common.salesforce.errors import (
    SalesforceLimitError,
    SalesforceNotFoundError,
    SalesforcePermanentError,
)
from crmlink_tools import answers as module
from crmlink_tools.answers import Answers
from crmlink_tools.storage.ledger import Accepted, Access

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = "Lovelace"
REQUEST = Accepted(
    workspace_id="w1",
    conversation_id="c1",
    request_id="r1",
    tool="salesforce_query",
    arguments={"query": "SELECT Id FROM Contact WHERE LastName = 'Lovelace'"},
    reply_topic="tool-replies.v1",
    reply_refused=False,
    event_id="e1",
    traceparent="",
    deadline=NOON + timedelta(seconds=30),
    attempts=1,
    fence=1,
)
GET = replace(
    REQUEST,
    tool="salesforce_get_record",
    arguments={"object_type": "Contact", "record_id": "003000000000001AAA"},
)


@dataclass
class FakeOrg:
    result: QueryResult | dict[str, Any] | Exception = field(
        default_factory=lambda: QueryResult([{"Id": "1", "Name": SECRET}], 1, done=True)
    )
    seconds: float = 0

    async def query(self, soql: str) -> QueryResult:
        return cast("QueryResult", await self._told())

    async def get(self, sobject: str, record_id: str, fields: object) -> dict[str, Any]:
        return cast("dict[str, Any]", await self._told())

    async def _told(self) -> QueryResult | dict[str, Any]:
        await asyncio.sleep(self.seconds)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@dataclass
class World:
    """The fakes, and what became of the request."""

    request: Accepted | None = REQUEST
    org: FakeOrg = field(default_factory=FakeOrg)
    refusal: str = ""
    absent: tuple[str, ...] = ()
    open_error: Exception | None = None
    closed: list[str] = field(default_factory=list)
    released: int = 0
    sent: list[Record] = field(default_factory=list)

    async def claim(self, *_: object) -> Accepted | None:
        return self.request

    async def answered(self, request: Accepted, code: str) -> bool:
        self.closed.append(code)
        return True

    async def release(self, request: Accepted) -> None:
        self.released += 1

    async def access(self, workspace_id: str) -> Access:
        return Access(self.refusal)

    async def publish(self, records: Sequence[Record]) -> None:
        if any(record.topic in self.absent for record in records):
            await asyncio.sleep(30)
            raise TransientError("UnknownTopicOrPartitionError")
        self.sent += records

    async def open_org(self, workspace_id: str) -> Org:
        if self.open_error is not None:
            raise self.open_error
        return cast("Org", self.org)

    def answers(self) -> Answers:
        return Answers(
            sessions=cast("Any", NoSessions()),
            open_org=self.open_org,
            publish=self.publish,
            holder="one",
            per_workspace=4,
            named_topic_wait=0.05,
            now=lambda: NOON,
        )

    async def reply(self) -> ToolReply:
        assert await self.answers().answer_one()
        [record] = self.sent
        found = decode(TOOL_REPLIES_V1, record.key, record.value, record.headers)
        assert found.attributes.causationid == "e1"
        assert not isinstance(found.data, Deleted)
        assert self.closed == [found.data.error.code if found.data.error else "ok"]
        return found.data

    async def code(self) -> str:
        reply = await self.reply()
        assert reply.error is not None
        assert not reply.ok
        return reply.error.code


class NoSessions:
    @asynccontextmanager
    async def begin(self) -> Any:  # noqa: ANN401 - nobody looks at it
        yield None

    def __call__(self) -> AbstractAsyncContextManager[Any]:
        return cast("AbstractAsyncContextManager[Any]", self.begin())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    found = World()
    monkeypatch.setattr(module, "Ledger", lambda _: found)
    return found


async def test_a_query_is_answered(world: World) -> None:
    reply = await world.reply()
    assert reply.ok
    assert reply.result == {"records": [{"Id": "1", "Name": SECRET}], "total_size": 1}
    assert (reply.request_id, reply.conversation_id, reply.truncated) == ("r1", "c1", False)


async def test_with_nothing_to_do_it_says_so(world: World) -> None:
    world.request = None
    assert not await world.answers().answer_one()


async def test_a_deadline_that_has_passed_is_told_without_asking(world: World) -> None:
    world.request = replace(REQUEST, deadline=NOON)
    assert await world.code() == "deadline_exceeded"


async def test_an_org_slower_than_the_deadline_is_not_waited_for(world: World) -> None:
    world.request = replace(REQUEST, deadline=NOON + timedelta(milliseconds=50))
    world.org.seconds = 30
    assert await world.code() == "deadline_exceeded"


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
    reply = await world.reply()
    assert reply.error is not None
    assert (reply.error.code, reply.error.title) == (code, "Salesforce API request failed")
    assert reply.error.field == ("Odd__c" if code == "INVALID_FIELD" else "")


async def test_a_connection_that_is_gone_names_its_cure(world: World) -> None:
    world.open_error = NotConnectedError("no")
    reply = await world.reply()
    assert reply.error is not None
    assert "Overview tab" in reply.error.cure


@pytest.mark.parametrize(
    "refusal",
    ["feature_disabled", "connection_disabled", "awaiting_oauth", "error", "not_connected"],
)
async def test_an_inactive_connection_refuses_with_its_code(world: World, refusal: str) -> None:
    world.refusal = refusal
    assert await world.code() == refusal


async def test_a_syntax_error_tells_its_place(world: World) -> None:
    world.request = replace(REQUEST, arguments={"query": "SELECT FROM Contact"})
    reply = await world.reply()
    assert reply.error is not None
    assert (reply.error.code, reply.error.line, reply.error.field) == ("syntax_error", 1, "query")
    assert reply.error.column is not None


async def test_more_rows_than_a_reply_holds_are_cut_and_counted(world: World) -> None:
    rows = [{"Id": str(n), "Text": "x" * 50_000} for n in range(200)]
    world.org.result = QueryResult(list(rows), 5000, done=False)
    reply = await world.reply()
    assert isinstance(reply.result, dict)
    assert reply.truncated
    assert reply.total == 5000
    assert 0 < len(cast("list[Any]", reply.result["records"])) < 200


async def test_a_record_is_given(world: World) -> None:
    world.request = GET
    world.org.result = {"Id": "003000000000001AAA", "Name": SECRET}
    assert (await world.reply()).result == {"record": world.org.result}


async def test_a_record_too_large_for_a_reply_is_refused_with_its_cure(world: World) -> None:
    world.request = GET
    world.org.result = {"Id": "1", "Text": "é" * 450_000}
    reply = await world.reply()
    assert reply.error is not None
    assert (reply.error.code, reply.error.field) == ("result_too_large", "fields")
    assert reply.error.cure


async def test_a_reply_goes_to_the_topic_that_was_named(world: World) -> None:
    world.request = replace(REQUEST, reply_topic="tool-replies.mine.v1")
    await world.reply()
    assert [record.topic for record in world.sent] == ["tool-replies.mine.v1"]


async def test_a_named_topic_that_is_not_there_neither_blocks_nor_loses_the_reply(
    world: World,
) -> None:
    world.request = replace(REQUEST, reply_topic="tool-replies.nowhere.v1")
    world.absent = ("tool-replies.nowhere.v1",)
    async with asyncio.timeout(5):
        assert (await world.reply()).ok
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
        lambda w: setattr(w, "request", replace(REQUEST, arguments={"query": f"!{SECRET}"})),
        lambda w: setattr(w, "request", replace(REQUEST, tool=SECRET)),
        lambda w: setattr(w, "request", replace(REQUEST, arguments={SECRET: SECRET})),
        lambda w: setattr(w, "request", replace(REQUEST, reply_topic="tool-replies.gone.v1")),
    ],
)
async def test_no_argument_and_no_result_is_ever_logged(
    world: World, caplog: pytest.LogCaptureFixture, spoil: Callable[[World], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    world.absent = ("tool-replies.gone.v1",)
    spoil(world)
    await world.reply()
    assert any(record.message == "tool answered" for record in caplog.records)
    assert not any(SECRET in str(record.__dict__) for record in caplog.records)
