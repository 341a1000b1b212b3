from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from crmlink_common.errors import (
    ConflictError,
    LimitError,
    NotConnectedError,
    NotFoundError,
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.client import Outcome, SalesforceError
from crmlink_common.salesforce.fakes import FakeOrg, a_token, an_error, body_of

ID = "001dM00003jU9GxQAK"
OTHER = "a01M00000062mPgIAI"
LOST = httpx.ReadTimeout("")


def contacts(count: int) -> list[dict[str, Any]]:
    return [{"LastName": f"n{n}"} for n in range(count)]


def saved(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": f"id-{r['LastName']}", "success": True, "errors": []} for r in records]


def created(request: httpx.Request) -> httpx.Response:
    """Answer a row's request, one Collections request, or a Composite of several."""
    body = body_of(request)
    if "LastName" in body:
        return httpx.Response(201, json=saved([body])[0])
    if "records" in body:
        return httpx.Response(200, json=saved(body["records"]))
    answers = [
        {
            "body": saved(one["body"]["records"]),
            "httpStatusCode": 200,
            "referenceId": one["referenceId"],
        }
        for one in body["compositeRequest"]
    ]
    return httpx.Response(200, json={"compositeResponse": answers[::-1]})


async def test_records_are_created_in_one_call(fake: FakeOrg) -> None:
    fake.answers = [created]
    outcomes = await (await fake.open()).create("Contact", contacts(2))
    assert outcomes == [Outcome(ok=True, record_id=f"id-n{n}", created=True) for n in range(2)]
    assert fake.asked[0].url.path == "/services/data/v59.0/composite/sobjects"
    assert fake.bodies()[0] == {
        "allOrNone": False,
        "records": [{"attributes": {"type": "Contact"}, "LastName": f"n{n}"} for n in range(2)],
    }


async def test_more_than_200_go_in_composites_of_five(fake: FakeOrg) -> None:
    fake.answers = [created, created]
    outcomes = await (await fake.open()).create("Contact", contacts(1250))
    assert [o.record_id for o in outcomes] == [f"id-n{n}" for n in range(1250)]
    first, second = fake.bodies()
    assert [len(one["body"]["records"]) for one in first["compositeRequest"]] == [200] * 5
    assert [len(one["body"]["records"]) for one in second["compositeRequest"]] == [200, 50]


async def test_no_records_take_no_call(fake: FakeOrg) -> None:
    assert await (await fake.open()).create("Contact", []) == []
    assert fake.asked == []


async def test_each_record_has_its_own_error(fake: FakeOrg) -> None:
    codes = [
        "REQUIRED_FIELD_MISSING",
        "STORAGE_LIMIT_EXCEEDED",
        "ENTITY_IS_DELETED",
        "DUPLICATE_VALUE",
    ]
    fake.answers = [
        [
            {"success": False, "errors": [{"statusCode": c, "message": "Ada", "fields": ["Name"]}]}
            for c in codes
        ]
    ]
    outcomes = await (await fake.open()).create("Contact", contacts(4))
    kinds = [PermanentError, TransientError, NotFoundError, ConflictError]
    for outcome, code, kind in zip(outcomes, codes, kinds, strict=True):
        assert isinstance(outcome.error, SalesforceError)
        assert isinstance(outcome.error, kind)
        assert (outcome.error.salesforce_code, outcome.error.fields) == (code, ("Name",))
        assert "Ada" not in str(outcome.error)


async def test_an_update_is_by_id(fake: FakeOrg) -> None:
    fake.answers = [httpx.Response(204)]
    [outcome] = await (await fake.open()).update("Contact", [{"Id": ID, "Phone": None}])
    assert outcome == Outcome(ok=True, record_id=ID, created=False)
    assert fake.asked[0].method == "PATCH"
    assert fake.asked[0].url.path == f"/services/data/v59.0/sobjects/Contact/{ID}"
    assert fake.bodies() == [{"Phone": None}]


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"Phone": "1"}, "MISSING_ARGUMENT"),
        ({"Id": "1"}, "MALFORMED_ID"),
        ({"Id": ID, "Phone": "\ud800"}, "JSON_PARSER_ERROR"),
        ({"Id": ID, "Phone": float("nan")}, "JSON_PARSER_ERROR"),
        ({"Id": ID, "Phone": object()}, "JSON_PARSER_ERROR"),
    ],
)
async def test_a_record_that_would_spoil_the_call_is_left_out(
    fake: FakeOrg, record: dict[str, Any], code: str
) -> None:
    fake.answers = [[{"id": ID, "success": True}] * 2]
    outcomes = await (await fake.open()).update("Contact", [{"Id": ID}, record, {"Id": OTHER}])
    assert [o.ok for o in outcomes] == [True, False, True]
    assert isinstance(outcomes[1].error, PermanentError)
    assert outcomes[1].error.code == code


