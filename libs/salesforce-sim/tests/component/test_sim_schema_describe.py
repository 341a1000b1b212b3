"""Describe documents: every object, every kind of field, whole and true."""

from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.schema import changed_field

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
TOP_KEYS = """
    actionOverrides activateable associateEntityType associateParentEntity childRelationships
    compactLayoutable createable custom customSetting deepCloneable defaultImplementation
    deletable deprecatedAndHidden extendedBy extendsInterfaces feedEnabled fields hasSubtypes
    implementedBy implementsInterfaces isInterface isSubtype keyPrefix label labelPlural
    layoutable listviewable lookupLayoutable mergeable mruEnabled name namedLayoutInfos
    networkScopeFieldName queryable recordTypeInfos replicateable retrieveable searchLayoutable
    searchable sobjectDescribeOption supportedScopes triggerable undeletable updateable urls
"""
LISTED_KEYS = """
    activateable associateEntityType associateParentEntity createable custom customSetting
    deepCloneable deletable deprecatedAndHidden feedEnabled hasSubtypes isInterface isSubtype
    keyPrefix label labelPlural layoutable mergeable mruEnabled name queryable replicateable
    retrieveable searchable triggerable undeletable updateable urls
"""
CHILD_KEYS = """
    cascadeDelete childSObject deprecatedAndHidden field junctionIdListNames
    junctionReferenceTo relationshipName restrictedDelete
"""
RECORD_TYPE_KEYS = """
    active available defaultRecordTypeMapping developerName master name recordTypeId urls
"""
OBJECTS = """
    Account Campaign CampaignMember Care_Plan__c Case Contact Group Lead Opportunity
    OpportunityStage Organization RecordType Task User
"""


async def described(api: httpx.AsyncClient, name: str) -> dict[str, Any]:
    answer = await api.get(f"sobjects/{name}/describe")
    assert answer.status_code == 200
    return answer.json()  # type: ignore[no-any-return]


async def fields_of(api: httpx.AsyncClient, name: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in (await described(api, name))["fields"]}


@pytest.mark.parametrize("name", OBJECTS.split())
async def test_every_object_is_described_with_every_key(api: httpx.AsyncClient, name: str) -> None:
    """Facts §5: keys of a describe document, its fields, children and record types."""
    document = await described(api, name)
    assert sorted(document) == TOP_KEYS.split()
    for one in document["fields"]:
        assert sorted(one) == FIELD_KEYS.split(), one["name"]
        for choice in one["picklistValues"]:
            assert sorted(choice) == ["active", "defaultValue", "label", "validFor", "value"]
    for one in document["childRelationships"]:
        assert sorted(one) == CHILD_KEYS.split()
    for one in document["recordTypeInfos"]:
        assert sorted(one) == RECORD_TYPE_KEYS.split()
    master = document["recordTypeInfos"][-1]
    assert (master["master"], master["recordTypeId"]) == (True, "012000000000000AAA")


