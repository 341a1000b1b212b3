"""What a write takes, keeps and refuses, by kind of field."""

from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.oauth.server import Server


async def contact(api: httpx.AsyncClient) -> str:
    answer = await api.post("sobjects/Contact", json={"LastName": "Obi"})
    return str(answer.json()["id"])


async def plan(api: httpx.AsyncClient, **values: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    body = {"Contact__c": await contact(api), **values}
    return await api.post("sobjects/Care_Plan__c", json=body)


async def read(api: httpx.AsyncClient, record_id: str, name: str = "Care_Plan__c") -> Any:  # noqa: ANN401 - JSON
    return (await api.get(f"sobjects/{name}/{record_id}")).json()


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("Goals__c", "Sleep;Mobility;Sleep", "Mobility;Sleep"),
        ("Visit_Time__c", "07:05", "07:05:00.000Z"),
        ("Visit_Time__c", "17:30:15.5Z", "17:30:15.500Z"),
        ("Next_Visit__c", "2026-05-01T10:00:00+02:00", "2026-05-01T08:00:00.000+0000"),
        ("Start_Date__c", "2026-05-01", "2026-05-01"),
        ("Budget__c", 12.345, 12.35),
        ("Copay__c", "12.5", 12.5),
        ("Consent__c", True, True),
        ("Source__c", "Somewhere new", "Somewhere new"),
        ("Plan_Code__c", "  padded ", "padded"),
        ("Insurance_Number__c", "A123", "A123"),
        ("Portal__c", "example.com/x", "example.com/x"),
        ("Notes__c", "x" * 32768, "x" * 32768),
    ],
)
async def test_a_value_is_kept_as_its_kind_keeps_it(
    api: httpx.AsyncClient, field: str, given: object, kept: object
) -> None:
    """Facts §5: date, datetime and multipicklist forms."""
    answer = await plan(api, **{field: given})
    assert answer.status_code == 201, answer.text
    assert (await read(api, answer.json()["id"]))[field] == kept


@pytest.mark.parametrize(
    ("field", "given", "code"),
    [
        ("Status__c", "Nope", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Goals__c", "Sleep;Nope", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Notes__c", "x" * 32769, "STRING_TOO_LONG"),
        ("Plan_Code__c", "x" * 31, "STRING_TOO_LONG"),
        ("Budget__c", 1e15, "NUMBER_OUTSIDE_VALID_RANGE"),
        ("Copay__c", "much", "JSON_PARSER_ERROR"),
        ("Visit_Time__c", "25:00", "JSON_PARSER_ERROR"),
        ("Start_Date__c", "2026-02-30", "JSON_PARSER_ERROR"),
        ("Consent__c", "maybe", "JSON_PARSER_ERROR"),
        ("Contact_Email__c", "nobody", "INVALID_EMAIL_ADDRESS"),
        ("Remaining__c", 5, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Name", "CP-1", "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Place__c", {"latitude": 1}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Clinic__c", "003dM0000000001QAA", "MALFORMED_ID"),
        ("Coach__c", "005dM00000zzzzz", "INVALID_CROSS_REFERENCE_KEY"),
        ("Contact__c", None, "REQUIRED_FIELD_MISSING"),
    ],
)
async def test_a_value_of_another_kind_is_refused(
    api: httpx.AsyncClient, field: str, given: object, code: str
) -> None:
    """Facts §2: error codes of writes."""
    answer = await plan(api, **{field: given})
    assert answer.status_code == 400
    assert [one["errorCode"] for one in answer.json()] == [code]


async def test_several_mistakes_are_told_at_once(api: httpx.AsyncClient) -> None:
    """Facts §2: the body of an error is an array; fields name what is wrong."""
    answer = await plan(api, Status__c="Nope", Plan_Code__c="x" * 31, Name="x")
    told = {one["errorCode"]: one["fields"] for one in answer.json()}
    assert told == {
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": ["Status__c"],
        "STRING_TOO_LONG": ["Plan_Code__c"],
        "INVALID_FIELD_FOR_INSERT_UPDATE": ["Name"],
    }


async def test_unique_ids_tell_letter_case_apart_only_where_told_to(
    api: httpx.AsyncClient,
) -> None:
    """Facts §2 and §3: DUPLICATE_VALUE; text compares case-insensitively, in every alphabet."""
    assert (await plan(api, Plan_Key__c="Übung", Badge__c="ab")).status_code == 201
    same = await plan(api, Plan_Key__c="üBUNG")
    assert same.json()[0]["errorCode"] == "DUPLICATE_VALUE"
    assert (await plan(api, Badge__c="AB")).status_code == 201
    assert (await plan(api, Badge__c="AB")).json()[0]["errorCode"] == "DUPLICATE_VALUE"
    found = await api.get("query", params={"q": "SELECT Id FROM Care_Plan__c WHERE Badge__c='ab'"})
    assert found.json()["totalSize"] == 1


