"""sObject rows over HTTP."""

import gzip
import json
from typing import Any

import httpx
import pytest

TOP_KEYS = """
    actionOverrides activateable associateEntityType associateParentEntity childRelationships
    compactLayoutable createable custom customSetting deepCloneable defaultImplementation
    deletable deprecatedAndHidden extendedBy extendsInterfaces feedEnabled fields hasSubtypes
    implementedBy implementsInterfaces isInterface isSubtype keyPrefix label labelPlural
    layoutable listviewable lookupLayoutable mergeable mruEnabled name namedLayoutInfos
    networkScopeFieldName queryable recordTypeInfos replicateable retrieveable searchLayoutable
    searchable sobjectDescribeOption supportedScopes triggerable undeletable updateable urls
"""
FIELD_KEYS = """
    aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula
    cascadeDelete caseSensitive compoundFieldName controllerName createable custom defaultValue
    defaultValueFormula defaultedOnCreate dependentPicklist deprecatedAndHidden digits
    displayLocationInDecimal encrypted externalId extraTypeInfo filterable filteredLookupInfo
    formulaTreatNullNumberAsZero groupable highScaleNumber htmlFormatted idLookup inlineHelpText
    label length mask maskType name nameField namePointing nillable permissionable
    picklistValues polymorphicForeignKey precision queryByDistance referenceTargetField
    referenceTo relationshipName relationshipOrder restrictedDelete restrictedPicklist scale
    searchPrefilterable soapType sortable type unique updateable writeRequiresMasterRead
"""


