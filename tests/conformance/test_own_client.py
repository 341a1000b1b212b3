"""Our own client in the scenarios of the public ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from crmlink_common.errors import ConflictError, NotFoundError, PermanentError
from crmlink_common.salesforce.bulk_way import Bulk
from crmlink_common.salesforce.client import Org
from crmlink_common.salesforce.searches import Search, SearchIn
from crmlink_common.salesforce.soql import SoqlError, bounded

from .own_client import Logins, opened
from .world import Control, SimulatedOrg

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def own(org: SimulatedOrg, logins: Logins) -> AsyncIterator[Org]:
    async with opened(org, logins, client_name="own") as (client, _):
        yield client


def named(last: str) -> str:
    return f"SELECT Id, FirstName, LastName FROM Contact WHERE LastName = '{last}'"  # noqa: S608 - SOQL


async def test_a_record_lives_from_create_to_delete(own: Org, name: Names) -> None:
    last = name()
    [made] = await own.create("Contact", [{"LastName": last}])
    assert (made.ok, made.created) == (True, True)
    assert made.record_id is not None
    [changed] = await own.update("Contact", [{"Id": made.record_id, "FirstName": "Ada"}])
    assert changed.ok
    found = await own.get("Contact", made.record_id, ["FirstName", "LastName"])
    assert (found["FirstName"], found["LastName"]) == ("Ada", last)
    [gone] = await own.delete("Contact", [made.record_id])
    assert gone.ok
    with pytest.raises(NotFoundError):
        await own.get("Contact", made.record_id)


async def test_an_upsert_creates_then_updates(own: Org, name: Names) -> None:
    key = name()
    record = {"Member_Id__c": key, "LastName": "First"}
    [first] = await own.upsert("Contact", "Member_Id__c", [record])
    [again] = await own.upsert("Contact", "Member_Id__c", [{**record, "LastName": "Second"}])
    assert (first.created, again.created) == (True, False)
    assert again.record_id == first.record_id
    found = await own.get_by_external_id("Contact", "Member_Id__c", key)
    assert found["LastName"] == "Second"


@fact("F2.32", "F5.8")
async def test_an_ambiguous_key_is_a_conflict(own: Org, name: Names) -> None:
    email = f"{name()}@example.com"
    await own.create("Contact", [{"LastName": "Twin", "Email": email}] * 2)
    [told] = await own.upsert("Contact", "Email", [{"Email": email, "LastName": "x"}], unique=False)
    assert isinstance(told.error, ConflictError)


async def test_each_record_has_its_own_outcome(own: Org, name: Names) -> None:
    last = name()
    records: list[dict[str, object]] = [{"LastName": last} for _ in range(450)]
    records[7] = {"FirstName": "nameless"}
    records[444] = {"LastName": last, "Email": "nobody"}
    told = await own.create("Contact", records)
    assert [n for n, one in enumerate(told) if not one.ok] == [7, 444]
    assert told[7].error is not None
    assert told[7].error.salesforce_code == "REQUIRED_FIELD_MISSING"
    assert isinstance(told[444].error, PermanentError)
    seen = [row async for page in own.query_pages(named(last), max_records=1000) for row in page]
    assert len(seen) == 448


@fact("F3.9", "F3.11")
async def test_pages_are_read_to_their_end(own: Org, name: Names) -> None:
    last = name()
    await own.create("Contact", [{"LastName": last} for _ in range(450)])
    page = await own.query(named(last), page_size=200)
    rows = list(page.records)
    while page.next_path is not None:
        page = await own.query_more(page.next_path)
        rows += page.records
    assert len({row["Id"] for row in rows}) == 450


@fact("F3.47", "F3.48", "F3.49")
async def test_a_bounded_query_returns_no_more_than_its_bound(own: Org, name: Names) -> None:
    last = name()
    await own.create("Contact", [{"LastName": last} for _ in range(30)])
    for end in ("", " LIMIT 25", " ORDER BY Id /* LIMIT 3 */", " ORDER BY Id OFFSET 2"):
        told = await own.query(bounded(named(last) + end, 10).query)
        assert len(told.records) == 10
    children = "SELECT Id, (SELECT Id FROM Contacts) FROM Account ORDER BY Name"
    told = await own.query(bounded(children, 2).query)
    assert len(told.records) == 2
    assert all(len((row["Contacts"] or {"records": []})["records"]) <= 2 for row in told.records)
    counted = await own.query(
        bounded(f"SELECT COUNT() FROM Contact WHERE LastName = '{last}'", 5).query  # noqa: S608 - SOQL
    )
    assert counted.total_size == 30


@fact("F3.32")
@pytest.mark.parametrize(
    "end",
    ["FOR VIEW", "FOR REFERENCE", "FOR UPDATE", "UPDATE TRACKING", "UPDATE VIEWSTAT", "for  view"],
)
def test_a_bounded_query_neither_writes_nor_locks(end: str) -> None:
    with pytest.raises(SoqlError) as refused:
        bounded(f"SELECT Id FROM Contact LIMIT 1 {end}", 10)  # noqa: S608 - SOQL
    assert refused.value.code.startswith("refused_")


async def test_descriptions_limits_and_counts(own: Org) -> None:
    told = await own.describe("Contact")
    assert told["name"] == "Contact"
    assert await own.describe("Contact") is told
    names = {one["name"] for one in (await own.describe_global())["sobjects"]}
    assert {"Account", "Contact", "Lead"} <= names
    assert (await own.limits())["DailyApiRequests"]["Max"] == 100_000
    assert own.usage is not None
    assert 0 < own.usage.used <= own.usage.limit
    assert (await own.record_counts(["Contact"]))["Contact"] > 0
    assert (await own.identity())["organization_id"][:15] == own.org_id[:15]
    assert next(one.number for one in await own.versions()) == "31.0"


async def test_ids_are_read_together(own: Org, name: Names) -> None:
    made = await own.create("Contact", [{"LastName": name()} for _ in range(5)])
    ids = [str(one.record_id) for one in made]
    found = await own.retrieve("Contact", [*ids, "003000000000001AAA"], ["LastName"])
    assert sorted(found) == sorted(ids)


async def test_search_finds_by_words(own: Org, name: Names) -> None:
    last = name()
    [made] = await own.create("Contact", [{"LastName": last}])
    [found] = await own.search(f"FIND {{{last}}} RETURNING Contact(Id)")
    assert (found.sobject, found.record["Id"]) == ("Contact", made.record_id)
    by_parameters = Search(term=last, sobjects=[SearchIn(sobject="Contact", fields=["Id"])])
    [again] = await own.parameterized_search(by_parameters)
    assert again.record["Id"] == made.record_id


async def test_updated_and_deleted_records_are_told(own: Org, name: Names) -> None:
    kept, gone = await own.create("Contact", [{"LastName": name()} for _ in range(2)])
    await own.delete("Contact", [str(gone.record_id)])
    now = datetime.now(UTC)
    updated = await own.updated("Contact", now - 60 * MINUTE, now + 2 * MINUTE)
    assert kept.record_id in updated.ids
    deleted = await own.deleted("Contact", now - 60 * MINUTE, now + 2 * MINUTE)
    assert gone.record_id in deleted.at


async def test_bulk_2_writes_and_reads(own: Org, name: Names) -> None:
    last = name()
    records: list[dict[str, object]] = [
        {"Member_Id__c": f"{last}{n}", "LastName": last} for n in range(50)
    ]
    records[9]["Email"] = "nobody"
    begun: list[str] = []

    async def keep(ref: object) -> None:
        begun.append(repr(ref))

    told = await own.upsert(
        "Contact", "Member_Id__c", records, bulk=Bulk(over=10, within=30, job_created=keep)
    )
    assert len(begun) == 1
    assert [n for n, one in enumerate(told) if not one.ok] == [9]
    jobs = own.query_jobs()
    ref = await jobs.begin(f"SELECT Id, LastName FROM Contact WHERE LastName = '{last}'")  # noqa: S608 - SOQL
    assert await jobs.ended(ref, within=30)
    rows = [row async for page in jobs.pages(ref, max_rows=100, rows_per_page=20) for row in page]
    assert len({row["id"] for row in rows}) == 49


async def test_an_ended_session_is_renewed_once(own: Org, logins: Logins, control: Control) -> None:
    await own.limits()
    before = len(logins.failed)
    control.tell("fail", {"count": 1, "status": 401, "client": "own"})
    assert await own.limits()
    assert len(logins.failed) == before + 1
