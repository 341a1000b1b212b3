"""What an org tells of itself, its objects and its changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from crmlink_common.errors import ConflictError, InvalidInputError, PermanentError, TransientError
from crmlink_common.salesforce.describe import Described, Descriptions
from crmlink_common.salesforce.fakes import FakeOrg, an_error
from crmlink_common.salesforce.limits import Allocation
from crmlink_common.salesforce.rows import Deleted, Updated
from crmlink_common.salesforce.searches import Found, Search, SearchIn
from crmlink_common.salesforce.versions import Version

ID, OTHER = "001dM00003jU9GxQAK", "a01M00000062mPgIAI"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONTACT = {"attributes": {"type": "Contact", "url": "/x"}, "Id": ID}


async def test_versions_are_asked_without_a_token(fake: FakeOrg) -> None:
    fake.answers = [[{"label": "Winter '24", "url": "/x", "version": "59.0"}], {"no": "list"}]
    org = await fake.open()
    assert await org.versions() == [Version("59.0", "Winter '24")]
    assert "authorization" not in fake.asked[0].headers
    with pytest.raises(TransientError):
        await org.versions()


async def test_the_identity_url_is_asked_of_the_instance(fake: FakeOrg) -> None:
    fake.answers = [{"user_id": "005"}]
    org = await fake.open()
    assert await org.identity_of("005x00000012Q9P") == {"user_id": "005"}
    assert fake.asked[0].url.path == "/id/00D000000000001EAA/005x00000012Q9PAAU"


async def test_limits_and_counts_are_numbers(fake: FakeOrg) -> None:
    fake.answers = [
        {"DailyApiRequests": {"Max": 15000, "Remaining": 1}},
        {"sObjects": [{"count": 2, "name": "Contact"}]},
        {"sObjects": 7},
    ]
    org = await fake.open()
    assert await org.allocations() == {"DailyApiRequests": Allocation(15000, 1)}
    assert await org.record_counts(["Contact", "Care_Plan__c"]) == {"Contact": 2}
    assert fake.asked[1].url.query == b"sObjects=Contact,Care_Plan__c"
    with pytest.raises(TransientError):
        await org.record_counts([])


async def test_the_list_of_objects_is_kept_like_a_description(fake: FakeOrg) -> None:
    told = {"sobjects": [{"name": "Contact"}]}
    fake.answers = [
        httpx.Response(200, json=told, headers={"etag": '"e1"', "date": "any"}),
        httpx.Response(304),
    ]
    org = await fake.open()
    for _ in range(2):
        assert await org.describe_global() == told
        assert await org.describe_global() == told
        fake.now += timedelta(seconds=61)
    assert [one.headers.get("if-none-match") for one in fake.asked] == [None, '"e1"']


def test_descriptions_are_bounded_in_size() -> None:
    kept = Descriptions(lambda: NOON, largest=100)
    for n in range(4):
        kept.keep(("w", "o", 1, "59.0", f"X{n}"), Described({"n": n}, size=40))
        kept.keep(("w", "o", 1, "59.0", f"X{n}"), Described({"n": n}, size=40))
    names = [n for n in range(4) if kept.find(("w", "o", 1, "59.0", f"X{n}"))]
    assert names == [2, 3]
    assert kept.keep(("w", "o", 1, "59.0", "huge"), Described({"n": 9}, size=101)) == {"n": 9}
    assert kept.find(("w", "o", 1, "59.0", "huge")) is None


async def test_a_record_is_read_by_an_external_id(fake: FakeOrg) -> None:
    fake.answers = [CONTACT, httpx.Response(300, json=[f"/services/data/v59.0/sobjects/C/{ID}"])]
    org = await fake.open()
    assert await org.get_by_external_id("Contact", "Key__c", "a/b c?", ["Id"]) == {"Id": ID}
    path = b"/services/data/v59.0/sobjects/Contact/Key__c/a%2Fb%20c%3F?fields=Id"
    assert fake.asked[0].url.raw_path == path
    with pytest.raises(ConflictError) as caught:
        await org.get_by_external_id("Contact", "Key__c", "x")
    assert caught.value.duplicates == (ID,)  # type: ignore[attr-defined]
    for value in ("", ".", ".."):
        with pytest.raises(InvalidInputError):
            await org.get_by_external_id("Contact", "Key__c", value)


async def test_very_many_fields_are_named_in_a_body(fake: FakeOrg) -> None:
    answer = {"httpStatusCode": 200, "referenceId": "r0", "body": CONTACT}
    refused = {"httpStatusCode": 404, "referenceId": "r0", "body": [{"errorCode": "NOT_FOUND"}]}
    fake.answers = [{"compositeResponse": [one]} for one in (answer, refused)]
    org = await fake.open()
    fields = [f"Field_{n}__c" for n in range(400)]
    assert await org.get("Contact", ID, fields) == {"Id": ID}
    with pytest.raises(PermanentError):
        await org.get("Contact", ID, fields)


async def test_what_changed_is_told_up_to_a_time(fake: FakeOrg) -> None:
    """Facts §10: getUpdated, getDeleted."""
    covered = "2026-11-24T11:59:00.000+0000"
    fake.answers = [
        {"ids": [ID[:15]], "latestDateCovered": covered},
        {
            "deletedRecords": [{"id": OTHER, "deletedDate": covered}],
            "earliestDateAvailable": "2026-11-01T00:00:00.000+0000",
            "latestDateCovered": covered,
        },
        {"ids": "none"},
        {"deletedRecords": []},
    ]
    org = await fake.open()
    start, end = NOON - timedelta(hours=1), NOON.astimezone(timezone(timedelta(hours=2)))
    at = datetime(2026, 11, 24, 11, 59, tzinfo=UTC)
    assert await org.updated("Contact", start, end) == Updated([ID], at)
    first = datetime(2026, 11, 1, tzinfo=UTC)
    assert await org.deleted("Contact", start, end) == Deleted({OTHER: at}, first, at)
    assert fake.asked[0].url.raw_path == (
        b"/services/data/v59.0/sobjects/Contact/updated/"
        b"?start=2026-11-24T11%3A00%3A00%2B00%3A00&end=2026-11-24T12%3A00%3A00%2B00%3A00"
    )
    for ask in (org.updated, org.deleted):
        with pytest.raises(TransientError):
            await ask("Contact", start, end)
    with pytest.raises(InvalidInputError):
        await org.updated("Contact", NOON, NOON)
    with pytest.raises(InvalidInputError):
        await org.deleted("Contact", NOON.replace(tzinfo=None), end)


@pytest.mark.parametrize("told", [[CONTACT], {"searchRecords": [CONTACT]}])
async def test_a_search_tells_of_which_object_each_record_is(fake: FakeOrg, told: object) -> None:
    """Facts §4: an object since 37.0, a list before."""
    fake.answers = [told]
    found = await (await fake.open()).search("FIND {Ada & Co} RETURNING Contact(Id)")
    assert found == [Found("Contact", {"Id": ID})]
    assert b"q=FIND%20%7BAda%20%26%20Co%7D" in fake.asked[0].url.raw_path


async def test_a_long_search_goes_in_a_body(fake: FakeOrg) -> None:
    body: dict[str, Any] = {"searchRecords": []}
    answers = [
        {"httpStatusCode": 200, "referenceId": "r0", "body": body},
        {"httpStatusCode": 400, "referenceId": "r0", "body": [{"errorCode": "MALFORMED_SEARCH"}]},
    ]
    fake.answers = [*({"compositeResponse": [one]} for one in answers), {"searchRecords": [7]}]
    org = await fake.open()
    assert await org.search("FIND {" + "x" * 4000 + "}") == []
    with pytest.raises(PermanentError):
        await org.search("FIND {" + "x" * 4000 + "}")
    with pytest.raises(TransientError):
        await org.search("FIND {x}")


async def test_a_search_by_parameters_says_where_to_look(fake: FakeOrg) -> None:
    fake.answers = [an_error(503), {"searchRecords": []}]
    search = Search(
        term="Ada (*",
        within="PHONE",
        sobjects=[SearchIn(sobject="Contact", fields=["Id", "Name"], where="Id != null", limit=5)],
        fields=["Id"],
    )
    assert await (await fake.open()).parameterized_search(search) == []
    assert fake.bodies()[1] == {
        "q": "Ada (*",
        "in": "PHONE",
        "fields": ["Id"],
        "sobjects": [
            {"name": "Contact", "fields": ["Id", "Name"], "where": "Id != null", "limit": 5}
        ],
        "overallLimit": 2000,
        "defaultLimit": 200,
    }


@pytest.mark.parametrize(
    "search",
    [
        Search(term="x", within="EVERYTHING"),
        Search(term="x", overall_limit=2001),
        Search(term="x", fields=["Id, Name"]),
        Search(term="x", sobjects=[SearchIn(sobject="Contact(Id)")]),
    ],
)
async def test_a_search_that_salesforce_would_refuse_is_not_sent(
    fake: FakeOrg, search: Search
) -> None:
    with pytest.raises(InvalidInputError):
        await (await fake.open()).parameterized_search(search)
    assert fake.asked == []


def children(*ids: str, total: int, following: str | None = None) -> dict[str, Any]:
    told = {"totalSize": total, "done": following is None, "records": [{"Id": i} for i in ids]}
    return told if following is None else {**told, "nextRecordsUrl": following}


async def test_further_pages_of_children_are_followed_at_every_depth(fake: FakeOrg) -> None:
    """Facts §3: subquery results are nested pages, or null."""
    more = "/services/data/v59.0/query/0r8-1"
    inner = children("i1", total=2, following=more)
    page = {"totalSize": 2, "done": True, "records": [{"Id": "c2", "Cases": inner}]}
    fake.answers = [page, {"totalSize": 2, "done": True, "records": [{"Id": "i2"}]}]
    org = await fake.open()
    record = {"Id": "a", "None": None, "Contacts": children("c1", total=2, following=more)}
    [told] = await org.with_children([record], max_children=10)
    assert [one["Id"] for one in told["Contacts"]["records"]] == ["c1", "c2"]
    assert told["Contacts"]["done"] is True
    assert [one["Id"] for one in told["Contacts"]["records"][1]["Cases"]["records"]] == ["i1", "i2"]
    assert "nextRecordsUrl" not in told["Contacts"]


async def test_children_beyond_the_bound_are_left_and_that_is_told(fake: FakeOrg) -> None:
    more = "/services/data/v59.0/query/0r8-1"
    fake.answers = [{"totalSize": 4, "done": True, "records": [{"Id": "2"}, {"Id": "3"}]}]
    org = await fake.open()
    records = [{"X": children("1", total=4, following=more)}] * 2
    first, second = await org.with_children(records, max_children=1)
    assert [one["Id"] for one in first["X"]["records"]] == ["1", "2"]
    assert (first["X"]["done"], second["X"]["done"]) == (False, False)
    assert len(fake.asked) == 1


async def test_a_wish_for_smaller_pages_is_told(fake: FakeOrg) -> None:
    page = {"totalSize": 0, "done": True, "records": []}
    fake.answers = [page, page]
    org = await fake.open()
    await org.query("SELECT Id FROM A", page_size=200)
    await org.query("SELECT Id FROM A")
    told = [one.headers.get("sforce-query-options") for one in fake.asked]
    assert told == ["batchSize=200", None]