async def create(api: httpx.AsyncClient, name: str = "Contact", **fields: Any) -> str:  # noqa: ANN401 - JSON
    answer = await api.post(f"sobjects/{name}", json=fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def refused(api: httpx.AsyncClient, name: str = "Contact", **fields: Any) -> Any:  # noqa: ANN401 - JSON
    answer = await api.post(f"sobjects/{name}", json=fields)
    assert answer.status_code == 400
    [error] = answer.json()
    return error


async def test_a_created_record_reads_as_written_with_what_the_org_sets(
    api: httpx.AsyncClient,
) -> None:
    """Facts §5: 201 with Location; Name is compound; whole seconds."""
    answer = await api.post("sobjects/Contact/", json={"FirstName": "Ada", "LastName": "Obi"})
    assert answer.status_code == 201
    made = answer.json()["id"]
    assert answer.json() == {"id": made, "success": True, "errors": []}
    assert answer.headers["location"] == f"/services/data/v59.0/sobjects/Contact/{made}"
    record = (await api.get(f"sobjects/Contact/{made[:15]}")).json()
    assert record["Id"] == made
    assert record["Name"] == "Ada Obi"
    assert record["SystemModstamp"] == "2026-05-01T07:25:37.000+0000"
    assert record["OwnerId"].startswith("005")
    assert record["attributes"]["url"] == f"/services/data/v59.0/sobjects/Contact/{made}"


async def test_an_update_moves_the_modstamp_and_answers_nothing(
    api: httpx.AsyncClient,
    clock: Any,  # noqa: ANN401 - a fixture of conftest
) -> None:
    """Facts §5: PATCH 204 empty."""
    made = await create(api, FirstName="Ada", LastName="Obi")
    clock.pass_seconds(61)
    answer = await api.patch(f"sobjects/Contact/{made}", json={"LastName": "Obi-Lee"})
    assert (answer.status_code, answer.content) == (204, b"")
    path = f"sobjects/Contact/{made}?fields=Name,SystemModstamp,CreatedDate"
    record = (await api.get(path)).json()
    assert record["Name"] == "Ada Obi-Lee"
    assert record["SystemModstamp"] == "2026-05-01T07:26:38.000+0000"
    assert record["CreatedDate"] == "2026-05-01T07:25:37.000+0000"


@pytest.mark.parametrize(
    ("fields", "code", "message", "named"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ["LastName"]),
        ({"LastName": " "}, "REQUIRED_FIELD_MISSING", "[LastName]", ["LastName"]),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG", "(max length=80)", ["LastName"]),
        ({"Email": "x"}, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: x", ["Email"]),
        ({"foo": 1}, "INVALID_FIELD", "No such column 'foo' on sobject of type Contact", None),
        ({"Name": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "fields: Name. Please", ["Name"]),
        ({"AccountId": "x"}, "MALFORMED_ID", "id value of incorrect type: x", ["AccountId"]),
        ({"LastName": 5}, "JSON_PARSER_ERROR", "Cannot deserialize instance of string", None),
    ],
)
async def test_what_an_org_refuses_it_names(
    api: httpx.AsyncClient,
    fields: dict[str, Any],
    code: str,
    message: str,
    named: list[str] | None,
) -> None:
    """Facts §2: codes, messages, and fields on errors of a write."""
    base = {} if code == "REQUIRED_FIELD_MISSING" else {"LastName": "x"}
    error = await refused(api, **{**base, **fields})
    assert error["errorCode"] == code
    assert message in error["message"]
    assert error.get("fields") == named


async def test_references_have_to_lead_somewhere(api: httpx.AsyncClient) -> None:
    """Facts §2: MALFORMED_ID, INVALID_CROSS_REFERENCE_KEY, ENTITY_IS_DELETED."""
    account = await create(api, "Account", Name="Acme")
    contact = await create(api, LastName="x", AccountId=account)
    wrong = await refused(api, LastName="x", AccountId=contact)
    assert wrong["errorCode"] == "MALFORMED_ID"
    unknown = await refused(api, LastName="x", AccountId="001dM00003jU9Gx")
    assert unknown["errorCode"] == "INVALID_CROSS_REFERENCE_KEY"
    await api.delete(f"sobjects/Account/{account}")
    assert (await refused(api, LastName="x", AccountId=account))["errorCode"] == "ENTITY_IS_DELETED"


async def test_a_unique_external_id_is_taken_once(api: httpx.AsyncClient) -> None:
    """Facts §2: DUPLICATE_VALUE names the record by its 15 characters."""
    made = await create(api, LastName="x", Member_Id__c="w/M1")
    error = await refused(api, LastName="y", Member_Id__c="W/m1")
    assert error["errorCode"] == "DUPLICATE_VALUE"
    expected = (
        f"duplicate value found: Member_Id__c duplicates value on record with id: {made[:15]}"
    )
    assert error["message"] == expected


async def test_what_is_gone_and_what_never_was(api: httpx.AsyncClient) -> None:
    """Facts §2: ENTITY_IS_DELETED, INVALID_CROSS_REFERENCE_KEY, NOT_FOUND, all 404."""
    made = await create(api, LastName="x")
    path, never = f"sobjects/Contact/{made}", "sobjects/Contact/003dM00000zzzzz"
    assert (await api.delete(path)).status_code == 204
    for method, url, code in [
        ("GET", path, "ENTITY_IS_DELETED"),
        ("PATCH", path, "ENTITY_IS_DELETED"),
        ("DELETE", path, "ENTITY_IS_DELETED"),
        ("GET", never, "NOT_FOUND"),
        ("PATCH", never, "INVALID_CROSS_REFERENCE_KEY"),
        ("DELETE", never, "INVALID_CROSS_REFERENCE_KEY"),
        ("GET", "sobjects/Nope/003dM00000zzzzz", "NOT_FOUND"),
    ]:
        body = {"LastName": "y"} if method == "PATCH" else None
        answer = await api.request(method, url, json=body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, code), (method, url)
    assert (await api.head(never)).status_code == 404


async def test_upsert_creates_then_updates_and_says_which(api: httpx.AsyncClient) -> None:
    """Facts §5: 201 created true with Location, 200 created false; 204 before v46."""
    path = "sobjects/Contact/Member_Id__c/w%2Fm1"
    new = await api.patch(path, json={"LastName": "x"})
    assert (new.status_code, new.json()["created"]) == (201, True)
    assert new.headers["location"].endswith(new.json()["id"])
    old = await api.patch(path, json={"LastName": "y"})
    assert (old.status_code, old.json()["created"]) == (200, False)
    early = await api.patch(f"http://org.test/services/data/v45.0/{path}", json={"LastName": "z"})
    assert (early.status_code, early.content) == (204, b"")
    update_only = await api.patch(
        "sobjects/Contact/Member_Id__c/new?updateOnly=true", json={"LastName": "x"}
    )
    assert update_only.status_code == 404
    made = old.json()["id"]
    by_id = await api.patch(
        f"sobjects/Contact/Id/{made}?updateOnly=true", json={"LastName": "by id"}
    )
    assert (by_id.status_code, by_id.json()["created"]) == (200, False)
    with_key = await api.patch(path, json={"LastName": "x", "Member_Id__c": "w/m1"})
    assert with_key.json()[0]["errorCode"] == "INVALID_FIELD"


async def test_email_is_an_upsert_key_phone_is_not_and_two_matches_are_300(
    api: httpx.AsyncClient,
) -> None:
    """Facts §5: usable when idLookup; more than one match is 300 with an array of URLs."""
    first = await create(api, LastName="a", Email="Two@x.example")
    second = await create(api, LastName="b", Email="two@x.example")
    both = await api.patch("sobjects/Contact/Email/two%40X.example", json={"LastName": "c"})
    assert both.status_code == 300
    base = "/services/data/v59.0/sobjects/Contact"
    assert both.json() == [f"{base}/{first}", f"{base}/{second}"]
    phone = await api.patch("sobjects/Contact/Phone/1", json={"LastName": "c"})
    assert phone.status_code == 404
    assert "Provided external ID field does not exist" in phone.json()[0]["message"]
    file_like = await api.patch("sobjects/Contact/Email/a%40b.inc", json={"LastName": "c"})
    assert file_like.status_code == 404


async def test_a_converted_lead_fails_for_ever(api: httpx.AsyncClient) -> None:
    """Facts §12: converted leads fail for ever."""
    text = "SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1"
    found = (await api.get("query", params={"q": text})).json()["records"]
    answer = await api.patch(f"sobjects/Lead/{found[0]['Id']}", json={"Title": "x"})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


async def test_an_account_takes_its_contacts_along(api: httpx.AsyncClient) -> None:
    """Facts §5: cascadeDelete of Contact.AccountId."""
    account = await create(api, "Account", Name="Acme")
    contact = await create(api, LastName="x", AccountId=account)
    await api.delete(f"sobjects/Account/{account}")
    answer = await api.get(f"sobjects/Contact/{contact}")
    assert answer.json()[0]["errorCode"] == "ENTITY_IS_DELETED"


async def test_a_describe_document_has_the_keys_and_can_be_asked_for_again_cheaply(
    api: httpx.AsyncClient,
) -> None:
    """Facts §5 and §2: keys, Email idLookup, Master record type, ETag, 304."""
    answer = await api.get("sobjects/Contact/describe")
    document = answer.json()
    fields = {one["name"]: one for one in document["fields"]}
    assert sorted(document) == sorted(TOP_KEYS.split())
    assert sorted(fields["Email"]) == sorted(FIELD_KEYS.split())
    assert (fields["Email"]["idLookup"], fields["Email"]["externalId"]) == (True, False)
    assert (fields["Phone"]["idLookup"], fields["Phone"]["length"]) == (False, 40)
    assert fields["Member_Id__c"]["unique"] is True
    assert document["recordTypeInfos"][-1]["recordTypeId"] == "012000000000000AAA"
    assert set(fields["LeadSource"]["picklistValues"][0]) == {
        "active",
        "defaultValue",
        "label",
        "validFor",
        "value",
    }
    assert answer.headers["etag"]
    since = {"If-Modified-Since": answer.headers["last-modified"]}
    again = await api.get("sobjects/Contact/describe", headers=since)
    assert (again.status_code, again.content) == (304, b"")
    listed = (await api.get("sobjects")).json()
    assert {one["name"] for one in listed["sobjects"]} >= {"Account", "Contact", "Lead", "User"}


async def test_a_packed_body_is_read_and_a_broken_one_is_a_parser_error(
    api: httpx.AsyncClient,
) -> None:
    """Facts §2: Content-Encoding gzip for requests; JSON_PARSER_ERROR."""
    packed = gzip.compress(json.dumps({"LastName": "Packed"}).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await api.post("sobjects/Contact", content=packed, headers=headers)
    assert answer.status_code == 201
    broken = await api.post("sobjects/Contact", content=b'{"LastName": }')
    assert broken.status_code == 400
    assert broken.json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert "Unexpected character ('}' (code 125))" in broken.json()[0]["message"]


async def test_a_wrong_method_a_wrong_version_and_a_retired_one(api: httpx.AsyncClient) -> None:
    """Facts §0 and §2: 405, 404, 410."""
    assert (await api.put("sobjects/Contact", json={})).status_code == 405
    for version, status in [("v67.0", 404), ("v59", 404), ("v30.0", 410), ("v31.0", 200)]:
        answer = await api.get(f"http://org.test/services/data/{version}/limits")
        assert answer.status_code == status, version
