"""Writes and Bulk 2.0 jobs against the simulated org, over HTTP: what they cost and leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from crmlink_common.errors import (
    ConflictError,
    NotFoundError,
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.bulk_job import JobRef
from crmlink_common.salesforce.bulk_way import Bulk
from crmlink_common.salesforce.client import Org, SalesforceOrgs
from crmlink_common.salesforce.hosts import Hosts
from crmlink_common.salesforce.writes import WriteOptions

from .simulator_world import NAMES, World, people, running_org

pytestmark = pytest.mark.integration

BY_JOB = Bulk(over=50)


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, str]]:
    with running_org() as told:
        yield told


@pytest.fixture
async def world(told: dict[str, str]) -> AsyncIterator[World]:
    async with httpx.AsyncClient(base_url=told["url"], trust_env=False) as http:
        yield World(http, told)
        (await http.delete("/_sim")).raise_for_status()


@pytest.fixture
async def orgs(world: World) -> AsyncIterator[SalesforceOrgs]:
    async def soon(_: float) -> None:
        await asyncio.sleep(0.02)

    hosts = Hosts(frozenset({world.told["url"]}))
    async with SalesforceOrgs(world, client_name="tests", hosts=hosts, sleep=soon) as orgs:
        yield orgs


@pytest.fixture
async def org(orgs: SalesforceOrgs) -> Org:
    return await orgs.open("w1")


async def kept(org: Org, records: list[dict[str, Any]], field: str) -> list[object]:
    of = records[0]["Member_Id__c"].partition("-")[0]
    soql = f"SELECT {field} FROM Contact WHERE Member_Id__c LIKE '{of}-%'"  # noqa: S608 - SOQL
    pages = [page async for page in org.query_pages(soql, max_records=10_000)]
    return [record[field] for page in pages for record in page]


@pytest.mark.parametrize(("number", "calls"), [(1, 1), (200, 1), (201, 1), (1001, 2)])
async def test_a_write_costs_the_fewest_calls(
    world: World, org: Org, number: int, calls: int
) -> None:
    records = people(number)
    before = await world.calls()
    outcomes = await org.upsert("Contact", "Member_Id__c", records)
    assert all(one.ok and one.created for one in outcomes)
    assert await world.calls() - before == calls
    assert len(await kept(org, records, "Id")) == number


async def test_a_job_creates_and_updates_by_key(world: World, org: Org) -> None:
    told: list[JobRef] = []

    async def job_created(ref: JobRef) -> None:
        told.append(ref)
        assert (await org.ingest_jobs().look(ref)).state == "Open"

    bulk = Bulk(over=50, job_created=job_created)
    records = people(120, Email="a@x.example")
    first = await org.upsert("Contact", "Member_Id__c", records, bulk=bulk)
    assert all(one.ok and one.created for one in first)
    changed = [{**one, "LastName": "x" * 300 if n == 7 else "y"} for n, one in enumerate(records)]
    changed[8] = {"Member_Id__c": records[8]["Member_Id__c"].upper(), "Email": None}
    second = await org.upsert("Contact", "Member_Id__c", changed, bulk=bulk)
    assert [n for n, one in enumerate(second) if not one.ok] == [7]
    assert isinstance(second[7].error, PermanentError)
    assert not any(one.created for one in second)
    assert [one.record_id for n, one in enumerate(second) if n != 7] == [
        one.record_id for n, one in enumerate(first) if n != 7
    ]
    emails = await kept(org, records, "Email")
    assert sorted(map(str, emails)) == ["None", *["a@x.example"] * 119]
    assert len(told) == 2
    updates = [{"Id": one.record_id, "Phone": 'a\r\n"b", c'} for one in first]
    third = await org.update("Contact", updates, bulk=bulk)
    assert all(one.ok for one in third)
    assert set(await kept(org, records, "Phone")) == {'a\r\n"b", c'}


async def test_a_restart_reads_the_job_it_knows_of(orgs: SalesforceOrgs, org: Org) -> None:
    told: list[JobRef] = []

    async def job_created(ref: JobRef) -> None:
        told.append(ref)
        if len(told) == 1:
            raise KeyboardInterrupt  # as a process that dies before its upload

    records = people(80)
    bulk = Bulk(over=50, job_created=job_created)
    with pytest.raises(KeyboardInterrupt):
        await org.upsert("Contact", "Member_Id__c", records, bulk=bulk)
    again = await orgs.open("w1")
    jobs = again.ingest_jobs(delete_read=True)
    outcomes = await jobs.attach(told[0], records, within=60, job_created=job_created)
    assert all(one.ok and one.created for one in outcomes)
    assert (await jobs.look(told[0])).state == "Aborted"
    with pytest.raises(NotFoundError):
        await jobs.look(told[1])  # read and deleted
    assert len(await kept(org, records, "Id")) == 80


async def test_a_field_that_is_not_there_fails_the_job_and_each_record(org: Org) -> None:
    records = people(60, Nowhere__c="x")
    outcomes = await org.upsert("Contact", "Member_Id__c", records, bulk=BY_JOB)
    assert all(isinstance(one.error, PermanentError) for one in outcomes)
    assert {one.error.code for one in outcomes if one.error} == {"InvalidBatch"}


@pytest.mark.parametrize("number", [1, 3, 210, 60])
@pytest.mark.parametrize("fault", ["drop", "html"])
async def test_an_upsert_whose_answer_is_lost_comes_out_right(
    world: World, org: Org, number: int, fault: str
) -> None:
    records = people(number)
    bulk = BY_JOB if number == 60 else Bulk()
    await world.tell("answers", fault=fault, done=True, count=1)
    outcomes = await org.upsert("Contact", "Member_Id__c", records, bulk=bulk)
    assert all(one.ok for one in outcomes)
    assert len(await kept(org, records, "Id")) == number


@pytest.mark.parametrize("number", [1, 3, 210])
async def test_a_write_whose_answer_is_lost_is_done_once(
    world: World, org: Org, number: int
) -> None:
    records = people(number)
    await world.tell("answers", fault="drop", done=True, count=1)
    outcomes = await org.create("Contact", records)
    ids = [str(one) for one in await kept(org, records, "Id")]
    assert len(ids) == number
    await world.tell("answers", fault="drop", done=True, count=1)
    outcomes += await org.update("Contact", [{"Id": one, "Phone": "1"} for one in ids])
    assert await kept(org, records, "Phone") == ["1"] * number
    await world.tell("answers", fault="drop", done=True, count=1)
    outcomes += await org.delete("Contact", ids)
    assert await kept(org, records, "Id") == []
    assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes)


async def test_rows_that_are_locked_for_a_while_are_written(world: World, org: Org) -> None:
    records = people(30)
    await world.tell("locks", next=12)
    assert all(one.ok for one in await org.create("Contact", records))
    assert len(await kept(org, records, "Id")) == 30


async def test_a_row_that_stays_locked_may_be_tried_later(world: World, org: Org) -> None:
    records = people(3)
    ids = [one.record_id for one in await org.create("Contact", records)]
    await world.tell("locks", ids=[ids[1]], seconds=60)
    outcomes = await org.update("Contact", [{"Id": one, "Phone": "1"} for one in ids])
    assert [one.ok for one in outcomes] == [True, False, True]
    assert isinstance(outcomes[1].error, TransientError)


async def test_the_last_record_of_a_key_stands(org: Org) -> None:
    [first] = people(1)
    records = [first, {**first, "Phone": "1"}, {**first, "Phone": "2"}]
    outcomes = await org.upsert("Contact", "Member_Id__c", records)
    assert [one.created for one in outcomes] == [True, False, False]
    assert await kept(org, records, "Phone") == ["2"]


async def test_all_or_none_leaves_nothing_behind(org: Org) -> None:
    records = [*people(2), {"Phone": "no last name"}]
    options = WriteOptions(all_or_none=True)
    outcomes = await org.create("Contact", records, options=options)
    assert [type(one.error).__name__ for one in outcomes] == [
        "SalesforceTransientError",
        "SalesforceTransientError",
        "SalesforcePermanentError",
    ]
    assert await kept(org, records, "Id") == []


@pytest.mark.parametrize("number", [1, 3, 210])
async def test_what_a_duplicate_rule_warns_of_is_saved_when_allowed(
    world: World, org: Org, number: int
) -> None:
    twins = people(2, Email=f"twin{next(NAMES)}@x.example")
    assert all(one.ok for one in await org.create("Contact", twins[:1]))
    await world.tell("duplicate-rules", on=True)
    records = [*people(number - 1), {**twins[1], "LastName": twins[0]["LastName"]}]
    outcome = (await org.create("Contact", records))[-1]
    assert isinstance(outcome.error, ConflictError)
    assert len(outcome.error.duplicates) == 1
    records = [*people(number - 1), records[-1]]
    allowed = WriteOptions(allow_duplicates=True)
    assert all(one.ok for one in await org.create("Contact", records, options=allowed))


STEPS = {
    "create": {"method": "POST", "path": "*jobs/ingest"},
    "upload": {"method": "PUT", "path": "*/batches"},
    "close": {"method": "PATCH", "path": "*jobs/ingest/*"},
    "look": {"method": "GET", "path": "*jobs/ingest/750*"},
    "results": {"method": "GET", "path": "*/successfulResults"},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", ["503", "drop", "truncate"])
async def test_a_fault_at_a_step_of_a_job_comes_out_right(
    world: World, org: Org, step: str, fault: str
) -> None:
    records = people(60)
    if fault == "503":
        await world.tell("fail", status=503, count=1, **STEPS[step])
    else:
        await world.tell("answers", fault=fault, done=True, count=1, **STEPS[step])
    outcomes = await org.upsert("Contact", "Member_Id__c", records, bulk=BY_JOB)
    for setting in ("fail", "answers"):
        assert (await world.http.get(f"/_sim/{setting}")).json()["rules"] == []  # it has happened
    assert all(one.ok for one in outcomes)
    assert len(await kept(org, records, "Id")) == 60


async def test_update_only_never_creates(org: Org) -> None:
    records = people(1)
    options = WriteOptions(update_only=True)
    [outcome] = await org.upsert("Contact", "Member_Id__c", records, options=options)
    assert isinstance(outcome.error, NotFoundError)
    assert await kept(org, records, "Id") == []


@pytest.mark.parametrize("key", ["a@x.inc", "a/b@x.example", "ada+1@x.example"])
async def test_any_key_finds_its_record(org: Org, key: str) -> None:
    [record] = people(1, Email=f"{next(NAMES)}{key}")
    for created in (True, False):
        [outcome] = await org.upsert("Contact", "Email", [record], unique=False)
        assert (outcome.ok, outcome.created) == (True, created), outcome.error


async def test_several_records_of_one_key_are_a_conflict(org: Org) -> None:
    email = f"{next(NAMES)}@x"
    await org.create("Contact", people(2, Email=f"{email}.example"))
    [outcome] = await org.upsert(
        "Contact", "Email", [{"Email": f"{email}.example", "LastName": "n"}], unique=False
    )
    assert isinstance(outcome.error, ConflictError)


async def test_an_old_version_writes_row_by_row_in_composites(
    world: World, orgs: SalesforceOrgs
) -> None:
    world.version = "45.0"
    org = await orgs.open("w1")
    records = people(30)
    before = await world.calls()
    created = await org.upsert("Contact", "Member_Id__c", records)
    updated = await org.upsert("Contact", "Member_Id__c", records)
    assert [one.created for one in created + updated] == [True] * 30 + [False] * 30
    assert await world.calls() - before == 4
    assert len(await kept(org, records, "Id")) == 30


async def test_a_query_job_gives_all_rows_page_by_page(org: Org) -> None:
    records = people(250)
    await org.create("Contact", records)
    jobs = org.query_jobs()
    of = records[0]["Member_Id__c"].partition("-")[0]
    soql = f"SELECT Id, LastName FROM Contact WHERE Member_Id__c LIKE '{of}-%'"  # noqa: S608 - SOQL
    ref = await jobs.begin(soql)
    assert await jobs.ended(ref, within=30) is not None
    rows = [row async for part in jobs.pages(ref, max_rows=1000, rows_per_page=100) for row in part]
    assert sorted(row["lastname"] for row in rows) == sorted(one["LastName"] for one in records)
    assert sum([len(part) async for part in jobs.pages(ref, max_rows=130)]) == 130
    await jobs.delete(ref)