async def test_formulas_and_numbers_are_the_orgs(api: httpx.AsyncClient) -> None:
    """Facts §5: calculated and autoNumber fields follow the record."""
    made = (await plan(api, Budget__c=200, Copay__c=10)).json()["id"]
    record = await read(api, made)
    assert record["Name"].startswith("CP-0000")
    assert (record["Remaining__c"], record["Is_Open__c"]) == (180.0, True)
    assert record["Title__c"] == f"{record['Name']} Draft"
    await api.patch(f"sobjects/Care_Plan__c/{made}", json={"Status__c": "Closed", "Copay__c": 50})
    record = await read(api, made)
    assert (record["Remaining__c"], record["Is_Open__c"]) == (100.0, False)
    assert record["Title__c"] == f"{record['Name']} Closed"
    query = "SELECT Id FROM Care_Plan__c WHERE Remaining__c = 100 AND Is_Open__c = false"
    assert made in str((await api.get("query", params={"q": query})).json())


async def test_a_place_is_put_together_from_its_two_halves(api: httpx.AsyncClient) -> None:
    """Facts §5: location is compound."""
    given = {"Place__Latitude__s": 52.5, "Place__Longitude__s": 13.4}
    made = (await plan(api, **given)).json()["id"]
    assert (await read(api, made))["Place__c"] == {"latitude": 52.5, "longitude": 13.4}


async def test_a_record_type_has_to_be_an_active_one_of_the_object(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §5: recordTypeInfos; a type narrows the values of a restricted picklist."""
    document = (await api.get("sobjects/Care_Plan__c/describe")).json()
    kinds = {one["developerName"]: one["recordTypeId"] for one in document["recordTypeInfos"]}
    assert (await plan(api, RecordTypeId=kinds["Physiotherapy"])).status_code == 201
    account = (await api.get("sobjects/Account/describe")).json()["recordTypeInfos"][0]
    for wrong in (kinds["Legacy"], account["recordTypeId"]):
        refused = (await plan(api, RecordTypeId=wrong)).json()[0]
        assert refused["errorCode"] == "INVALID_CROSS_REFERENCE_KEY"
        assert refused["fields"] == ["RecordTypeId"]
    mind = kinds["Mental_Health"]
    assert (await plan(api, RecordTypeId=mind, Goals__c="Sleep")).status_code == 201
    narrowed = (await plan(api, RecordTypeId=mind, Goals__c="Strength")).json()[0]
    assert narrowed["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


async def test_the_master_record_type_stands_for_none(api: httpx.AsyncClient) -> None:
    """Facts §5: Master = 012000000000000AAA."""
    made = await plan(api, RecordTypeId="012000000000000AAA")
    assert made.status_code == 201
    assert (await read(api, made.json()["id"]))["RecordTypeId"] is None


async def test_standard_objects_keep_their_own_fields(api: httpx.AsyncClient) -> None:
    """Facts §5: an opportunity's probability, a case's closing, a campaign's members."""
    deal = {"Name": "x", "StageName": "Closed Won", "CloseDate": "2026-06-30", "Amount": 50}
    made = (await api.post("sobjects/Opportunity", json=deal)).json()["id"]
    record = await read(api, made, "Opportunity")
    assert (record["Probability"], record["IsWon"], record["ExpectedRevenue"]) == (100, True, 50)
    account = (await api.post("sobjects/Account", json={"Name": "x"})).json()["id"]
    person = {"LastName": "x", "AccountId": account}
    person = (await api.post("sobjects/Contact", json=person)).json()["id"]
    body = {"Subject": "x", "ContactId": person}
    case = (await api.post("sobjects/Case", json=body)).json()["id"]
    await api.patch(f"sobjects/Case/{case}", json={"Status": "Closed"})
    record = await read(api, case, "Case")
    assert (record["IsClosed"], record["ClosedDate"]) == (True, "2026-05-01T07:25:37.000+0000")
    assert (len(record["CaseNumber"]), record["AccountId"]) == (8, account)
    campaign = (await api.post("sobjects/Campaign", json={"Name": "x"})).json()["id"]
    member = {"CampaignId": campaign, "ContactId": await contact(api)}
    assert (await api.post("sobjects/CampaignMember", json=member)).status_code == 201
    again = (await api.post("sobjects/CampaignMember", json=member)).json()[0]
    assert (again["errorCode"], again["message"]) == (
        "DUPLICATE_VALUE",
        "Already a campaign member.",
    )


async def test_a_task_may_be_about_several_objects(api: httpx.AsyncClient) -> None:
    """Facts §2: MALFORMED_ID for an id of another object; JSON_PARSER_ERROR without attributes."""
    person = await contact(api)
    made = (await api.post("sobjects/Care_Plan__c", json={"Contact__c": person})).json()["id"]
    task = {"WhoId": person, "WhatId": made, "Subject": "Call"}
    assert (await api.post("sobjects/Task", json=task)).status_code == 201
    wrong = (await api.post("sobjects/Task", json={"WhoId": made})).json()[0]
    assert wrong["errorCode"] == "MALFORMED_ID"
    nested = {"Who": {"Email": "x@x.example"}}
    unnamed = (await api.post("sobjects/Task", json=nested)).json()[0]
    assert unnamed["errorCode"] == "JSON_PARSER_ERROR"