async def test_the_global_document_lists_every_object(api: httpx.AsyncClient) -> None:
    """Facts §5: encoding, maxBatchSize and the keys of each object."""
    listed = (await api.get("sobjects")).json()
    assert (listed["encoding"], listed["maxBatchSize"]) == ("UTF-8", 200)
    assert {one["name"] for one in listed["sobjects"]} == set(OBJECTS.split())
    for one in listed["sobjects"]:
        assert sorted(one) == LISTED_KEYS.split()
    prefixes = [one["keyPrefix"] for one in listed["sobjects"]]
    assert len(set(prefixes)) == len(prefixes)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Plan_Key__c", {"externalId": True, "unique": True, "caseSensitive": False}),
        ("Plan_Code__c", {"externalId": True, "unique": False, "idLookup": True}),
        ("Badge__c", {"externalId": False, "unique": True, "caseSensitive": True}),
        ("Status__c", {"type": "picklist", "restrictedPicklist": True, "defaultValue": "Draft"}),
        ("Source__c", {"type": "picklist", "restrictedPicklist": False}),
        ("Goals__c", {"type": "multipicklist", "sortable": False, "groupable": False}),
        ("Contact__c", {"type": "reference", "relationshipOrder": 0, "cascadeDelete": True}),
        ("Clinic__c", {"type": "reference", "relationshipOrder": None, "nillable": True}),
        ("Notes__c", {"type": "textarea", "length": 32768, "filterable": False}),
        ("Guide__c", {"htmlFormatted": True, "extraTypeInfo": "richtextarea"}),
        ("Budget__c", {"type": "currency", "precision": 16, "scale": 2, "soapType": "xsd:double"}),
        ("Copay__c", {"type": "percent", "precision": 5, "scale": 2}),
        ("Start_Date__c", {"type": "date", "soapType": "xsd:date", "groupable": True}),
        ("Visit_Time__c", {"type": "time", "soapType": "xsd:time"}),
        ("Next_Visit__c", {"type": "datetime", "groupable": False, "sortable": True}),
        ("Consent__c", {"type": "boolean", "defaultValue": False, "aggregatable": False}),
        ("Portal__c", {"type": "url", "length": 255, "byteLength": 765}),
        ("Name", {"autoNumber": True, "nameField": True, "createable": False}),
        ("Remaining__c", {"calculated": True, "createable": False, "updateable": False}),
        ("Insurance_Number__c", {"encrypted": True, "filterable": False, "mask": "X"}),
        ("Place__c", {"type": "location", "soapType": "urn:location", "queryByDistance": True}),
        ("Place__Latitude__s", {"compoundFieldName": "Place__c", "custom": True}),
    ],
)
async def test_a_care_plan_has_every_kind_of_field(
    api: httpx.AsyncClient, name: str, expected: dict[str, Any]
) -> None:
    """Facts §5: field keys with values that are true."""
    field = (await fields_of(api, "Care_Plan__c"))[name]
    assert {key: field[key] for key in expected} == expected


async def test_standard_fields_are_as_recorded(api: httpx.AsyncClient) -> None:
    """Facts §5: Contact.Email idLookup, not externalId, 80; Phone 40, no idLookup."""
    contact = await fields_of(api, "Contact")
    email, phone = contact["Email"], contact["Phone"]
    assert (email["idLookup"], email["externalId"], email["length"]) == (True, False, 80)
    assert (phone["idLookup"], phone["length"]) == (False, 40)
    who = (await fields_of(api, "Task"))["WhoId"]
    assert (who["polymorphicForeignKey"], who["namePointing"]) == (True, True)
    assert who["referenceTo"] == ["Contact", "Lead"]
    assert (await fields_of(api, "Lead"))["OwnerId"]["referenceTo"] == ["Group", "User"]
    number = (await fields_of(api, "Case"))["CaseNumber"]
    assert (number["autoNumber"], number["nameField"]) == (True, True)


async def test_children_and_record_types_are_told(api: httpx.AsyncClient) -> None:
    """Facts §5: childRelationships and recordTypeInfos; an inactive type is not available."""
    account = await described(api, "Account")
    children = {one["relationshipName"]: one for one in account["childRelationships"]}
    assert children["Contacts"]["childSObject"] == "Contact"
    assert children["Opportunities"]["field"] == "AccountId"
    assert children["Cases"]["restrictedDelete"] is True
    kinds = {one["developerName"]: one for one in account["recordTypeInfos"]}
    assert (kinds["Clinic"]["active"], kinds["Clinic"]["available"]) == (True, True)
    assert (kinds["Partner"]["active"], kinds["Partner"]["available"]) == (False, False)
    assert kinds["Clinic"]["recordTypeId"].startswith("012")
    scopes = {one["name"] for one in account["supportedScopes"]}
    assert scopes == {"everything", "mine"}


async def test_a_change_within_the_same_second_is_not_missed(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §2: If-Modified-Since has whole seconds."""
    first = await api.get("sobjects/Contact/describe")
    since = {"If-Modified-Since": first.headers["last-modified"]}
    assert (await api.get("sobjects/Contact/describe", headers=since)).status_code == 304
    schema = server.org.schema
    spec: Row = {"name": "Nickname__c", "type": "string", "length": 20}
    schema.put(changed_field(schema.objects["Contact"], spec))
    server.org.store.add(schema.objects["Contact"])
    server.org.describes.changed()
    again = await api.get("sobjects/Contact/describe", headers=since)
    assert again.status_code == 200
    assert "Nickname__c" in {one["name"] for one in again.json()["fields"]}
    made = await api.post("sobjects/Contact", json={"LastName": "x", "Nickname__c": "y"})
    assert made.status_code == 201
