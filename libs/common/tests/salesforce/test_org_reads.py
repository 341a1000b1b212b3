from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from crmlink_common.errors import (
    InvalidInputError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from crmlink_common.salesforce.client import QueryResult, SalesforceError
from crmlink_common.salesforce.fakes import FakeOrg, an_error
from crmlink_common.salesforce.limits import ApiUsage

SOQL = "SELECT Id FROM Contact"
ATTRIBUTES = {"type": "Contact", "url": "/services/data/v59.0/sobjects/Contact/1"}


def a_page(*ids: str, total: int | None = None, following: str | None = None) -> dict[str, Any]:
    page: dict[str, Any] = {
        "totalSize": len(ids) if total is None else total,
        "done": following is None,
        "records": [{"attributes": ATTRIBUTES, "Id": one} for one in ids],
    }
    return page if following is None else {**page, "nextRecordsUrl": following}


def a_composite(*bodies: object, status: int = 200) -> dict[str, Any]:
    answers = [
        {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": f"r{n}"}
        for n, body in enumerate(bodies)
    ]
    return {"compositeResponse": answers[::-1]}


async def test_a_query_names_us_and_shows_the_token(fake: FakeOrg) -> None:
    fake.answers = [a_page("1")]
    org = await fake.open()
    assert await org.query(SOQL) == QueryResult([{"Id": "1"}], 1, done=True)
    [request] = fake.asked
    assert str(request.url).startswith("https://org.example/services/data/v59.0/query?q=")
    assert parse_qs(request.url.query.decode())["q"] == [SOQL]
    assert request.headers["authorization"] == "Bearer secret-t1"
    assert request.headers["sforce-call-options"] == "client=tests"
    assert request.headers["accept-encoding"] == "gzip"


async def test_what_a_query_contains_stays_inside_its_parameter(fake: FakeOrg) -> None:
    fake.answers = [a_page()]
    soql = "SELECT Id FROM Contact WHERE LastName = 'A+B & C=é#?' AND CreatedDate > 2026-01-01"
    await (await fake.open()).query(soql, include_deleted=True)
    assert fake.asked[0].url.path == "/services/data/v59.0/queryAll"
    assert parse_qs(fake.asked[0].url.query.decode(), keep_blank_values=True) == {"q": [soql]}


async def test_a_long_query_goes_in_a_body(fake: FakeOrg) -> None:
    fake.answers = [a_composite(a_page("1")), a_composite([{"errorCode": "X"}], status=400)]
    org = await fake.open()
    soql = f"{SOQL} WHERE Name = '{'x' * 4000}'"
    assert (await org.query(soql)).records == [{"Id": "1"}]
    assert fake.asked[0].url.path == "/services/data/v59.0/composite"
    with pytest.raises(PermanentError):
        await org.query(soql)


async def test_nested_records_lose_their_attributes_too(fake: FakeOrg) -> None:
    child = {"totalSize": 1, "done": True, "records": [{"attributes": ATTRIBUTES, "Id": "2"}]}
    record = {"attributes": ATTRIBUTES, "Account": {"attributes": {}, "Name": "A"}, "Cases": child}
    fake.answers = [{"totalSize": 1, "done": True, "records": [record]}]
    [found] = (await (await fake.open()).query(SOQL)).records
    assert found["Account"] == {"Name": "A"}
    assert found["Cases"]["records"] == [{"Id": "2"}]


async def test_pages_are_followed_to_the_last(fake: FakeOrg) -> None:
    following = "/services/data/v59.0/query/01g-2"
    fake.answers = [a_page("1", "2", total=3, following=following), a_page("3", total=3)]
    org = await fake.open()
    pages = [page async for page in org.query_pages(SOQL, max_records=10)]
    assert pages == [[{"Id": "1"}, {"Id": "2"}], [{"Id": "3"}]]
    assert fake.asked[1].url.path == following


async def test_pages_end_at_the_bound(fake: FakeOrg) -> None:
    following = "/services/data/v59.0/query/01g-2"
    fake.answers = [a_page("1", "2", total=9, following=following)] * 2
    pages = [page async for page in (await fake.open()).query_pages(SOQL, max_records=3)]
    assert pages == [[{"Id": "1"}, {"Id": "2"}], [{"Id": "1"}]]


async def test_the_next_page_is_never_asked_of_another_host(fake: FakeOrg) -> None:
    fake.answers = [
        a_page("1", total=2, following="https://evil.example/services/data/v59.0/query/01g-1"),
        a_page("2"),
        a_page("1", total=2, following="https://evil.example/steal"),
    ]
    org = await fake.open()
    assert len([page async for page in org.query_pages(SOQL, max_records=5)]) == 2
    assert fake.asked[1].url.host == "org.example"
    with pytest.raises(TransientError):
        await org.query(SOQL)
    with pytest.raises(InvalidInputError):
        await org.query_more("/other")


async def test_many_queries_take_a_call_for_five(fake: FakeOrg) -> None:
    fake.answers = [a_composite(*[a_page(str(n)) for n in range(5)]), a_composite(a_page("5"))]
    results = await (await fake.open()).query_many([SOQL] * 6)
    assert [r.records for r in results if isinstance(r, QueryResult)] == [
        [{"Id": str(n)}] for n in range(6)
    ]
    first, second = fake.bodies()
    assert (len(first["compositeRequest"]), len(second["compositeRequest"])) == (5, 1)
    assert first["compositeRequest"][0]["url"].startswith("/services/data/v59.0/query?q=SELECT%20")


async def test_one_of_many_queries_may_fail_alone(fake: FakeOrg) -> None:
    answer = a_composite(a_page("1"), a_page("2"))
    answer["compositeResponse"][0] |= {
        "httpStatusCode": 400,
        "body": [{"errorCode": "MALFORMED_QUERY", "message": "Ada"}],
    }
    fake.answers = [answer]
    good, bad = await (await fake.open()).query_many([SOQL, SOQL])
    assert isinstance(good, QueryResult)
    assert isinstance(bad, SalesforceError)
    assert bad.salesforce_code == "MALFORMED_QUERY"


async def test_many_queries_follow_their_pages_up_to_a_bound(fake: FakeOrg) -> None:
    following = "/services/data/v59.0/query/01g-1"
    fake.answers = [
        a_composite(a_page("1", total=2, following=following)),
        a_page("2", total=2),
        a_composite(a_page("1", total=2001, following=following)),
    ]
    org = await fake.open()
    assert await org.query_many([SOQL]) == [QueryResult([{"Id": "1"}, {"Id": "2"}], 2, done=True)]
    with pytest.raises(PermanentError):
        await org.query_many([SOQL])


async def test_retrieve_leaves_out_what_is_not_there(fake: FakeOrg) -> None:
    fake.answers = [[{"attributes": ATTRIBUTES, "Id": "001dM00003jU9GxQAK", "Name": "A"}, None]]
    org = await fake.open()
    found = await org.retrieve("Contact", ["001dM00003jU9Gx", "a01M00000062mPg"], ["Name"])
    assert found == {"001dM00003jU9GxQAK": {"Id": "001dM00003jU9GxQAK", "Name": "A"}}
    assert fake.bodies() == [
        {"ids": ["001dM00003jU9GxQAK", "a01M00000062mPgIAI"], "fields": ["Id", "Name"]}
    ]


async def test_retrieve_asks_for_2000_at_a_time(fake: FakeOrg) -> None:
    fake.answers = [[], []]
    ids = [f"00300000000{n:04}" for n in range(2001)]
    assert await (await fake.open()).retrieve("Contact", [*ids, ids[0]], []) == {}
    assert [len(body["ids"]) for body in fake.bodies()] == [2000, 1]
    assert fake.asked[0].headers["content-encoding"] == "gzip"


async def test_one_record_is_read_by_its_fields(fake: FakeOrg) -> None:
    fake.answers = [{"attributes": ATTRIBUTES, "Id": "x"}, an_error(404, "NOT_FOUND")]
    org = await fake.open()
    assert await org.get("Contact", "001dM00003jU9Gx", ["Name", "Owner.Name"]) == {"Id": "x"}
    assert str(fake.asked[0].url).endswith(
        "/sobjects/Contact/001dM00003jU9GxQAK?fields=Name,Owner.Name"
    )
    with pytest.raises(NotFoundError):
        await org.get("Contact", "001dM00003jU9Gx")


@pytest.mark.parametrize("name", ["", "../x", "Contact/1", "Contact?x", "Cont\nact", "Ünder"])
async def test_a_name_cannot_lead_to_another_path(fake: FakeOrg, name: str) -> None:
    org = await fake.open()
    with pytest.raises(InvalidInputError):
        await org.describe(name)
    with pytest.raises(InvalidInputError):
        await org.get("Contact", "001dM00003jU9Gx", [name])
    assert fake.asked == []


async def test_a_description_is_asked_again_only_for_changes(fake: FakeOrg) -> None:
    modified = "Tue, 24 Nov 2026 10:00:00 GMT"
    fake.answers = [
        httpx.Response(200, json={"name": "Contact"}, headers={"last-modified": modified}),
        httpx.Response(304),
        httpx.Response(200, json={"name": "Renamed"}),
    ]
    org = await fake.open()
    names = []
    for _ in range(3):
        names += [(await org.describe("Contact"))["name"] for _ in range(2)]
        fake.now += timedelta(seconds=61)
    assert names == ["Contact"] * 4 + ["Renamed"] * 2
    assert [r.headers.get("if-modified-since") for r in fake.asked] == [None, modified, modified]


async def test_usage_and_time_are_read_of_every_answer(fake: FakeOrg) -> None:
    headers = {
        "sforce-limit-info": "api-usage=17/15000",
        "date": "Tue, 24 Nov 2026 10:00:00 GMT",
    }
    fake.answers = [an_error(404, "NOT_FOUND", **headers), {"sub": "x"}]
    reported: list[ApiUsage] = []
    org = await fake.open(reported.append)
    with pytest.raises(NotFoundError):
        await org.limits()
    assert await org.identity() == {"sub": "x"}
    assert reported == [ApiUsage(17, 15000)]
    assert org.usage == ApiUsage(17, 15000)
    assert org.server_time == datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b"[" * 100_000),
        {"records": 1},
        [],
        {"totalSize": 1},
    ],
)
async def test_an_answer_that_is_no_page_may_be_asked_for_again(
    fake: FakeOrg, answer: object
) -> None:
    fake.answers = [answer]
    with pytest.raises(TransientError):
        await (await fake.open()).query(SOQL)


