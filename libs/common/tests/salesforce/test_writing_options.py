"""Facts §2, §5, §6: what can be chosen for a write: headers, all or none, never create."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from crmlink_common.errors import (
    InvalidInputError,
    NotFoundError,
    TransientError,
)
from crmlink_common.salesforce.fakes import FakeOrg, an_error
from crmlink_common.salesforce.writes import WriteOptions

ID = "001dM00003jU9GxQAK"
OTHER = "a01M00000062mPgIAI"
BASE = "/services/data/v59.0"
NOTHING = httpx.Response(204)


def item(record_id: str = ID, **more: object) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": [], **more}


def failed(code: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": "Ada", "fields": []}]}


def paths(fake: FakeOrg) -> list[str]:
    return [one.url.raw_path.decode().removeprefix(BASE) for one in fake.asked]


async def test_options_are_headers_of_the_call_and_of_its_parts(fake: FakeOrg) -> None:
    options = WriteOptions(allow_duplicates=True, auto_assign=False)
    answers = [
        {"referenceId": f"r{n}", "httpStatusCode": 200, "body": [item()] * size}
        for n, size in enumerate([200, 50])
    ]
    fake.answers = [httpx.Response(201, json=item()), {"compositeResponse": answers}]
    org = await fake.open()
    records = [{"LastName": "n"}] * 250
    outcomes = await org.create("Lead", records[:1], options=options)
    outcomes += await org.create("Lead", records, options=options)
    assert all(one.ok for one in outcomes)
    told = {"Sforce-Duplicate-Rule-Header": "allowSave=true", "Sforce-Auto-Assign": "FALSE"}
    for request in fake.asked:
        assert {name: request.headers[name] for name in told} == told
    assert [one["httpHeaders"] for one in fake.bodies()[1]["compositeRequest"]] == [told] * 2


async def test_update_only_is_of_one_record_and_a_plain_key(fake: FakeOrg) -> None:
    options = WriteOptions(update_only=True)
    fake.answers = [an_error(404, "NOT_FOUND")]
    org = await fake.open()
    [outcome] = await org.upsert("Contact", "Key__c", [{"Key__c": "a"}], options=options)
    assert isinstance(outcome.error, NotFoundError)
    assert paths(fake) == ["/sobjects/Contact/Key__c/a?updateOnly=true"]
    for records in ([{"Key__c": "a"}, {"Key__c": "b"}], [{"Key__c": "a/b"}]):
        with pytest.raises(InvalidInputError):
            await org.upsert("Contact", "Key__c", records, options=options)


ALL = WriteOptions(all_or_none=True)


async def test_all_or_none_is_said_and_answered_per_record(fake: FakeOrg) -> None:
    rolled_back = failed("ALL_OR_NONE_OPERATION_ROLLED_BACK")
    fake.answers = [[rolled_back, failed("UNABLE_TO_LOCK_ROW")]]
    org = await fake.open()
    outcomes = await org.update("Contact", [{"Id": ID}, {"Id": OTHER}], options=ALL)
    assert all(isinstance(one.error, TransientError) for one in outcomes)
    assert fake.bodies()[0]["allOrNone"] is True
    assert len(fake.asked) == 1


async def test_all_or_none_sends_nothing_when_a_record_is_unfit(fake: FakeOrg) -> None:
    outcomes = await (await fake.open()).update("Contact", [{"Id": ID}, {"Id": "1"}], options=ALL)
    assert [one.error.code for one in outcomes if one.error] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "MALFORMED_ID",
    ]
    assert fake.asked == []


@pytest.mark.parametrize(
    "records", [[{"Id": ID}, {"Id": ID}], [{"Id": f"003{n:012}"} for n in range(201)]]
)
async def test_all_or_none_takes_one_call(fake: FakeOrg, records: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidInputError):
        await (await fake.open()).update("Contact", records, options=ALL)
