"""What admins set up: rules that refuse, rewrite, assign, and touch records later."""

from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.automation import STANDARD_DUPLICATE_RULES, AutomationError
from crmlink_salesforce_sim.generate.people import QUEUE
from crmlink_salesforce_sim.oauth.server import Server

ADA = {"LastName": "Obi", "FirstName": "Ada", "Email": "ada@x.example"}
ALLOW = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}


async def post(api: httpx.AsyncClient, body: object, name: str = "Contact") -> httpx.Response:
    return await api.post(f"sobjects/{name}", json=body)


async def read(api: httpx.AsyncClient, record_id: str, name: str = "Contact") -> Any:  # noqa: ANN401 - JSON
    return (await api.get(f"sobjects/{name}/{record_id}")).json()


async def test_validation_rules_speak_the_admins_words(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §2: FIELD_CUSTOM_VALIDATION_EXCEPTION with the admin's text; several at once."""
    empty = ["blank", ["field", "Title"]]
    rules = [
        {"object": "Contact", "name": "a", "when": empty, "message": "No title", "field": "Title"},
        {
            "object": "Contact",
            "name": "b",
            "when": ["and", ["changed", "LastName"], ["=", ["field", "LastName"], "X"]],
            "message": "Never X",
        },
    ]
    server.org.automation.change({"validationRules": rules})
    errors = (await post(api, {"LastName": "X"})).json()
    assert [(one["errorCode"], one["message"], one["fields"]) for one in errors] == [
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "No title", ["Title"]),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Never X", []),
    ]
    made = await post(api, {"LastName": "Y", "Title": "Dr"})
    assert made.status_code == 201
    path = f"sobjects/Contact/{made.json()['id']}"
    assert (await api.patch(path, json={"Title": None})).status_code == 400
    assert (await api.patch(path, json={"Phone": "1"})).status_code == 204


@pytest.mark.parametrize(
    ("version", "key"), [("54.0", "duplicateResut"), ("59.0", "duplicateResult")]
)
async def test_a_duplicate_is_told_with_the_records_it_is_like(
    api: httpx.AsyncClient, server: Server, version: str, key: str
) -> None:
    """Facts §2: DUPLICATES_DETECTED as recorded; the key was misspelt in v54 and v56."""
    server.org.automation.change({"duplicateRules": STANDARD_DUPLICATE_RULES})
    first = (await post(api, ADA)).json()["id"]
    url = f"http://org.test/services/data/v{version}/sobjects/Contact"
    answer = await api.post(url, json={**ADA, "Email": "ADA@x.example"})
    assert answer.status_code == 400
    [error] = answer.json()
    assert (error["errorCode"], error["message"]) == (
        "DUPLICATES_DETECTED",
        "Use one of these records?",
    )
    told = error[key]
    assert (told["allowSave"], told["duplicateRule"]) == (True, "Standard_Contact_Duplicate_Rule")
    [result] = told["matchResults"]
    assert (result["entityType"], result["size"], result["matchEngine"]) == (
        "Contact",
        1,
        "FuzzyMatchEngine",
    )
    assert result["matchRecords"][0]["record"]["Id"] == first
    assert result["matchRecords"][0]["matchConfidence"] == 100.0


