"""Facts §2: what an org refuses, and how it says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from .asking import Asking, typed
from .world import Control

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]
NOBODY = "003000000000001AAA"


@pytest.fixture
def faults(control: Control) -> Iterator[Control]:
    yield control
    control.reset()


@fact("F2.1", "F2.23")
def test_an_error_is_an_array_and_names_fields_where_a_write_was_refused(ask: Asking) -> None:
    answer = ask.send("POST", "sobjects/Account", json={})
    assert answer.status_code == 400
    assert answer.json() == [
        {
            "message": "Required fields are missing: [Name]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["Name"],
        }
    ]
    assert set(ask.send("GET", "sobjects/Nothing").json()[0]) == {"message", "errorCode"}


@fact("F2.2")
def test_in_collections_the_code_s_key_is_another(ask: Asking) -> None:
    [told] = ask.create_all([typed("Account")])
    assert told["errors"] == [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [Name]",
            "fields": ["Name"],
        }
    ]
    tree = {"records": [{"attributes": {"type": "Account", "referenceId": "a"}}]}
    failed = ask.send("POST", "composite/tree/Account", json=tree).json()["results"][0]
    assert failed["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"


@fact("F2.4")
def test_several_matches_are_a_300_with_paths(ask: Asking, name: Names) -> None:
    email = f"{name()}@example.com"
    ids = [ask.create("Contact", LastName="Twin", Email=email) for _ in range(2)]
    answer = ask.send("PATCH", f"sobjects/Contact/Email/{email}", json={"FirstName": "Ada"})
    assert answer.status_code == httpx.codes.MULTIPLE_CHOICES
    assert sorted(answer.json()) == sorted(ask.url(f"sobjects/Contact/{one}") for one in ids)


@fact("F2.6")
def test_a_method_a_resource_has_not(ask: Asking) -> None:
    told = ask.refused("DELETE", "limits")
    assert (told.status, told.code) == (405, "METHOD_NOT_ALLOWED")


@fact("F2.7")
def test_long_addresses_and_headers(ask: Asking) -> None:
    assert ask.send("GET", "query", params={"q": "x" * 16_500}).status_code == 414
    padded = {"X-Padding": "x" * 16_300}
    assert ask.send("GET", "limits", headers=padded).status_code == 431


@fact("F2.8", "F2.9")
@pytest.mark.parametrize(
    ("header", "code"),
    [("Bearer 00Dno!thing", "INVALID_SESSION_ID"), ("Basic eDp5", "INVALID_AUTH_HEADER")],
)
def test_a_token_that_is_none(ask: Asking, header: str, code: str) -> None:
    told = ask.refused("GET", "limits", headers={"Authorization": header})
    assert (told.status, told.code) == (401, code)
    if code == "INVALID_SESSION_ID":
        assert told.message == "Session expired or invalid"


@fact("F2.10", "F9.3")
def test_the_daily_limit(ask: Asking, faults: Control) -> None:
    faults.tell("limits", {"exhaust": True})
    told = ask.refused("GET", "limits")
    assert (told.status, told.code) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert told.message == "TotalRequests Limit exceeded."


@fact("F2.37")
@pytest.mark.parametrize(
    ("status", "code"), [(503, "SERVER_UNAVAILABLE"), (500, "UNKNOWN_EXCEPTION")]
)
def test_an_org_that_is_unwell(ask: Asking, faults: Control, status: int, code: str) -> None:
    faults.tell("fail", {"count": 1, "status": status})
    told = ask.refused("GET", "limits")
    assert (told.status, told.code) == (status, code)


@fact("F2.13", "F2.14", "F5.4")
@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "nothing", "The requested resource does not exist"),
        ("GET", "sobjects/Nothing__c/describe", "The requested resource does not exist"),
        (
            "PATCH",
            "sobjects/Contact/Title/x",
            "Provided external ID field does not exist or is not accessible: Title",
        ),
        ("PATCH", f"sobjects/Contact/{NOBODY}", ""),
        ("DELETE", f"sobjects/Contact/{NOBODY}", ""),
        ("GET", f"sobjects/Contact/{NOBODY}", ""),
    ],
)
def test_what_is_not_there(ask: Asking, method: str, path: str, message: str) -> None:
    body = {"json": {"FirstName": "Ada"}} if method == "PATCH" else {}
    told = ask.refused(method, path, **body)
    assert told.status == 404
    assert told.code in {"NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"}
    if message:
        assert (told.code, told.message) == ("NOT_FOUND", message)


@fact("F2.15")
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_deleted_record(ask: Asking, method: str) -> None:
    gone = ask.create("Contact", LastName="Gone")
    ask.send("DELETE", f"sobjects/Contact/{gone}")
    body = {"json": {"FirstName": "Ada"}} if method == "PATCH" else {}
    told = ask.refused(method, f"sobjects/Contact/{gone}", **body)
    assert (told.status, told.code) == (404, "ENTITY_IS_DELETED")
    assert (told.message, told.fields) == ("entity is deleted", [])


@fact("F2.16")
def test_an_item_that_names_no_record(ask: Asking) -> None:
    body = {"records": [typed("Contact", Id=NOBODY, LastName="x")]}
    [told] = ask.send("PATCH", "composite/sobjects", json=body).json()
    [error] = told["errors"]
    assert error["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert error["message"] == "invalid cross reference id"


@fact("F2.19", "F2.24", "F2.25", "F2.27", "F2.30")
@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        (
            {"Nothing__c": 1},
            "INVALID_FIELD",
            "No such column 'Nothing__c' on sobject of type Contact",
        ),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG", "data value too large: "),
        ({"Email": "nobody"}, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: nobody"),
        (
            {"CreatedDate": "2026-01-01T00:00:00Z"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: CreatedDate.",
        ),
        (
            {"AccountId": "006000000000001AAA"},
            "MALFORMED_ID",
            "Account ID: id value of incorrect type: 006000000000001AAA",
        ),
    ],
)
def test_what_a_write_is_refused_for(
    ask: Asking, fields: dict[str, object], code: str, message: str
) -> None:
    told = ask.no_create("Contact", **{"LastName": "Lovelace", **fields})
    assert (told.status, told.code) == (400, code)
    assert message in told.message
    if code == "STRING_TOO_LONG":
        assert told.message.endswith("(max length=80)")


@fact("F2.29")
def test_a_body_that_is_no_json(ask: Asking) -> None:
    told = ask.refused(
        "POST", "sobjects/Account", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert (told.status, told.code) == (400, "JSON_PARSER_ERROR")


@fact("F2.57")
def test_a_body_of_another_kind(ask: Asking) -> None:
    told = {"Content-Type": "text/plain"}
    assert ask.send("POST", "sobjects/Account", content=b"x", headers=told).status_code == 415


@fact("F2.30")
def test_an_id_that_is_none(ask: Asking) -> None:
    body = {"records": [typed("Contact", Id="12", LastName="x")]}
    [told] = ask.send("PATCH", "composite/sobjects", json=body).json()
    assert told["errors"][0]["statusCode"] == "MALFORMED_ID"


@fact("F2.31")
def test_a_value_that_is_taken(ask: Asking, name: Names) -> None:
    key = name()
    first = ask.create("Contact", LastName="First", Member_Id__c=key)
    told = ask.no_create("Contact", LastName="Second", Member_Id__c=key)
    assert (told.status, told.code) == (400, "DUPLICATE_VALUE")
    place = f"Member_Id__c duplicates value on record with id: {first[:15]}"
    assert told.message == f"duplicate value found: {place}"


@fact("F2.32")
def test_an_ambiguous_key_in_collections(ask: Asking, name: Names) -> None:
    email = f"{name()}@example.com"
    for _ in range(2):
        ask.create("Contact", LastName="Twin", Email=email)
    body = {"records": [typed("Contact", Email=email, LastName="x")]}
    [told] = ask.send("PATCH", "composite/sobjects/Contact/Email", json=body).json()
    assert told["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID"


@fact("F2.33")
def test_a_locked_row(ask: Asking, faults: Control) -> None:
    made = ask.create("Contact", LastName="Locked")
    faults.tell("locks", {"ids": [made]})
    told = ask.refused("PATCH", f"sobjects/Contact/{made}", json={"FirstName": "Ada"})
    assert (told.status, told.code) == (400, "UNABLE_TO_LOCK_ROW")
    assert told.message.startswith("unable to obtain exclusive access to this record or 1 records")
    assert made in told.message


@fact("F2.28")
def test_a_value_a_restricted_picklist_has_not(ask: Asking) -> None:
    field = ask.field("Care_Plan__c", type="picklist", restrictedPicklist=True)["name"]
    contact = ask.create("Contact", LastName="x")
    told = ask.no_create("Care_Plan__c", Contact__c=contact, **{field: "no such value"})
    assert (told.status, told.code) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