async def test_attributes_of_a_record_that_was_read_are_not_sent_back(fake: FakeOrg) -> None:
    fake.answers = [created]
    record = {"LastName": "n", "attributes": {"type": "Lead", "url": "/x"}}
    org = await fake.open()
    fake.answers = [created, created]
    await org.create("Contact", [record])
    await org.create("Contact", [record] * 2)
    assert fake.bodies()[0] == {"LastName": "n"}
    assert fake.bodies()[1]["records"][0]["attributes"] == {"type": "Contact"}


async def test_an_upsert_tells_what_it_created(fake: FakeOrg) -> None:
    fake.answers = [[{"id": n, "success": True, "created": n == "1"} for n in ("1", "2")]]
    outcomes = await (await fake.open()).upsert(
        "Contact", "Key__c", [{"Key__c": "a"}, {"Key__c": "b"}]
    )
    assert [o.created for o in outcomes] == [True, False]
    assert fake.asked[0].method == "PATCH"
    assert fake.asked[0].url.path.endswith("/composite/sobjects/Contact/Key__c")


@pytest.mark.parametrize("answer", [LOST, an_error(500), httpx.Response(200, text="?"), [], {}])
async def test_a_lost_answer_leaves_a_create_unknown(fake: FakeOrg, answer: object) -> None:
    fake.answers = [answer]
    [outcome] = await (await fake.open()).create("Contact", contacts(1))
    assert isinstance(outcome.error, UnknownOutcomeError)
    assert len(fake.asked) == 1


@pytest.mark.parametrize("answer", [LOST, an_error(500)])
async def test_an_upsert_by_a_unique_field_whose_answer_is_lost_is_sent_again(
    fake: FakeOrg, answer: object
) -> None:
    fake.answers = [answer, httpx.Response(204)]
    [outcome] = await (await fake.open()).upsert("Contact", "Key__c", [{"Key__c": "a"}])
    assert outcome.ok
    assert fake.slept == [0.2]


@pytest.mark.parametrize("answer", [LOST, an_error(500), httpx.Response(200, text="<html>")])
async def test_an_update_or_delete_whose_answer_is_lost_is_not_sent_again(
    fake: FakeOrg, answer: object
) -> None:
    """It could undo what somebody else did in between; so could an upsert by the id."""
    fake.answers = [answer] * 3
    fake.tokens.given += [a_token(), a_token()]
    record = {"Id": ID, "Phone": "1"}
    told = await (await fake.open()).update("Contact", [record])
    told += await (await fake.open()).delete("Contact", [ID])
    told += await (await fake.open()).upsert("Contact", "Id", [record])
    assert [isinstance(one.error, UnknownOutcomeError) for one in told] == [True] * 3
    assert (len(fake.asked), fake.slept) == (3, [])


async def test_after_a_lost_answer_no_further_record_is_updated(fake: FakeOrg) -> None:
    fake.answers = [LOST]
    records = [{"Id": f"003{n:012}"} for n in range(1001)]
    outcomes = await (await fake.open()).update("Contact", [*records, records[0]])
    codes = [one.error.code if one.error else "" for one in outcomes]
    assert codes == ["ReadTimeout"] * 1000 + ["NOT_SENT"] * 2
    assert all(isinstance(one.error, TransientError) for one in outcomes[1000:])


async def test_an_upsert_by_a_field_that_is_not_unique_is_not_sent_again(fake: FakeOrg) -> None:
    fake.answers = [LOST]
    org = await fake.open()
    [outcome] = await org.upsert("Contact", "Email", [{"Email": "a@x.example"}], unique=False)
    assert isinstance(outcome.error, UnknownOutcomeError)