async def test_pages_that_never_end_are_left(fake: FakeOrg) -> None:
    empty = a_page(total=1, following="/services/data/v59.0/query/01g-1")
    fake.answers = [empty, a_composite(empty), empty]
    org = await fake.open()
    with pytest.raises(TransientError):
        await anext(org.query_pages(SOQL, max_records=5))
    with pytest.raises(TransientError):
        await org.query_many([SOQL])


@pytest.mark.parametrize("answer", [{"a": 1}, [{"Name": "A"}], [{"Id": "1"}], ["x"], None])
async def test_an_answer_that_is_no_list_of_records_may_be_asked_for_again(
    fake: FakeOrg, answer: object
) -> None:
    fake.answers = [answer]
    org = await fake.open()
    with pytest.raises(TransientError):
        await org.retrieve("Contact", ["001dM00003jU9Gx"], [])


async def test_many_queries_may_ask_for_deleted_records_too(fake: FakeOrg) -> None:
    fake.answers = [a_composite(a_page("1"), a_page("2"))]
    answers = await (await fake.open()).query_many([SOQL, SOQL], include_deleted=True)
    assert [one.records for one in answers if isinstance(one, QueryResult)] == [
        [{"Id": "1"}],
        [{"Id": "2"}],
    ]
    urls = [one["url"] for one in fake.bodies()[0]["compositeRequest"]]
    assert all(url.startswith("/services/data/v59.0/queryAll?q=") for url in urls)


async def test_half_of_a_character_is_replaced_for_it_has_no_utf8(fake: FakeOrg) -> None:
    name = r'{"Id": "1", "Name": "Zo\u00eb \ud83d\ude00 cut \ud83d"}'
    page = f'{{"totalSize": 1, "done": true, "records": [{name}]}}'
    fake.answers = [httpx.Response(200, content=page.encode())]
    [found] = (await (await fake.open()).query(SOQL)).records
    assert found["Name"] == "Zo\u00eb \U0001f600 cut \ufffd"
