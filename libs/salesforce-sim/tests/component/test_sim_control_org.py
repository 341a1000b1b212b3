"""What an operator sets for the org: clock, limits, tokens, counts, schema, snapshots."""

from typing import Any

import httpx

from crmlink_salesforce_sim.oauth.server import Server

SIM = "http://org.test/_sim/"
CONTACTS = "sobjects/Contact"


async def ask(api: httpx.AsyncClient, name: str, **body: object) -> None:
    answer = await api.post(SIM + name, json=body)
    assert answer.status_code == 204, answer.text


async def test_the_clock_moves_stamps_and_the_date_header(api: httpx.AsyncClient) -> None:
    """Facts §2: Date; stamps go by the org's clock."""
    await ask(api, "clock", seconds=-3600)
    await ask(api, "clock", seconds=60)
    told = (await api.get(SIM + "clock")).json()
    assert told == {"now": "2026-05-01T06:26:37.000+0000", "offset_seconds": -3540}
    made = await api.post(CONTACTS, json={"LastName": "x"})
    assert made.headers["date"] == "Fri, 01 May 2026 06:26:37 GMT"
    row = (await api.get(f"{CONTACTS}/{made.json()['id']}")).json()
    assert row["SystemModstamp"] == "2026-05-01T06:26:37.000+0000"
    await ask(api, "clock", now="2027-01-01T00:00:00Z")
    assert (await api.get(SIM + "clock")).json()["now"] == "2027-01-01T00:00:00.000+0000"
    await api.delete(SIM + "clock")
    assert (await api.get(SIM + "clock")).json()["offset_seconds"] == 0


async def test_the_day_can_be_used_up_and_given_back(api: httpx.AsyncClient) -> None:
    """Facts §9: soft, then 403 REQUEST_LIMIT_EXCEEDED."""
    await ask(api, "limits", max=15000, used=14_999)
    assert (await api.get("limits")).headers["sforce-limit-info"] == "api-usage=15000/15000"
    assert (await api.get("limits")).status_code == 200  # a little over is let pass
    await ask(api, "limits", exhaust=True)
    refused = await api.get("limits")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert (await api.get(SIM + "limits")).json()["exhausted"] is True
    await api.delete(SIM + "limits")
    assert (await api.get("limits")).headers["sforce-limit-info"] == "api-usage=1/100000"


async def test_sessions_expire_while_refresh_tokens_go_on(
    api: httpx.AsyncClient, server: Server
) -> None:
    await ask(api, "revoke", tokens="access")
    assert (await api.get("limits")).status_code == 401
    assert (await api.get(SIM + "revoke")).json() == {"access": 0, "refresh": 1}
    await ask(api, "revoke", user="005dM0000000000AAA")
    assert (await api.get(SIM + "revoke")).json()["refresh"] == 1
    await ask(api, "revoke", user=server.identity.user_id)
    assert (await api.get(SIM + "revoke")).json()["refresh"] == 0


async def test_calls_are_counted_by_caller_and_reset(api: httpx.AsyncClient) -> None:
    await api.get("limits")
    await api.get("limits", headers={"Sforce-Call-Options": "client=Other, defaultNamespace=x"})
    await api.post(CONTACTS, json={"LastName": "x"})
    counts = (await api.get(SIM + "counts")).json()
    expected: dict[str, Any] = {"Tests": {"limits": 1, "sobjects": 1}, "Other": {"limits": 1}}
    assert counts["callers"] == expected
    await api.delete(SIM + "counts")
    empty: dict[str, Any] = {"objects": {}, "clients": {}, "calls": {}, "callers": {}}
    assert (await api.get(SIM + "counts")).json() == empty


async def test_a_field_is_added_changed_renamed_hidden_and_all_is_undone(
    api: httpx.AsyncClient,
) -> None:
    before = (await api.get(f"{CONTACTS}/describe")).json()
    await ask(api, "schema", change="add_field", object="contact", field="Tier__c", length=5)
    made = await api.post(CONTACTS, json={"LastName": "x", "Tier__c": "gold"})
    await ask(api, "schema", change="change_field", object="Contact", field="Tier__c", length=3)
    long = await api.post(CONTACTS, json={"LastName": "x", "Tier__c": "gold"})
    assert long.json()[0]["errorCode"] == "STRING_TOO_LONG"
    await ask(
        api, "schema", change="rename_field", object="Contact", field="Tier__c", to="Level__c"
    )
    row = (await api.get(f"{CONTACTS}/{made.json()['id']}", params={"fields": "Level__c"})).json()
    assert row["Level__c"] == "gold"
    described = (await api.get(f"{CONTACTS}/describe")).json()["fields"]
    assert [one["length"] for one in described if one["name"] == "Level__c"] == [3]
    await ask(api, "schema", change="hide_field", object="Contact", field="Level__c")
    query = await api.get("query", params={"q": "SELECT Level__c FROM Contact"})
    assert query.json()[0]["errorCode"] == "INVALID_FIELD"
    assert len((await api.get(SIM + "schema")).json()["changes"]) == 4
    await api.delete(SIM + "schema")
    assert (await api.get(f"{CONTACTS}/describe")).json()["fields"] == before["fields"]