async def test_after_a_lost_answer_the_rest_is_known_to_be_unsent(fake: FakeOrg) -> None:
    fake.answers = [created, LOST]
    outcomes = await (await fake.open()).create("Contact", contacts(2500))
    kinds = [type(o.error).__mro__[2].__name__ if o.error else "" for o in outcomes]
    assert kinds == [""] * 1000 + ["UnknownOutcomeError"] * 1000 + ["TransientError"] * 500
    assert outcomes[-1].error is not None
    assert outcomes[-1].error.code == "NOT_SENT"


async def test_a_used_up_limit_stops_the_rest_and_keeps_what_is_done(fake: FakeOrg) -> None:
    fake.answers = [created, an_error(403, "REQUEST_LIMIT_EXCEEDED")]
    outcomes = await (await fake.open()).create("Contact", contacts(3500))
    assert [o.ok for o in outcomes] == [True] * 1000 + [False] * 2500
    assert all(isinstance(o.error, LimitError) for o in outcomes[1000:])
    assert len(fake.asked) == 2


async def test_a_call_that_is_refused_does_not_stop_the_next(fake: FakeOrg) -> None:
    fake.answers = [an_error(400, "INVALID_FIELD"), created]
    outcomes = await (await fake.open()).create("Contact", contacts(1001))
    assert all(isinstance(o.error, PermanentError) for o in outcomes[:1000])
    assert outcomes[1000].ok


def refusing(bad: set[str]) -> Callable[[httpx.Request], httpx.Response]:
    """Refuse a whole call, or a whole Collections request, for one bad record in it."""
    refused = [{"errorCode": "JSON_PARSER_ERROR", "message": "Ada"}]

    def is_bad(body: dict[str, Any]) -> bool:
        return any(record["LastName"] in bad for record in body["records"])

    def answer(request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if is_bad(body if "records" in body else {"records": [body] if "LastName" in body else []}):
            return httpx.Response(400, json=refused)
        told = created(request).json()
        for one in body.get("compositeRequest", []):
            if is_bad(one["body"]):
                answers = told["compositeResponse"]
                [part] = [a for a in answers if a["referenceId"] == one["referenceId"]]
                part |= {"httpStatusCode": 400, "body": refused}
        return httpx.Response(200, json=told)

    return answer


@pytest.mark.parametrize("count", [1, 2, 200, 450])
async def test_one_record_that_spoils_a_call_is_found(fake: FakeOrg, count: int) -> None:
    fake.answers = [refusing({"n1"})] * 40
    outcomes = await (await fake.open()).create("Contact", contacts(count))
    assert [n for n, o in enumerate(outcomes) if not o.ok] == [1][: count - 1]
    assert [o.record_id for o in outcomes if o.ok] == [f"id-n{n}" for n in range(count) if n != 1]


async def test_the_search_for_what_spoils_a_call_is_bounded(fake: FakeOrg) -> None:
    fake.answers = [refusing({f"n{n}" for n in range(200)})] * 40
    outcomes = await (await fake.open()).create("Contact", contacts(200))
    assert all(isinstance(o.error, PermanentError) for o in outcomes)
    assert len(fake.asked) == 33


async def test_one_collection_of_a_composite_may_fail_alone(fake: FakeOrg) -> None:
    def half(request: httpx.Request) -> httpx.Response:
        told = created(request).json()
        broken = {"httpStatusCode": 503, "body": [{"errorCode": "SERVER_UNAVAILABLE"}]}
        told["compositeResponse"][0] |= broken
        return httpx.Response(200, json=told)

    fake.answers = [half]
    outcomes = await (await fake.open()).create("Contact", contacts(400))
    assert [o.ok for o in outcomes] == [True] * 200 + [False] * 200
    assert isinstance(outcomes[-1].error, UnknownOutcomeError)


async def test_a_lost_connection_to_oauth_is_told_per_record(fake: FakeOrg) -> None:
    fake.tokens.given.append(NotConnectedError("disabled"))
    answers: list[httpx.Response | Callable[[httpx.Request], httpx.Response]]
    answers = [created, an_error(401, "INVALID_SESSION_ID")]
    fake.answers = [*answers]
    outcomes = await (await fake.open()).create("Contact", contacts(1400))
    assert [o.ok for o in outcomes] == [True] * 1000 + [False] * 400
    assert isinstance(outcomes[-1].error, NotConnectedError)
