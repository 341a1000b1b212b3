"""Each fault that passes, in each way to write: bounded calls, no doubles, the right outcomes."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.errors import LimitError, TransientError, UnknownOutcomeError
from crmlink_common.salesforce.bulk_way import Bulk
from crmlink_common.salesforce.client import Org, Outcome
from crmlink_common.salesforce.fakes import FakeOrg, FakeTokens, a_token, an_error
from crmlink_common.salesforce.ids import to_18

BASE = "/services/data/v59.0/"
Json = dict[str, Any]
Fault = httpx.Response | Exception
Told = Any  # JSON, or the text of a CSV


@dataclass
class World:
    """An org that keeps records by id, with a unique field Key__c; a fault per call, in turn."""

    records: dict[str, Json] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    jobs: dict[str, Json] = field(default_factory=dict)
    calls: int = 0
    always: str = ""

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        fault = self.faults.pop(0) if self.faults else self.always
        if fault in BEFORE:
            return raised(BEFORE[fault])
        told = self.route(request.method, request.url.raw_path.decode(), body_of(request))
        if fault:
            return raised(AFTER[fault])
        return told if isinstance(told, httpx.Response) else httpx.Response(200, json=told)

    def route(self, method: str, path: str, body: Told) -> Told:
        url = urlsplit(path.removeprefix(BASE))
        parts = [unquote(one) for one in url.path.split("/") if one]
        if parts[0] == "sobjects":
            return self.row(method, parts[2:], body)
        if parts[:2] == ["composite", "sobjects"]:
            ids = parse_qs(url.query).get("ids", [""])[0].split(",")
            given = [{"Id": one} for one in ids] if method == "DELETE" else body["records"]
            key = parts[3] if len(parts) == 4 else None
            return [self.item(method, record, key) for record in given]
        if parts[0] == "composite":
            return {"compositeResponse": [self.part(one) for one in body["compositeRequest"]]}
        return self.job(method, parts[2:], body)

    def part(self, asked: Json) -> Json:
        told = self.route(asked["method"], asked["url"], asked.get("body"))
        return {"body": told, "httpStatusCode": 200, "referenceId": asked["referenceId"]}

    def row(self, method: str, names: list[str], body: Json | None) -> httpx.Response:
        key = names[0] if len(names) == 2 else None
        record = dict(body or {}) | ({key or "Id": names[-1]} if names else {})
        item = self.item(method, record, key)
        if not item["success"]:
            return an_error(404, item["errors"][0]["statusCode"])
        empty = method == "DELETE" or (method == "PATCH" and key is None)
        return httpx.Response(204) if empty else httpx.Response(201, json=item)

    def item(self, method: str, record: Json, key: str | None) -> Json:
        values = {name: value for name, value in record.items() if name not in {"attributes", "Id"}}
        if key:
            found = [one for one, kept in self.records.items() if kept.get(key) == record[key]]
        else:
            found = [record["Id"]] if record.get("Id") in self.records else []
        if not found and method == "PATCH" and not key:
            return failed("INVALID_CROSS_REFERENCE_KEY")
        if method == "DELETE":
            gone = self.records.pop(found[0], None) if found else None
            return done(record["Id"]) if gone is not None else failed("ENTITY_IS_DELETED")
        made = found[0] if found else to_18(f"003{len(self.records):012}")
        self.records[made] = self.records.get(made, {}) | values
        return done(made) | ({"created": not found} if key else {})

    def job(self, method: str, names: list[str], body: Told) -> Told:
        if not names:
            job_id = to_18(f"750{len(self.jobs):012}")
            self.jobs[job_id] = {**body, "id": job_id, "state": "Open"}
            return self.jobs[job_id]
        job = self.jobs[names[0]]
        if names[-1] == "batches":
            if "rows" in job or job["state"] != "Open":
                return an_error(400, "INVALIDJOBSTATE")
            job["rows"] = list(csv.DictReader(io.StringIO(body)))
            return httpx.Response(201)
        if names[-1] in {"successfulResults", "failedResults", "unprocessedrecords"}:
            return self.results(job) if names[-1][0] == "s" else httpx.Response(200, text="")
        if method == "PATCH":
            if job["state"] != "Open":
                return an_error(400, "INVALIDJOBSTATE")
            job["state"] = body["state"]
            self.load(job)
        told = {name: value for name, value in job.items() if name not in {"rows", "done"}}
        return told | {"numberRecordsProcessed": len(job.get("done", ()))}

    def load(self, job: Json) -> None:
        if job["state"] != "UploadComplete":
            return
        key = job.get("externalIdFieldName")
        known = [{name: cell for name, cell in row.items() if cell} for row in job["rows"]]
        items = [self.item("PATCH", row, key) for row in known]
        job["done"] = list(zip(job["rows"], items, strict=True))
        job["state"] = "JobComplete"

    def results(self, job: Json) -> httpx.Response:
        text = io.StringIO()
        names = list(job["rows"][0])
        lines = csv.writer(text)
        lines.writerow(["sf__Id", "sf__Created", *names])
        for row, item in reversed(job["done"]):
            lines.writerow([item["id"], str(item.get("created", False)).lower(), *row.values()])
        return httpx.Response(200, text=text.getvalue())


def done(record_id: str) -> Json:
    return {"id": record_id, "success": True, "errors": []}


def failed(code: str) -> Json:
    return {"success": False, "errors": [{"statusCode": code, "message": "Ada", "fields": []}]}


def body_of(request: httpx.Request) -> Told:
    content = request.content
    if request.headers.get("content-encoding") == "gzip":
        content = gzip.decompress(content)
    is_csv = request.headers.get("content-type", "").startswith("text/csv")
    return content.decode() if is_csv or not content else json.loads(content)


def raised(fault: Fault) -> httpx.Response:
    if isinstance(fault, Exception):
        raise fault
    return fault


NEVER: dict[str, Fault] = {
    "not connected": httpx.ConnectError(""),
    "429": an_error(429),
    "lock": an_error(400, "UNABLE_TO_LOCK_ROW"),
    "query time-out": an_error(400, "QUERY_TIMEOUT"),
    "concurrency": an_error(403, "REQUEST_LIMIT_EXCEEDED"),
}
UNSEEN: dict[str, Fault] = {
    "500": an_error(500, "UNKNOWN_EXCEPTION"),
    "503": an_error(503, "SERVER_UNAVAILABLE"),
    "time-out before": httpx.ReadTimeout(""),
    "broken off before": httpx.RemoteProtocolError(""),
}
BEFORE = {**NEVER, **UNSEEN}
AFTER: dict[str, Fault] = {
    "time-out after": httpx.ReadTimeout(""),
    "broken off after": httpx.ReadError(""),
    "html after": httpx.Response(200, html="<html>"),
    "503 after": an_error(503, "SERVER_UNAVAILABLE"),
}
LOST = [*UNSEEN, *AFTER]
WAYS = {"row": 1, "collection": 3, "composite": 210, "bulk": 12}
BULK_OVER = 10
KEYED = [(way, op) for way in WAYS for op in ("update", "upsert", "delete")]
MOST_CALLS = 24  # four tries here, times four of the transport's, and a job's own calls


async def opened(world: World) -> tuple[FakeOrg, Org]:
    fake = FakeOrg(answers=[world.answer] * 400, tokens=FakeTokens([a_token() for _ in range(20)]))
    return fake, await fake.open()


def ids(world: World, count: int) -> list[str]:
    found = [to_18(f"003{n:012}") for n in range(count)]
    world.records |= {one: {"Key__c": f"k{n}", "Phone": "0"} for n, one in enumerate(found)}
    return found


async def written(org: Org, world: World, way: str, op: str) -> list[Outcome]:
    """Write as many records as take this way; leave twenty others alone."""
    known = ids(world, WAYS[way] + 20)[: WAYS[way]]
    bulk = Bulk(over=BULK_OVER if way == "bulk" else 100_000)
    if op == "delete":
        return await org.delete("Contact", known)
    if op == "update":
        records = [{"Id": one, "Phone": "1"} for one in known]
        return await org.update("Contact", records, bulk=bulk)
    keys = [{"Key__c": f"k{n * 2}", "Phone": "1"} for n in range(len(known))]
    return await org.upsert("Contact", "Key__c", keys, bulk=bulk)


def is_right(world: World, way: str, op: str) -> bool:
    """Tell whether the org holds what the write says, and nothing twice."""
    count, kept = WAYS[way], list(world.records.values())
    if op == "delete":
        return len(kept) == 20
    keys = [record["Key__c"] for record in kept]
    phones = [record["Phone"] for record in kept]
    return len(keys) == len(set(keys)) and phones.count("1") == count


PASSING = [name for name in (*NEVER, *LOST) if name != "concurrency"]


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize(("way", "op"), KEYED)
async def test_what_may_be_repeated_comes_out_right(fault: str, way: str, op: str) -> None:
    world = World(faults=[fault])
    fake, org = await opened(world)
    outcomes = await written(org, world, way, op)
    await fake.orgs.aclose()
    assert all(one.ok for one in outcomes)
    assert is_right(world, way, op)
    assert world.calls <= MOST_CALLS


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("op", ["update", "upsert"])
async def test_a_fault_at_any_step_of_a_job_comes_out_right(fault: str, step: int, op: str) -> None:
    world = World(faults=[""] * step + [fault])
    fake, org = await opened(world)
    outcomes = await written(org, world, "bulk", op)
    await fake.orgs.aclose()
    assert all(one.ok for one in outcomes)
    assert is_right(world, "bulk", op)
    assert world.calls <= MOST_CALLS
    loaded = [job for job in world.jobs.values() if "done" in job]
    assert len(loaded) == 1


@pytest.mark.parametrize("fault", [*PASSING, "concurrency"])
@pytest.mark.parametrize(("way", "op"), KEYED)
async def test_a_fault_that_stays_ends_in_few_calls(fault: str, way: str, op: str) -> None:
    world = World(always=fault)
    fake, org = await opened(world)
    outcomes = await written(org, world, way, op)
    await fake.orgs.aclose()
    assert world.calls <= MOST_CALLS
    if not (op == "delete" and fault in AFTER):  # the second time they are told to be gone
        assert all(isinstance(one.error, TransientError) for one in outcomes)
    keys = [record["Key__c"] for record in world.records.values()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("fault", [*PASSING, "concurrency"])
@pytest.mark.parametrize("way", ["row", "collection", "composite"])
@pytest.mark.parametrize("stays", [False, True])
async def test_a_create_is_never_made_twice(fault: str, way: str, *, stays: bool) -> None:
    world = World(always=fault) if stays else World(faults=[fault])
    fake, org = await opened(world)
    outcomes = await org.create("Contact", [{"Key__c": f"k{n}"} for n in range(WAYS[way])])
    await fake.orgs.aclose()
    keys = [record["Key__c"] for record in world.records.values()]
    assert len(keys) == len(set(keys))
    if fault in LOST:
        assert world.calls == 1
        assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes)
        assert len(keys) == (WAYS[way] if fault in AFTER else 0)
    elif fault == "concurrency":
        assert world.calls == 1
        assert all(isinstance(one.error, LimitError) for one in outcomes)
    elif stays:
        assert world.calls <= MOST_CALLS
        assert all(isinstance(one.error, TransientError) for one in outcomes)
        assert not keys
    else:
        assert all(one.ok for one in outcomes)
        assert len(keys) == WAYS[way]


async def test_a_limit_that_is_used_up_stops_at_once() -> None:
    world = World(faults=["concurrency"])
    fake, org = await opened(world)
    outcomes = await written(org, world, "composite", "update")
    await fake.orgs.aclose()
    assert all(isinstance(one.error, LimitError) for one in outcomes)
    assert world.calls == 1


CHANGES = st.lists(
    st.tuples(st.sampled_from("abcdeF"), st.sampled_from(["Phone", "Fax"]), st.integers(0, 9)),
    max_size=12,
)
FAULTS = st.lists(st.sampled_from(["", *LOST, "429", "lock"]), max_size=4)


@settings(deadline=None, max_examples=60)
@given(changes=CHANGES, faults=FAULTS, by_job=st.booleans())
def test_whatever_is_lost_the_org_ends_as_if_all_was_written_in_order(
    changes: list[tuple[str, str, int]], faults: list[str], *, by_job: bool
) -> None:
    expected: dict[str, Json] = {}
    for key, name, value in changes:
        expected.setdefault(key, {"Key__c": key})[name] = value

    async def write() -> list[Outcome]:
        fake, org = await opened(world)
        records = [{"Key__c": key, name: value} for key, name, value in changes]
        try:
            bulk = Bulk(over=1 if by_job else 1000)
            return await org.upsert("Contact", "Key__c", records, bulk=bulk)
        finally:
            await fake.orgs.aclose()

    world = World(faults=[*faults])
    outcomes = asyncio.run(write())
    assert all(one.ok for one in outcomes)
    assert len(outcomes) == len(changes)
    kept = {one["Key__c"]: as_texts(one) for one in world.records.values()}
    assert kept == {key: as_texts(one) for key, one in expected.items()}
    told = [one.record_id for one in outcomes]
    assert [world.records[one or ""]["Key__c"] for one in told] == [key for key, _, _ in changes]


def as_texts(record: Json) -> dict[str, str]:
    """Leave out cells that change nothing: a job's values are text."""
    return {name: str(value) for name, value in record.items() if value != ""}
