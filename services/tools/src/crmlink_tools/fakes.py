"""For tests: a request, a ledger that holds it, an org and a bus, in memory."""

# ruff: noqa: ARG002 - a fake has its port's signature

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from crmlink_common.contracts.cloudevents import Record
from crmlink_common.errors import TransientError
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.client import Org, QueryResult
from crmlink_common.salesforce.limits import ApiUsage
from crmlink_tools.answers import Answers
from crmlink_tools.storage.ledger import Accepted, Access

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SURNAME = "Lovelace"
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
        default_factory=lambda: QueryResult([{"Id": "1", "Name": SURNAME}], 1, done=True)
    )
    seconds: float = 0
    workspace_id: str = "w1"
    org_id: str = "00D000000000001EAA"
    usage: ApiUsage | None = None
    probes: int = 0

    async def limits(self) -> dict[str, Any]:
        self.probes += 1
        return {}

    further: list[QueryResult] = field(default_factory=list)

    async def query(self, soql: str) -> QueryResult:
        return cast("QueryResult", await self._told())

    async def query_more(self, next_path: str) -> QueryResult:
        return self.further.pop(0)

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
    stranger: bool = False
    traced: list[Record] = field(default_factory=list)
    absent: tuple[str, ...] = ()
    open_error: Exception | None = None
    closed: list[str] = field(default_factory=list)
    released: int = 0
    sent: list[Record] = field(default_factory=list)
    time: datetime = NOON

    def __post_init__(self) -> None:
        self.budgets = Budgets(now=lambda: self.time, jitter=lambda: 1.0)

    async def claim(self, *_: object) -> Accepted | None:
        return self.request

    async def answered(self, request: Accepted, code: str) -> bool:
        self.closed.append(code)
        return True

    async def release(self, request: Accepted) -> None:
        self.released += 1

    async def access(self, workspace_id: str) -> Access:
        return Access(self.refusal, self.stranger)

    async def add(self, records: Sequence[Record]) -> None:
        self.traced += records

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
            budgets=self.budgets,
            now=lambda: NOON,
        )


class NoSessions:
    @asynccontextmanager
    async def begin(self) -> Any:  # noqa: ANN401 - nobody looks at it
        yield None

    def __call__(self) -> AbstractAsyncContextManager[Any]:
        return cast("AbstractAsyncContextManager[Any]", self.begin())