async def test_a_picklist_gets_other_values_and_a_field_becomes_required(
    api: httpx.AsyncClient,
) -> None:
    schema = {"object": "Lead", "field": "Rating"}
    await ask(api, "schema", change="change_field", **schema, picklist=["A", "B"], restricted=True)
    lead = {"LastName": "x", "Company": "y"}
    wrong = await api.post("sobjects/Lead", json={**lead, "Rating": "C"})
    assert wrong.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    await ask(api, "schema", change="change_field", **schema, required=True)
    missing = await api.post("sobjects/Lead", json=lead)
    assert missing.json()[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert (await api.post("sobjects/Lead", json={**lead, "Rating": "A"})).status_code == 201


async def test_an_object_is_made_read_only_or_hidden(api: httpx.AsyncClient) -> None:
    await ask(api, "schema", change="read_only", object="Contact")
    assert (await api.post(CONTACTS, json={"LastName": "x"})).status_code >= 400
    await ask(api, "schema", change="writable", object="Contact")
    assert (await api.post(CONTACTS, json={"LastName": "x"})).status_code == 201
    await ask(api, "schema", change="hide_object", object="Account")
    assert (await api.get("sobjects/Account/describe")).status_code == 404
    query = await api.get("query", params={"q": "SELECT Account.Name FROM Contact"})
    assert query.status_code == 400
    await api.delete(SIM + "schema")
    assert (await api.get("sobjects/Account/describe")).status_code == 200


async def test_a_field_every_object_needs_stays(api: httpx.AsyncClient) -> None:
    body = {"change": "remove_field", "object": "Contact", "field": "SystemModstamp"}
    answer = await api.post(SIM + "schema", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, "field")


async def test_a_snapshot_tells_what_changed_since(
    api: httpx.AsyncClient,
    clock: Any,  # noqa: ANN401 - a fixture of conftest
) -> None:
    ids = [(await api.post(CONTACTS, json={"LastName": name})).json()["id"] for name in "ab"]
    assert (await api.post(SIM + "snapshots/start")).status_code == 204
    assert (await api.get(SIM + "snapshots/start")).json() == {"snapshot": "start", "objects": {}}
    clock.pass_seconds(5)
    new = (await api.post(CONTACTS, json={"LastName": "c"})).json()["id"]
    await api.patch(f"{CONTACTS}/{ids[0]}", json={"FirstName": "A"})
    await api.delete(f"{CONTACTS}/{ids[1]}")
    told = (await api.get(SIM + "snapshots/start")).json()["objects"]["Contact"]
    assert (told["created"], told["deleted"]) == ([new], [ids[1]])
    assert told["total"] == {"created": 1, "changed": 1, "deleted": 1}
    [changed] = told["changed"]
    assert changed["id"] == ids[0]
    assert changed["fields"]["FirstName"] == {"before": None, "after": "A"}
    assert "SystemModstamp" in changed["fields"]
    assert (await api.get(SIM + "snapshots")).json() == {"snapshots": ["start"]}
    await api.delete(SIM + "snapshots/start")
    assert (await api.get(SIM + "snapshots/start")).status_code == 404


async def test_snapshots_are_few_and_well_named(api: httpx.AsyncClient) -> None:
    assert (await api.post(SIM + "snapshots/a%20b")).status_code == 400
    for most in ("many", "-1", "1234567"):
        answer = await api.get(SIM + "snapshots/s", params={"most": most})
        assert (answer.status_code, answer.json()["field"]) == (400, "most")
    for n in range(5):
        assert (await api.post(f"{SIM}snapshots/s{n}")).status_code == 204
    assert (await api.post(SIM + "snapshots/s5")).status_code == 400
    await api.delete(SIM + "snapshots")
    assert (await api.get(SIM + "snapshots")).json() == {"snapshots": []}


async def test_rules_are_set_told_and_taken_back(api: httpx.AsyncClient) -> None:
    """Facts §2: FIELD_CUSTOM_VALIDATION_EXCEPTION carries the admin's text."""
    rule = {"object": "Contact", "name": "r", "message": "No Smiths", "when": 1}
    await ask(api, "automation", validationRules=[rule])
    refused = await api.post(CONTACTS, json={"LastName": "Smith"})
    assert refused.json()[0]["errorCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert refused.json()[0]["message"] == "No Smiths"
    told = (await api.get(SIM + "automation")).json()["validationRules"]
    assert [one["name"] for one in told] == ["r"]
    answer = await api.post(SIM + "automation", json={"validationRules": [{"name": "x"}]})
    assert (answer.status_code, answer.json()["field"]) == (400, "validationRules[0]")
    assert (await api.post(SIM + "automation", json={})).status_code == 400
    await api.delete(SIM + "automation")
    assert (await api.post(CONTACTS, json={"LastName": "Smith"})).status_code == 201


async def test_the_standard_duplicate_rules_are_switched(api: httpx.AsyncClient) -> None:
    """Facts §2: DUPLICATES_DETECTED."""
    contact = {"LastName": "Twin", "Email": "twin@example.com"}
    await ask(api, "duplicate-rules", on=True)
    assert (await api.get(SIM + "duplicate-rules")).json()["on"] is True
    await api.post(CONTACTS, json=contact)
    second = await api.post(CONTACTS, json=contact)
    assert second.json()[0]["errorCode"] == "DUPLICATES_DETECTED"
    await ask(api, "duplicate-rules", on=False)
    assert (await api.post(CONTACTS, json=contact)).status_code == 201


async def test_person_accounts_are_switched_on_for_good(api: httpx.AsyncClient) -> None:
    """Facts §10: Account.PersonEmail, and a contact row of its own."""
    assert (await api.get(SIM + "person-accounts")).json() == {"on": False}
    await ask(api, "person-accounts", on=True)
    account = {"LastName": "Person", "PersonEmail": "p@example.com"}
    assert (await api.post("sobjects/Account", json=account)).status_code == 201
    query = "SELECT Email FROM Contact WHERE LastName = 'Person'"
    found = (await api.get("query", params={"q": query})).json()["records"]
    assert [one["Email"] for one in found] == ["p@example.com"]
    answer = await api.post(SIM + "person-accounts", json={"on": False})
    assert (answer.status_code, answer.json()["field"]) == (400, "on")
