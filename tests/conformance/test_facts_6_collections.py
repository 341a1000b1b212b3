"""Facts §6: many records in one call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .asking import Asking, typed

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]
NOBODY = "003000000000001AAA"


@fact("F6.8", "F6.11")
def test_two_hundred_and_no_more(ask: Asking, name: Names) -> None:
    mark, before = name(), ask.used()
    told = ask.create_all([typed("Lead", LastName=str(n), Company=mark) for n in range(200)])
    assert ask.used() == before + 2
    assert all(set(one) == {"id", "success", "errors"} for one in told)
    more = {"records": [typed("Lead", LastName="x", Company=mark)] * 201}
    assert ask.refused("POST", "composite/sobjects", json=more).status == 400
    ids = ",".join(one["id"] for one in told)
    gone = ask.send("DELETE", "composite/sobjects", params={"ids": ids, "allOrNone": "false"})
    assert [one["id"] for one in gone.json()] == [one["id"] for one in told]
    where = f"WHERE Company = '{mark}'"
    assert ask.query(f"SELECT COUNT() FROM Lead {where}")["totalSize"] == 0  # noqa: S608 - SOQL


@fact("F6.9", "F6.13")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_reading_by_ids(ask: Asking, name: Names, method: str) -> None:
    last = name()
    made = ask.create("Contact", LastName=last)
    if method == "GET":
        asked = {"ids": f"{made},{NOBODY}", "fields": "Id,LastName"}
        told = ask.get("composite/sobjects/Contact", params=asked)
    else:
        body = {"ids": [made, NOBODY], "fields": ["Id", "LastName"]}
        told = ask.post("composite/sobjects/Contact", body)
    assert told[0]["LastName"] == last
    assert told[1] is None


@fact("F6.9")
def test_two_thousand_ids_and_no_more(ask: Asking) -> None:
    body = {"ids": [NOBODY] * 2000, "fields": ["Id"]}
    assert len(ask.post("composite/sobjects/Contact", body)) == 2000
    body["ids"] = [NOBODY] * 2001
    assert ask.refused("POST", "composite/sobjects/Contact", json=body).status == 400


@fact("F6.10", "F6.11")
def test_upserts_keep_the_order_of_the_body(ask: Asking, name: Names) -> None:
    keys = [name() for _ in range(4)]
    ask.create("Contact", LastName="old", Member_Id__c=keys[2])
    records = [typed("Contact", Member_Id__c=key, LastName=key) for key in keys]
    records[1]["Email"] = "nobody"
    path = "composite/sobjects/Contact/Member_Id__c"
    told = ask.send("PATCH", path, json={"records": records}).json()
    created = [one["created"] for one in told if one["success"]]
    assert created == [True, False, True]
    assert [one["success"] for one in told] == [True, False, True, True]
    assert "id" not in told[1]
    assert told[1]["errors"][0]["statusCode"] == "INVALID_EMAIL_ADDRESS"


@fact("F6.10")
@pytest.mark.parametrize(
    "records",
    [
        [{"LastName": "x", "Member_Id__c": "k1"}],
        [typed("Contact", LastName="x", Member_Id__c="k1"), typed("Lead", LastName="x")],
    ],
)
def test_upserts_are_of_one_type_and_say_so(ask: Asking, records: list[dict[str, object]]) -> None:
    body = {"records": records, "allOrNone": False}
    answer = ask.send("PATCH", "composite/sobjects/Contact/Member_Id__c", json=body)
    if answer.status_code == 200:
        assert not answer.json()[-1]["success"]
    else:
        assert answer.status_code == 400


@fact("F6.12")
def test_all_or_none(ask: Asking, name: Names) -> None:
    mark = name()
    records = [typed("Contact", LastName=mark), typed("Contact", FirstName="Ada")]
    good, bad = ask.create_all(records, allOrNone=True)
    [error] = good["errors"]
    assert (good["success"], "id" in good) == (False, False)
    assert error["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    because = "not all records were valid and the request was using AllOrNone header"
    assert error["message"] == f"Record rolled back because {because}"
    assert bad["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    where = f"WHERE LastName = '{mark}'"
    assert ask.query(f"SELECT COUNT() FROM Contact {where}")["totalSize"] == 0  # noqa: S608 - SOQL
