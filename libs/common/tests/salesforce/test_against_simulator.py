"""The client against the simulated org, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import pytest

from crmlink_common.errors import ConflictError, NotFoundError, PermanentError, TransientError
from crmlink_common.salesforce.client import Org, QueryResult, SalesforceError
from crmlink_common.salesforce.soql import bounded, quote, select, split_in

pytestmark = pytest.mark.integration


class LoggedIn(Protocol):
    """The fixture's tokens, as these tests use them."""

    failed: list[str]

    async def revoke_access(self) -> None: ...
    async def fail(self, status: int, count: int) -> None: ...


def people(count: int, of: str) -> list[dict[str, object]]:
    return [
        {"LastName": f"Ö'{of} {n}", "Email": f"{of}{n}@x.example", "Member_Id__c": f"{of}-{n}"}
        for n in range(count)
    ]


async def test_all_pages_of_a_query_are_read(org: Org) -> None:
    first = await org.query("SELECT Id FROM Contact")
    assert first.total_size >= 2500
    assert not first.done
    ids = [r["Id"] async for page in all_pages(org) for r in page]
    assert len(set(ids)) == len(ids) == first.total_size
    assert org.usage is not None
    assert org.server_time is not None


def all_pages(org: Org) -> AsyncIterator[list[dict[str, object]]]:
    return org.query_pages("SELECT Id, Account.Name FROM Contact", max_records=100_000)


async def test_a_bounded_query_is_understood(org: Org) -> None:
    asked = bounded("select Id, (select Id from Contacts) from Account // all", 3)
    page = await org.query(asked.query)
    assert len(page.records) == 3
    assert asked.countable is not None
    assert (await org.query(asked.countable)).total_size >= 20


async def test_records_are_created_updated_and_read_back(org: Org) -> None:
    created = await org.create("Contact", people(450, "c"))
    assert all(outcome.ok and outcome.created for outcome in created)
    ids = [outcome.record_id or "" for outcome in created]
    updated = await org.update("Contact", [{"Id": one, "Phone": "1"} for one in ids[:250]])
    assert [outcome.record_id for outcome in updated] == ids[:250]
    found = await org.retrieve("Contact", [*ids, "003000000000000AAA"], ["LastName", "Phone"])
    assert [found[one]["LastName"] for one in ids] == [f"Ö'c {n}" for n in range(450)]
    assert [found[one]["Phone"] for one in (ids[249], ids[250])] == ["1", None]
    where = f"LastName = {quote(str(found[ids[7]]['LastName']))}"
    assert [r["Id"] for r in (await org.query(select(["Id"], "Contact", where=where))).records] == [
        ids[7]
    ]


async def test_an_upsert_creates_once(org: Org) -> None:
    records = people(3, "u")
    outcomes = [await org.upsert("Contact", "Member_Id__c", records) for _ in range(2)]
    assert [[o.created for o in some] for some in outcomes] == [[True] * 3, [False] * 3]
    assert [o.record_id for o in outcomes[0]] == [o.record_id for o in outcomes[1]]


async def test_each_record_fails_alone(org: Org) -> None:
    await org.create("Contact", people(1, "f"))
    without_name: list[dict[str, object]] = [{"Email": "f@x.example"}]
    outcomes = await org.create("Contact", [*people(1, "g"), *without_name, *people(1, "f")])
    assert outcomes[0].ok
    assert isinstance(outcomes[1].error, PermanentError)
    assert outcomes[1].error.fields == ("LastName",)
    assert isinstance(outcomes[2].error, ConflictError)
    [gone] = await org.update("Contact", [{"Id": "003000000000000AAA", "Phone": "1"}])
    assert isinstance(gone.error, NotFoundError)


async def test_many_queries_are_answered_in_order(org: Org) -> None:
    emails = [f"m{n}@x.example" for n in range(300)]
    await org.create("Contact", people(300, "m"))
    lists = split_in(emails, 1000)
    soqls = [select(["Email"], "Contact", where=f"Email IN {one}") for one in lists]
    results = await org.query_many([*soqls, "SELECT Nothing FROM Contact"])
    pages = [r for r in results if isinstance(r, QueryResult)]
    assert sorted(r["Email"] for page in pages for r in page.records) == sorted(emails)
    assert len(pages) == len(soqls) > 5
    assert isinstance(results[-1], SalesforceError)
    assert results[-1].salesforce_code == "INVALID_FIELD"


async def test_a_long_query_gets_through(org: Org) -> None:
    [one] = split_in([f"l{n}@x.example" for n in range(2000)], 90_000)
    page = await org.query(select(["Id"], "Contact", where=f"Email IN {one}"))
    assert page.total_size == 0


async def test_the_org_describes_itself(org: Org) -> None:
    described = await org.describe("Contact")
    assert {"LastName", "Member_Id__c"} <= {field["name"] for field in described["fields"]}
    assert (await org.limits())["DailyApiRequests"]["Max"] > 0
    assert (await org.identity())["organization_id"] == org.org_id
    with pytest.raises(NotFoundError):
        await org.describe("Nothing__c")
    with pytest.raises(NotFoundError):
        await org.get("Contact", "003000000000000AAA", ["Id"])


async def test_a_token_that_ended_is_refreshed_in_the_middle_of_the_work(
    org: Org, logged_in: LoggedIn
) -> None:
    await org.limits()
    await logged_in.revoke_access()
    [outcome] = await org.create("Contact", people(1, "t"))
    assert outcome.ok
    assert len(logged_in.failed) == 1


async def test_trouble_that_passes_is_waited_out_and_lasting_trouble_told(
    org: Org, logged_in: LoggedIn
) -> None:
    await logged_in.fail(503, 2)
    assert await org.limits()
    await logged_in.fail(503, 4)
    with pytest.raises(TransientError):
        await org.limits()