async def test_a_duplicate_is_saved_by_who_may_and_never_where_it_is_blocked(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §2: Sforce-Duplicate-Rule-Header: allowSave=true."""
    server.org.automation.change({"duplicateRules": STANDARD_DUPLICATE_RULES})
    first = (await post(api, ADA)).json()["id"]
    second = await api.post("sobjects/Contact", json=ADA, headers=ALLOW)
    assert second.status_code == 201
    own = await api.patch(f"sobjects/Contact/{first}", json={"Title": "Dr"})
    assert own.status_code == 204
    blocking = [{**one, "action": "block"} for one in STANDARD_DUPLICATE_RULES]
    server.org.automation.change({"duplicateRules": blocking})
    blocked = await api.post("sobjects/Contact", json=ADA, headers=ALLOW)
    assert blocked.json()[0]["duplicateResult"]["allowSave"] is False
    record = {"attributes": {"type": "Contact"}, **ADA}
    many = await api.post("composite/sobjects", json={"records": [record]})
    assert many.json()[0]["errors"][0]["statusCode"] == "DUPLICATES_DETECTED"
    lead = await post(api, {**ADA, "Company": "x"}, "Lead")
    found = lead.json()[0]["duplicateResult"]["matchResults"]
    assert [one["entityType"] for one in found] == ["Contact"]


async def test_a_field_is_rewritten_before_the_save(api: httpx.AsyncClient, server: Server) -> None:
    """Facts §10: triggers and flows change what a caller wrote."""
    rules = [
        {"object": "Contact", "field": "FirstName", "value": ["title", ["field", "FirstName"]]},
        {
            "object": "Contact",
            "field": "Phone",
            "value": ["&", "+", ["digits", ["field", "Phone"]]],
            "when": ["changed", "Phone"],
        },
        {"object": "Contact", "field": "LeadSource", "value": "Web", "on": ["create"]},
    ]
    server.org.automation.change({"rewrites": rules})
    made = (await post(api, {"LastName": "Obi", "FirstName": "ADA", "Phone": "1 (415) 5"})).json()
    record = await read(api, made["id"])
    assert (record["Name"], record["Phone"], record["LeadSource"]) == ("Ada Obi", "+14155", "Web")
    await api.patch(f"sobjects/Contact/{made['id']}", json={"LeadSource": "Other"})
    assert (await read(api, made["id"]))["LeadSource"] == "Other"


async def test_a_phone_stays_as_typed(api: httpx.AsyncClient) -> None:
    """Facts §10: the API never reformats."""
    made = (await post(api, {"LastName": "x", "Phone": "415.555-0100 ext 3"})).json()["id"]
    assert (await read(api, made))["Phone"] == "415.555-0100 ext 3"


async def test_a_trigger_that_fails_fails_the_record(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §10: a trigger can fail any write with its own message."""
    trigger = {
        "object": "Contact",
        "message": "System.DmlException: no",
        "when": ["=", ["field", "Title"], "bad"],
        "on": ["create", "delete"],
    }
    server.org.automation.change({"triggers": [trigger]})
    [error] = (await post(api, {"LastName": "x", "Title": "bad"})).json()
    assert error["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert "System.DmlException: no" in error["message"]
    made = (await post(api, {"LastName": "x"})).json()["id"]
    path = f"sobjects/Contact/{made}"
    assert (await api.patch(path, json={"Title": "bad"})).status_code == 204
    assert (await api.delete(path)).status_code == 400


async def test_a_rule_that_breaks_refuses_the_record(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §10: automation can fail any write with its own message."""
    when = [">", ["field", "Title"], 5]
    rule = {"object": "Contact", "name": "x", "when": when, "message": "m"}
    server.org.automation.change({"validationRules": [rule]})
    assert (await post(api, {"LastName": "x"})).status_code == 201
    [error] = (await post(api, {"LastName": "x", "Title": "y"})).json()
    assert error["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"


async def test_a_record_is_touched_again_later(
    api: httpx.AsyncClient,
    server: Server,
    clock: Any,  # noqa: ANN401 - a fixture of conftest
) -> None:
    """Facts §10: SystemModstamp is also moved by system jobs."""
    server.org.automation.change({"touches": [{"object": "Contact", "seconds": 30}]})
    made = (await post(api, {"LastName": "x"})).json()["id"]
    clock.pass_seconds(29)
    assert (await read(api, made))["SystemModstamp"] == "2026-05-01T07:25:37.000+0000"
    clock.pass_seconds(10)
    record = await read(api, made)
    assert record["SystemModstamp"] == "2026-05-01T07:26:07.000+0000"
    assert record["LastModifiedDate"] == "2026-05-01T07:25:37.000+0000"


async def test_a_new_lead_goes_to_the_queue_unless_told_otherwise(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §2: Sforce-Auto-Assign; a lead may belong to a queue."""
    server.org.automation.change({"assignments": [{"object": "Lead", "owner": QUEUE}]})
    body = {"LastName": "x", "Company": "y"}
    made = (await post(api, body, "Lead")).json()["id"]
    assert (await read(api, made, "Lead"))["OwnerId"] == QUEUE
    query = {"q": "SELECT Id, Owner.Name FROM Lead ORDER BY CreatedDate DESC LIMIT 1"}
    [record] = (await api.get("query", params=query)).json()["records"]
    assert (record["Id"], record["Owner"]["Name"]) == (made, "Lead Queue")
    headers = {"Sforce-Auto-Assign": "FALSE"}
    own = (await api.post("sobjects/Lead", json=body, headers=headers)).json()["id"]
    assert (await read(api, own, "Lead"))["OwnerId"].startswith("005")


@pytest.mark.parametrize(
    "document",
    [
        {"rules": []},
        {"triggers": {}},
        {"triggers": [5]},
        {"triggers": [{"message": "x"}]},
        {"triggers": [{"object": "Contact", "message": "x", "when": ["nope"]}]},
        {"triggers": [{"object": "Contact", "message": "x", "other": 1}]},
        {"duplicateRules": [{"object": "Contact", "name": "x", "match": []}]},
        {"touches": [{"object": "Contact", "seconds": -1}]},
        {"assignments": [{"object": "Lead", "owner": "me"}]},
        {"validationRules": [{"object": "C", "name": "x", "message": "m", "when": ["field"]}]},
    ],
)
def test_rules_that_mean_nothing_are_refused_and_the_old_ones_stay(
    server: Server, document: dict[str, object]
) -> None:
    """Facts §10: rules are the org's own; a wrong one is never half set."""
    touches = [{"object": "Contact", "seconds": 5}]
    server.org.automation.change({"touches": touches})
    with pytest.raises(AutomationError):
        server.org.automation.change(document)
    assert server.org.automation.state()["touches"] == touches
