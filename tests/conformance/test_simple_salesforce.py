"""simple-salesforce, unmodified: it is told the host, a token and whom to trust."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from .world import SimulatedOrg, log_in

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
Names = Callable[[], str]
Client = Any  # its attributes are whatever objects an org has


def codes(refused: pytest.ExceptionInfo[SalesforceError]) -> list[str]:
    told: Any = refused.value.content  # parsed already, whatever its type says
    return [one["errorCode"] for one in told]


def test_a_host_and_a_token_are_a_login(
    org: SimulatedOrg, token: str, session: requests.Session
) -> None:
    by_host: Client = Salesforce(
        instance=urlsplit(org.url).netloc, session_id=token, session=session
    )
    assert by_host.query("SELECT COUNT() FROM Contact")["totalSize"] >= 60
    assert by_host.api_usage["api-usage"].total == 100_000
    assert by_host.is_sandbox() is False


def test_a_record_lives_from_create_to_delete(salesforce: Client, name: Names) -> None:
    last = name()
    made = salesforce.Contact.create({"LastName": last, "Email": f"{last}@example.com"})
    assert (made["success"], made["errors"], len(made["id"])) == (True, [], 18)
    assert salesforce.Contact.update(made["id"], {"FirstName": "Ada"}) == 204
    found = salesforce.Contact.get(made["id"])
    assert (found["FirstName"], found["LastName"]) == ("Ada", last)
    assert found["attributes"]["url"].endswith(f"/sobjects/Contact/{made['id']}")
    assert salesforce.Contact.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as refused:
        salesforce.Contact.get(made["id"])
    assert refused.value.status == 404


def test_an_upsert_creates_then_updates(salesforce: Client, name: Names) -> None:
    key = name()
    path = f"Member_Id__c/{key}"
    made = salesforce.Contact.upsert(path, {"LastName": "First"}, raw_response=True)
    assert (made.status_code, made.json()["created"]) == (201, True)
    changed = salesforce.Contact.upsert(path, {"LastName": "Second"}, raw_response=True)
    assert (changed.status_code, changed.json()["created"]) == (200, False)
    assert changed.json()["id"] == made.json()["id"]
    found = salesforce.Contact.get_by_custom_id("Member_Id__c", key)
    assert (found["Id"], found["LastName"]) == (made.json()["id"], "Second")


def test_an_ambiguous_key_raises_more_than_one_record(salesforce: Client, name: Names) -> None:
    email = f"{name()}@example.com"
    for first in ("Ann", "Bob"):
        salesforce.Contact.create({"FirstName": first, "LastName": "Twin", "Email": email})
    with pytest.raises(SalesforceMoreThanOneRecord) as refused:
        salesforce.Contact.upsert(f"Email/{email}", {"FirstName": "Cy"})
    assert len(refused.value.content) == 2


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"FirstName": "Ada"}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"LastName": "x", "Email": "nobody"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": "x", "Nothing__c": 1}, "INVALID_FIELD"),
        (
            {"LastName": "x", "CreatedDate": "2020-01-01T00:00:00Z"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
    ],
)
def test_what_an_org_refuses_is_a_malformed_request(
    salesforce: Client, fields: dict[str, object], code: str
) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Contact.create(fields)
    assert codes(refused) == [code]


def test_a_query_that_is_none_is_a_malformed_request(salesforce: Client) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.query("SELECT Id FORM Contact")
    assert codes(refused) == ["MALFORMED_QUERY"]


def test_a_wrong_token_is_an_expired_session(org: SimulatedOrg, session: requests.Session) -> None:
    stranger: Client = Salesforce(instance_url=org.url, session_id="00Dx!no", session=session)
    with pytest.raises(SalesforceExpiredSession) as refused:
        stranger.query("SELECT Id FROM Contact")
    assert codes(refused) == ["INVALID_SESSION_ID"]


def test_all_rows_come_page_by_page(salesforce: Client, name: Names) -> None:
    mark = name()
    rows = [
        {"attributes": {"type": "Lead"}, "LastName": f"{mark}{n:03}", "Company": mark}
        for n in range(450)
    ]
    for start in range(0, len(rows), 200):
        answer = salesforce.restful(
            "composite/sobjects", method="POST", json={"records": rows[start : start + 200]}
        )
        assert all(one["success"] for one in answer)
    soql = format_soql("SELECT LastName FROM Lead WHERE Company = {} ORDER BY LastName", mark)
    small = {"Sforce-Query-Options": "batchSize=200"}
    first = salesforce.query(soql, headers=small)
    assert (first["totalSize"], first["done"]) == (450, False)
    assert 0 < len(first["records"]) < 450
    locator = first["nextRecordsUrl"].rsplit("/", 1)[1]
    by_locator = salesforce.query_more(locator)
    by_url = salesforce.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    assert by_locator["records"] == by_url["records"]
    told = [row["LastName"] for row in salesforce.query_all_iter(soql, headers=small)]
    assert told == [row["LastName"] for row in rows]
    assert salesforce.query_all(soql)["totalSize"] == 450


def test_deleted_rows_show_in_query_all_alone(salesforce: Client, name: Names) -> None:
    last = name()
    gone = salesforce.Contact.create({"LastName": last})["id"]
    salesforce.Contact.delete(gone)
    soql = format_soql("SELECT Id, IsDeleted FROM Contact WHERE LastName = {}", last)
    assert salesforce.query(soql)["records"] == []
    [row] = salesforce.query_all(soql, include_deleted=True)["records"]
    assert (row["Id"], row["IsDeleted"]) == (gone, True)


def test_text_with_quotes_is_found_again(salesforce: Client, name: Names) -> None:
    last = f'O\'Brien \\ "{name()}"'
    salesforce.Contact.create({"LastName": last})
    [row] = salesforce.query(format_soql("SELECT LastName FROM Contact WHERE LastName = {}", last))[
        "records"
    ]
    assert row["LastName"] == last


def test_descriptions_tell_objects_and_fields(salesforce: Client) -> None:
    told = salesforce.describe()
    assert (told["encoding"], told["maxBatchSize"]) == ("UTF-8", 200)
    assert {"Account", "Contact", "Lead"} <= {one["name"] for one in told["sobjects"]}
    fields = {one["name"]: one for one in salesforce.Contact.describe()["fields"]}
    assert (fields["Email"]["type"], fields["Email"]["idLookup"]) == ("email", True)
    assert set(salesforce.Contact.metadata()) == {"objectDescribe", "recentItems"}


def test_limits_are_told(salesforce: Client) -> None:
    daily = salesforce.limits()["DailyApiRequests"]
    assert daily["Max"] == 100_000
    assert 0 < daily["Remaining"] < daily["Max"]


def test_a_composite_refers_to_its_own_results(salesforce: Client, name: Names) -> None:
    account, contact = f"Clinic {name()}", name()
    base = f"/services/data/v{salesforce.sf_version}/sobjects"
    body = {
        "allOrNone": True,
        "compositeRequest": [
            {
                "method": "POST",
                "url": f"{base}/Account",
                "referenceId": "clinic",
                "body": {"Name": account},
            },
            {
                "method": "POST",
                "url": f"{base}/Contact",
                "referenceId": "person",
                "body": {"LastName": contact, "AccountId": "@{clinic.id}"},
            },
        ],
    }
    told = salesforce.restful("composite", method="POST", json=body)["compositeResponse"]
    assert [one["httpStatusCode"] for one in told] == [201, 201]
    [row] = salesforce.query(
        format_soql("SELECT Account.Name FROM Contact WHERE LastName = {}", contact)
    )["records"]
    assert row["Account"]["Name"] == account


def test_search_finds_by_words(salesforce: Client, name: Names) -> None:
    last = name()
    made = salesforce.Contact.create({"FirstName": "Ada", "LastName": last})["id"]
    found = salesforce.search(f"FIND {{{last}}} IN NAME FIELDS RETURNING Contact(Id, LastName)")
    assert [row["Id"] for row in found["searchRecords"]] == [made]
    quick = salesforce.quick_search(last)
    assert made in [row["Id"] for row in quick["searchRecords"]]
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.search("FIND nothing")
    assert codes(refused) == ["MALFORMED_SEARCH"]


def test_updated_and_deleted_records_are_told(salesforce: Client, name: Names) -> None:
    kept = salesforce.Contact.create({"LastName": name()})["id"]
    gone = salesforce.Contact.create({"LastName": name()})["id"]
    salesforce.Contact.delete(gone)
    now = datetime.now(UTC)
    start, end = now - timedelta(hours=1), now + timedelta(minutes=2)
    updated = salesforce.Contact.updated(start, end)
    assert kept in updated["ids"]
    assert updated["latestDateCovered"].endswith("+0000")
    deleted = salesforce.Contact.deleted(start, end)
    assert gone in [one["id"] for one in deleted["deletedRecords"]]
    assert {"earliestDateAvailable", "latestDateCovered"} <= set(deleted)


def test_an_ended_session_is_told_so(org: SimulatedOrg, session: requests.Session) -> None:
    own = log_in(org)["access_token"]
    client: Client = Salesforce(instance_url=org.url, session_id=own, session=session)
    assert client.limits()
    session.post(f"{org.url}/services/oauth2/revoke", data={"token": own}, timeout=10)
    with pytest.raises(SalesforceExpiredSession):
        client.limits()
