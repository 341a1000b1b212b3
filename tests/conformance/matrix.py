"""The two sides of the fault matrix: what goes wrong, and what was being asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from crmlink_common.salesforce.bulk_way import Bulk
from crmlink_common.salesforce.client import Org, Outcome, QueryResult, Record

SEVERAL = 3
MANY = 401  # records: three Collections in one Composite
TITLE = "Changed"
LATE = 2.0  # seconds; the client has given up long before, on a busy machine too


@dataclass(frozen=True, slots=True)
class Fault:
    """What the operator asks for, of calls of one caller; ``count`` and ``client`` are added.

    ``parks``: told at once, since no repeat could help today. ``loses``: the answer does not tell
    whether the call had effect.
    """

    name: str
    setting: str
    body: dict[str, Any]
    writes_alone: bool = False
    parks: bool = False
    loses: bool = False


def _fails(name: str, status: int, code: str, *, parks: bool = False, loses: bool = False) -> Fault:
    return Fault(name, "fail", {"status": status, "code": code}, parks=parks, loses=loses)


def _spoils(name: str, **body: object) -> Fault:
    return Fault(name, "answers", body, loses=True)


FAULTS = [
    _fails("503", 503, "SERVER_UNAVAILABLE", loses=True),
    _fails("500", 500, "UNKNOWN_EXCEPTION", loses=True),
    _fails("429", 429, "REQUEST_RATE_EXCEEDED"),
    _fails("expired session", 401, "INVALID_SESSION_ID"),
    _fails("limit", 403, "REQUEST_LIMIT_EXCEEDED", parks=True),
    _spoils("dropped before", fault="drop", done=False),
    _spoils("dropped after", fault="drop", done=True),
    _spoils("truncated", fault="truncate"),
    _spoils("HTML page", fault="html", status=502, done=False),
    _spoils("HTML page after", fault="html", status=503, done=True),
    Fault("locked rows", "record-failures", {"code": "UNABLE_TO_LOCK_ROW"}, writes_alone=True),
]

LATE_ANSWER = _spoils("late", fault="late", seconds=LATE)


@dataclass(slots=True)
class World:
    """What a call is made of: an org, a mark of its own, and records made before the fault."""

    org: Org
    mark: str
    before: list[str]
    page: QueryResult | None = None

    def fresh(self, count: int) -> list[Record]:
        return [{"LastName": f"{self.mark}.{n}", "Department": self.mark} for n in range(count)]

    def keyed(self, count: int) -> list[Record]:
        records = self.fresh(count)
        return [{**one, "Member_Id__c": f"{self.mark}.{n}"} for n, one in enumerate(records)]

    def changed(self) -> list[Record]:
        return [{"Id": one, "Title": TITLE} for one in self.before]


Call = Callable[[World], Awaitable[Any]]
Write = Callable[[World], Awaitable[list[Outcome]]]


async def _next_page(world: World) -> QueryResult:
    assert world.page is not None
    assert world.page.next_path is not None
    return await world.org.query_more(world.page.next_path)


async def _bulk_query(world: World) -> int:
    jobs = world.org.query_jobs()
    ref = await jobs.begin(f"SELECT Id FROM Contact WHERE Department = '{world.mark}'")  # noqa: S608 - SOQL
    assert await jobs.ended(ref, within=10)
    return sum([len(page) async for page in jobs.pages(ref, max_rows=100)])


READS: dict[str, Call] = {
    "limits": lambda world: world.org.limits(),
    "query": lambda world: world.org.query("SELECT Id FROM Account LIMIT 1"),
    "next page": _next_page,
    "row": lambda world: world.org.get("Contact", world.before[0], ["Id"]),
    "retrieve": lambda world: world.org.retrieve("Contact", world.before, ["Id"]),
    "composite": lambda world: world.org.query_many(["SELECT Id FROM Account LIMIT 1"] * 2),
    "bulk query": _bulk_query,
}
CREATES: dict[str, Write] = {
    "create one": lambda world: world.org.create("Contact", world.fresh(1)),
    "create some": lambda world: world.org.create("Contact", world.fresh(SEVERAL)),
    "create many": lambda world: world.org.create("Contact", world.fresh(MANY)),
}
UPSERTS: dict[str, Write] = {
    "upsert one": lambda world: world.org.upsert("Contact", "Member_Id__c", world.keyed(1)),
    "upsert some": lambda world: world.org.upsert("Contact", "Member_Id__c", world.keyed(SEVERAL)),
    "bulk upsert": lambda world: world.org.upsert(
        "Contact", "Member_Id__c", world.keyed(SEVERAL), bulk=Bulk(over=1, within=10)
    ),
}
UPDATES: dict[str, Write] = {
    "update one": lambda world: world.org.update("Contact", world.changed()[:1]),
    "update some": lambda world: world.org.update("Contact", world.changed()),
    "bulk update": lambda world: world.org.update(
        "Contact", world.changed(), bulk=Bulk(over=1, within=10)
    ),
}
DELETES: dict[str, Write] = {
    "delete one": lambda world: world.org.delete("Contact", world.before[:1]),
    "delete some": lambda world: world.org.delete("Contact", world.before),
}
INGEST_STEPS = {  # of a job that writes: the calls it is made of
    "create": {"method": "POST", "path": "jobs/ingest"},
    "upload": {"method": "PUT", "path": "jobs/ingest/*/batches"},
    "close": {"method": "PATCH", "path": "jobs/ingest/*"},
    "look": {"method": "GET", "path": "jobs/ingest/750???????????????"},
    "successes": {"method": "GET", "path": "jobs/ingest/*/successfulResults*"},
    "failures": {"method": "GET", "path": "jobs/ingest/*/failedResults*"},
}
QUERY_STEPS = {
    "create": {"method": "POST", "path": "jobs/query"},
    "look": {"method": "GET", "path": "jobs/query/750???????????????"},
    "results": {"method": "GET", "path": "jobs/query/*/results*"},
}
WRITES = CREATES | UPSERTS | UPDATES | DELETES
NEVER_TWICE = WRITES.keys() - UPSERTS.keys() - {"bulk update"}  # a job's own steps may be repeated
