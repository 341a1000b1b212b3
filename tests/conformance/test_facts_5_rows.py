"""Facts §5: records by id and by external id."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from crmlink_common.salesforce.ids import to_18

from .asking import Asking

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]
ADDRESS = [
    "city",
    "country",
    "countryCode",
    "geocodeAccuracy",
    "latitude",
    "longitude",
    "postalCode",
    "state",
    "stateCode",
    "street",
]


@fact("F5.2", "F5.3")
def test_read_update_delete(ask: Asking, name: Names) -> None:
    path = f"sobjects/Contact/{ask.create('Contact', LastName=name())}"
    changed = ask.send("PATCH", path, json={"FirstName": "Ada"})
    assert (changed.status_code, changed.content) == (204, b"")
    row = ask.get(path, params={"fields": "FirstName,Email"})
    assert set(row) - {"attributes"} <= {"FirstName", "Email", "Id"}
    assert row["FirstName"] == "Ada"
    head = ask.send("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    gone = ask.send("DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert ask.send("GET", path).status_code == 404


@fact("F5.5")
def test_an_upsert_tells_whether_it_created(ask: Asking, name: Names) -> None:
    path = f"sobjects/Contact/Member_Id__c/{name()}"
    made = ask.send("PATCH", path, json={"LastName": "First"})
    told = made.json()
    assert made.status_code == 201
    assert told == {"id": told["id"], "success": True, "errors": [], "created": True}
    assert made.headers["location"].endswith(told["id"])
    changed = ask.send("PATCH", path, json={"LastName": "Second"})
    assert changed.status_code == 200
    assert changed.json() == {**told, "created": False}


@fact("F5.6")
def test_before_46_an_update_by_upsert_has_no_body(ask: Asking, name: Names) -> None:
    path, old = f"sobjects/Contact/Member_Id__c/{name()}", ask.at("45.0")
    assert old.send("PATCH", path, json={"LastName": "First"}).status_code == 201
    changed = old.send("PATCH", path, json={"LastName": "Second"})
    assert (changed.status_code, changed.content) == (204, b"")


@fact("F5.7")
def test_update_only_creates_nothing(ask: Asking, name: Names) -> None:
    path = f"sobjects/Contact/Member_Id__c/{name()}"
    only = {"updateOnly": "true"}
    assert ask.send("PATCH", path, json={"LastName": "x"}, params=only).status_code == 404
    assert ask.send("GET", path).status_code == 404
    assert ask.send("PATCH", path, json={"LastName": "x"}).status_code == 201
    assert ask.send("PATCH", path, json={"LastName": "y"}, params=only).status_code == 200


@fact("F5.8")
def test_several_matches(ask: Asking, name: Names) -> None:
    email = f"{name()}@example.com"
    ids = {ask.create("Contact", LastName="Twin", Email=email) for _ in range(3)}
    answer = ask.send("PATCH", f"sobjects/Contact/Email/{email}", json={"LastName": "x"})
    assert answer.status_code == 300
    assert {one.rsplit("/", 1)[1] for one in answer.json()} == ids


@fact("F5.9")
@pytest.mark.parametrize("extra", [{"Id": "003000000000001AAA"}, {"Member_Id__c": "other"}])
def test_the_body_of_an_upsert_holds_no_key(
    ask: Asking, name: Names, extra: dict[str, str]
) -> None:
    body = {"LastName": "x", **extra}
    told = ask.refused("PATCH", f"sobjects/Contact/Member_Id__c/{name()}", json=body)
    assert told.status == 400


@fact("F5.10", "F5.11")
def test_email_is_a_key_and_phone_is_none(ask: Asking, name: Names) -> None:
    email, phone = ask.field("Contact", name="Email"), ask.field("Contact", name="Phone")
    assert (email["idLookup"], email["externalId"], email["length"]) == (True, False, 80)
    assert (phone["idLookup"], phone["length"]) == (False, 40)
    external = ask.field("Contact", externalId=True)
    assert external["idLookup"] is True
    made = ask.send("PATCH", f"sobjects/Contact/Email/{name()}@example.com", json={"LastName": "x"})
    assert (made.status_code, made.json()["created"]) == (201, True)
    told = ask.refused("PATCH", "sobjects/Contact/Phone/5551234", json={"LastName": "x"})
    assert (told.status, told.code) == (404, "NOT_FOUND")


@fact("F5.12")
def test_the_key_may_be_the_id(ask: Asking, name: Names) -> None:
    made = ask.create("Account", Name=name())
    path = f"sobjects/Account/Id/{made}"
    answer = ask.send("PATCH", path, json={"Name": name()}, params={"updateOnly": "true"})
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["created"]) == (made, False)


@fact("F5.13")
def test_a_key_that_ends_like_a_file_is_not_found(ask: Asking, name: Names) -> None:
    answer = ask.send("PATCH", f"sobjects/Contact/Email/{name()}@acme.inc", json={"LastName": "x"})
    assert answer.status_code == 404


@fact("F5.23")
@pytest.mark.parametrize(
    ("short", "end"),
    [
        ("a01M00000062mPg", "IAI"),
        ("AbCdEfGhIjKlMnO", "VKV"),
        ("aBcDEfgHIJKLMNO", "025"),
        ("001dM00003jU9Gx", "QAK"),
    ],
)
def test_long_ids(short: str, end: str) -> None:
    assert to_18(short) == short + end


@fact("F5.23")
def test_both_lengths_of_an_id_are_taken(ask: Asking, name: Names) -> None:
    made = ask.create("Contact", LastName=name())
    assert (len(made), to_18(made[:15])) == (18, made)
    assert ask.get(f"sobjects/Contact/{made[:15]}")["Id"] == made


@fact("F5.24", "F5.25", "F5.26")
def test_how_values_look(ask: Asking, name: Names) -> None:
    made = ask.create("Contact", LastName=name(), Birthdate="2010-01-01", MailingCity="Bonn")
    row = ask.get(f"sobjects/Contact/{made}")
    assert row["Birthdate"] == "2010-01-01"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000", row["CreatedDate"])
    assert sorted(row["MailingAddress"]) == sorted(ADDRESS)
    assert row["MailingAddress"]["city"] == "Bonn"
    field = ask.field("Care_Plan__c", type="multipicklist")
    first, second = [one["value"] for one in field["picklistValues"]][:2]
    plan = ask.create("Care_Plan__c", Contact__c=made, **{field["name"]: f"{first};{second}"})
    assert ask.get(f"sobjects/Care_Plan__c/{plan}")[field["name"]] == f"{first};{second}"
