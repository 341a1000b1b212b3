"""Facts §5, §6: which request carries a record, and what each way answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from crmlink_common.errors import (
    ConflictError,
    NotFoundError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.client import Outcome
from crmlink_common.salesforce.fakes import FakeOrg, FakeTokens, a_token, an_error

ID = "001dM00003jU9GxQAK"
OTHER = "a01M00000062mPgIAI"
BASE = "/services/data/v59.0"
NOTHING = httpx.Response(204)


def item(record_id: str = ID, **more: object) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": [], **more}


def failed(code: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": "Ada", "fields": []}]}


def in_version(version: str) -> FakeOrg:
    return FakeOrg(tokens=FakeTokens([a_token(api_version=version)]))


def paths(fake: FakeOrg) -> list[str]:
    return [one.url.raw_path.decode().removeprefix(BASE) for one in fake.asked]


async def test_one_record_takes_a_request_of_its_own(fake: FakeOrg) -> None:
    fake.answers = [
        httpx.Response(201, json=item()),
        NOTHING,
        httpx.Response(201, json=item(created=True)),
        httpx.Response(200, json=item(created=False)),
        NOTHING,
    ]
    org = await fake.open()
    outcomes = [
        *await org.create("Contact", [{"LastName": "n"}]),
        *await org.update("Contact", [{"Id": ID[:15], "Phone": "1"}]),
        *await org.upsert("Contact", "Key__c", [{"key__c": "a b+1", "Phone": "1"}]),
        *await org.upsert("Contact", "Key__c", [{"Key__c": 7, "Phone": "1"}]),
        *await org.delete("Contact", [ID]),
    ]
    assert all(one.ok for one in outcomes)
    assert [one.created for one in outcomes] == [True, False, True, False, False]
    assert [f"{one.method} {path}" for one, path in zip(fake.asked, paths(fake), strict=True)] == [
        "POST /sobjects/Contact/",
        f"PATCH /sobjects/Contact/{ID}",
        "PATCH /sobjects/Contact/Key__c/a%20b%2B1",
        "PATCH /sobjects/Contact/Key__c/7",
        f"DELETE /sobjects/Contact/{ID}",
    ]
    assert fake.bodies()[1:] == [{"Phone": "1"}, {"Phone": "1"}, {"Phone": "1"}, None]


@pytest.mark.parametrize("key", ["a/b", "ada@example.inc", "ada@example.com", "é", ".."])
async def test_an_unusual_key_is_carried_by_a_collection(fake: FakeOrg, key: str) -> None:
    fake.answers = [[item(created=True)]]
    [outcome] = await (await fake.open()).upsert("Contact", "Email", [{"Email": key}])
    assert outcome == Outcome(ok=True, record_id=ID, created=True)
    assert paths(fake) == ["/composite/sobjects/Contact/Email"]


async def test_an_older_version_has_no_collections_for_upserts() -> None:
    fake = in_version("45.0")
    fake.answers = [
        {
            "compositeResponse": [
                {"referenceId": "r0", "httpStatusCode": 201, "body": item()},
                {"referenceId": "r1", "httpStatusCode": 204, "body": None},
                {"referenceId": "r2", "httpStatusCode": 300, "body": ["/a/001dM00003jU9GxQAK"]},
            ]
        }
    ]
    records = [{"Key__c": key, "Phone": "1"} for key in ("a", "b/c", "d")]
    outcomes = await (await fake.open()).upsert("Contact", "Key__c", records)
    assert outcomes[:2] == [
        Outcome(ok=True, record_id=ID, created=True),
        Outcome(ok=True, record_id=None, created=False),  # the version tells no id
    ]
    assert isinstance(outcomes[2].error, ConflictError)
    urls = [one["url"] for one in fake.bodies()[0]["compositeRequest"]]
    assert [url.rpartition("/")[2] for url in urls] == ["a", "b%2Fc", "d"]


async def test_deletes_name_their_ids_in_the_path(fake: FakeOrg) -> None:
    fake.answers = [[item(ID), failed("ENTITY_IS_DELETED")]]
    one, other = await (await fake.open()).delete("Contact", [ID, OTHER])
    assert one.ok
    assert isinstance(other.error, NotFoundError)
    assert paths(fake) == [f"/composite/sobjects?ids={ID},{OTHER}&allOrNone=false"]
    assert fake.asked[0].method == "DELETE"


async def test_a_path_of_two_hundred_ids_is_short_enough(fake: FakeOrg) -> None:
    ids = [f"003{n:012}" for n in range(200)]
    fake.answers = [[item()] * 200]
    assert all(one.ok for one in await (await fake.open()).delete("Contact", ids))
    assert len(paths(fake)[0]) < 4_000  # Facts §2: 16,384 with the headers


async def test_an_id_is_deleted_once(fake: FakeOrg) -> None:
    fake.answers = [NOTHING]
    outcomes = await (await fake.open()).delete("Contact", [ID, ID[:15], ID])
    assert [one.ok for one in outcomes] == [True] * 3
    assert len(fake.asked) == 1


async def test_whether_a_repeated_upsert_has_created_is_not_known(fake: FakeOrg) -> None:
    fake.answers = [httpx.ReadError(""), [item(ID, created=False), item(OTHER, created=True)]]
    records = [{"Key__c": "a"}, {"Key__c": "b"}]
    outcomes = await (await fake.open()).upsert("Contact", "Key__c", records)
    assert [one.created for one in outcomes] == [None, True]


async def test_records_of_one_key_are_written_one_after_the_other(fake: FakeOrg) -> None:
    fake.answers = [[item(ID), item(OTHER)], NOTHING, NOTHING]
    records = [{"Id": ID, "Phone": "1"}, {"Id": OTHER}, {"Id": ID[:15], "Phone": "2"}]
    outcomes = await (await fake.open()).update("Contact", [*records, {"Id": ID, "Fax": "3"}])
    assert [one.record_id for one in outcomes] == [ID, OTHER, ID, ID]
    assert fake.bodies()[1:] == [{"Phone": "2"}, {"Fax": "3"}]


async def test_keys_that_differ_in_case_are_never_in_one_call(fake: FakeOrg) -> None:
    fake.answers = [httpx.Response(200, json=item(created=False))] * 2
    records = [{"Key__c": "Ab"}, {"Key__c": "aB"}]
    outcomes = await (await fake.open()).upsert("Contact", "Key__c", records)
    assert [one.ok for one in outcomes] == [True, True]
    assert len(fake.asked) == 2


async def test_after_a_record_that_may_still_come_to_something_its_next_is_not_sent(
    fake: FakeOrg,
) -> None:
    records = [{"Id": ID, "Phone": "1"}, {"Id": OTHER}, {"Id": ID, "Phone": "2"}]
    fake.answers = [[failed("STORAGE_LIMIT_EXCEEDED"), item(OTHER)]]
    outcomes = await (await fake.open()).update("Contact", records)
    assert [one.error.code if one.error else "" for one in outcomes] == [
        "STORAGE_LIMIT_EXCEEDED",
        "",
        "NOT_SENT",
    ]
    fake.tokens.given.append(a_token())
    fake.answers = [[failed("REQUIRED_FIELD_MISSING"), item(OTHER)], NOTHING]
    outcomes = await (await fake.open()).update("Contact", records)
    assert [one.ok for one in outcomes] == [False, True, True]


async def test_an_upsert_without_its_key_is_unfit(fake: FakeOrg) -> None:
    [outcome] = await (await fake.open()).upsert("Contact", "Key__c", [{"Phone": "1"}])
    assert outcome.error is not None
    assert (outcome.error.code, fake.asked) == ("MISSING_ARGUMENT", [])


async def test_locked_rows_are_tried_twice_more_in_smaller_calls(fake: FakeOrg) -> None:
    locked = failed("UNABLE_TO_LOCK_ROW")
    fake.answers = [
        [locked if n % 3 == 0 else item() for n in range(180)],
        {
            "compositeResponse": [
                {"referenceId": "r0", "httpStatusCode": 200, "body": [item()] * 48 + [locked] * 2},
                {"referenceId": "r1", "httpStatusCode": 200, "body": [item()] * 10},
            ]
        },
        [item(), locked],
    ]
    outcomes = await (await fake.open()).create("Contact", [{"LastName": "n"}] * 180)
    left = [n for n, one in enumerate(outcomes) if not one.ok]
    assert left == [147]
    assert isinstance(outcomes[147].error, TransientError)
    assert fake.slept == [0.5, 1.0]


def slow_above(most: int) -> Any:  # noqa: ANN401 - an answer of FakeOrg
    """Take too long for more records than this."""

    def answer(request: httpx.Request) -> httpx.Response:
        told = FakeOrg(asked=[request]).bodies()[0]
        parts = told.get("compositeRequest") or [{"body": told, "referenceId": ""}]
        sizes = [len(part["body"].get("records", [0])) for part in parts]
        if sum(sizes) > most:
            raise httpx.ReadTimeout("")
        if "compositeRequest" not in told:
            return httpx.Response(200, json=[item()] * sizes[0])
        answers = [
            {"referenceId": part["referenceId"], "httpStatusCode": 200, "body": [item()] * size}
            for part, size in zip(parts, sizes, strict=True)
        ]
        return httpx.Response(200, json={"compositeResponse": answers})

    return answer


async def test_calls_that_take_too_long_become_smaller_for_all_that_follow(fake: FakeOrg) -> None:
    fake.answers = [slow_above(300)] * 20
    records = [{"Key__c": f"k{n}"} for n in range(2000)]
    outcomes = await (await fake.open()).upsert("Contact", "Key__c", records)
    assert all(one.ok for one in outcomes)
    assert len(fake.asked) == 2 + 8  # 1,000 and 500 are too many, 250 are not
    assert fake.slept == [0.2, 0.4]


@pytest.mark.parametrize("operation", ["create", "update"])
async def test_what_takes_too_long_and_is_not_repeated_is_not_cut_but_unknown(
    fake: FakeOrg, operation: str
) -> None:
    fake.answers = [slow_above(100)]
    org = await fake.open()
    if operation == "create":
        outcomes = await org.create("Contact", [{"LastName": "n"}] * 150)
    else:
        outcomes = await org.update("Contact", [{"Id": f"003{n:012}"} for n in range(150)])
    assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes)
    assert len(fake.asked) == 1


async def test_a_body_that_is_too_large_is_parted(fake: FakeOrg) -> None:
    fake.answers = [an_error(413, "REQUEST_TOO_LARGE"), [item()] * 2, [item()] * 2]
    outcomes = await (await fake.open()).create("Contact", [{"LastName": "n"}] * 4)
    assert [one.ok for one in outcomes] == [True] * 4


async def test_a_part_whose_answer_is_lost_is_sent_again_alone(fake: FakeOrg) -> None:
    records = [{"Key__c": f"k{n}"} for n in range(250)]
    broken = [{"errorCode": "SERVER_UNAVAILABLE", "message": "x"}]
    answers = [
        {"referenceId": "r0", "httpStatusCode": 503, "body": broken},
        {"referenceId": "r1", "httpStatusCode": 200, "body": [item(OTHER)] * 50},
    ]
    fake.answers = [{"compositeResponse": answers}, [item(ID)] * 200]
    outcomes = await (await fake.open()).upsert("Contact", "Key__c", records)
    assert [one.record_id for one in outcomes] == [ID] * 200 + [OTHER] * 50
    assert len(fake.bodies()[1]["records"]) == 200
