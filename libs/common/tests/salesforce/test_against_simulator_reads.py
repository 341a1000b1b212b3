"""What the client reads of the simulated org, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from crmlink_common.errors import ConflictError, NotFoundError, PermanentError
from crmlink_common.salesforce.client import Org
from crmlink_common.salesforce.composite import Subrequest
from crmlink_common.salesforce.searches import Search, SearchIn
from crmlink_common.salesforce.versions import choose_version

pytestmark = pytest.mark.integration
CHILDREN = "SELECT Id, (SELECT Id FROM Contacts) FROM Account WHERE Name = 'Large Ltd'"


async def test_the_org_offers_versions_and_the_wanted_one_is_chosen(org: Org) -> None:
    """Facts §0."""
    offered = [one.number for one in await org.versions()]
    assert offered[0] == "31.0"
    assert choose_version("59.0", offered) == "59.0"
    assert choose_version("newest", offered) == offered[-1]


async def test_who_is_connected_is_told_twice_the_same(org: Org) -> None:
    told = await org.identity()
    again = await org.identity_of(told["user_id"])
    assert again["user_id"] == told["user_id"]
    assert again["organization_id"] == org.org_id


async def test_limits_and_counts_are_told(org: Org) -> None:
    daily = (await org.allocations())["DailyApiRequests"]
    assert 0 < daily.remaining <= daily.maximum
    counts = await org.record_counts(["Contact", "Account"])
    assert counts["Contact"] >= 2500
    assert org.usage is not None
    assert org.usage.limit == daily.maximum


async def test_objects_are_described_and_kept(org: Org) -> None:
    names = [one["name"] for one in (await org.describe_global())["sobjects"]]
    assert {"Contact", "Lead"} <= set(names)
    fields = {one["name"]: one for one in (await org.describe("Contact"))["fields"]}
    assert fields["Email"]["idLookup"] is True
    used = org.usage
    await org.describe("Contact")
    assert org.usage == used


async def test_a_record_is_read_by_id_and_by_external_id(org: Org) -> None:
    """Facts §5."""
    email = "ext.id@x.example"
    created = await org.create("Contact", [{"LastName": "E", "Email": email}] * 2)
    first = created[0].record_id or ""
    assert await org.get("Contact", first, ["Email"]) == {"Id": first, "Email": email}
    with pytest.raises(ConflictError) as caught:
        await org.get_by_external_id("Contact", "Email", email)
    assert set(caught.value.duplicates) == {one.record_id for one in created}  # type: ignore[attr-defined]
    await org.delete("Contact", [first])
    found = await org.get_by_external_id("Contact", "Email", email, ["Id", "LastName"])
    assert found == {"Id": created[1].record_id, "LastName": "E"}
    with pytest.raises(NotFoundError):
        await org.get_by_external_id("Contact", "Email", "nobody@x.example")


async def test_what_changed_and_what_was_deleted_is_told(org: Org) -> None:
    """Facts §10."""
    created = await org.create("Lead", [{"LastName": f"U{n}", "Company": "C"} for n in range(2)])
    kept, gone = (one.record_id or "" for one in created)
    await org.delete("Lead", [gone])
    now = org.server_time or datetime.now(UTC)
    start, end = now - timedelta(hours=1), now + timedelta(minutes=2)
    updated = await org.updated("Lead", start, end)
    assert kept in updated.ids
    assert updated.latest_date_covered <= end
    deleted = await org.deleted("Lead", start, end)
    assert gone in deleted.at
    assert deleted.earliest_date_available <= deleted.at[gone] <= now + timedelta(minutes=2)
    with pytest.raises(PermanentError) as caught:
        await org.updated("Lead", now - timedelta(days=40), now)
    assert caught.value.code == "INVALID_REPLICATION_DATE"


async def test_a_search_finds_by_words_in_both_forms(org: Org) -> None:
    """Facts §4."""
    [made] = await org.create("Contact", [{"LastName": "Quizzical", "FirstName": "Ann"}])
    found = await org.search("FIND {quizzical} IN NAME FIELDS RETURNING Contact(Id, LastName)")
    assert [(one.sobject, one.record["Id"]) for one in found] == [("Contact", made.record_id)]
    where = SearchIn(sobject="Contact", fields=["Id"], limit=5)
    again = await org.parameterized_search(Search(term="Quizzical", sobjects=[where]))
    assert [one.record["Id"] for one in again] == [made.record_id]
    with pytest.raises(PermanentError) as caught:
        await org.search("FIND quizzical")
    assert caught.value.code == "MALFORMED_SEARCH"


async def test_an_answer_inside_a_composite_is_used_by_the_next(org: Org) -> None:
    """Facts §6."""
    account = Subrequest("POST", org.data_path("sobjects/Account"), {"Name": "Made"}, "made")
    contact = Subrequest(
        "POST", org.data_path("sobjects/Contact"), {"LastName": "M", "AccountId": "@{made.id}"}
    )
    one, other = await org.composite([account, contact], repeatable=False)
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    found = await org.get("Contact", other["id"], ["AccountId"])
    assert found["AccountId"] == one["id"]


async def test_children_beyond_a_page_are_followed(org: Org) -> None:
    """Facts §3: child rows count towards the size of a page."""
    [account] = await org.create("Account", [{"Name": "Large Ltd"}])
    people = [{"LastName": f"L{n}", "AccountId": account.record_id} for n in range(450)]
    await org.create("Contact", people)
    page = await org.query(CHILDREN, page_size=200)
    [whole] = await org.with_children(page.records, max_children=2000)
    assert len({one["Id"] for one in whole["Contacts"]["records"]}) == 450
    assert whole["Contacts"]["done"] is True


async def test_an_answer_is_streamed(org: Org) -> None:
    path = org.data_path("query?q=SELECT+Id,+Name+FROM+Contact")
    async with org.receive("GET", path, largest=10_000_000) as answer:
        parts = [part async for part in answer.parts()]
    assert b"".join(parts).startswith(b"{")
    assert org.usage is not None


async def test_calls_at_the_same_time_share_a_few_connections(org: Org) -> None:
    told = await asyncio.gather(*(org.limits() for _ in range(40)))
    assert len(told) == 40
