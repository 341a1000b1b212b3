"""Facts §5: what an org tells of its objects."""

from __future__ import annotations

import pytest

from .asking import Asking

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
OBJECT = [
    "activateable",
    "associateEntityType",
    "associateParentEntity",
    "createable",
    "custom",
    "customSetting",
    "deepCloneable",
    "deletable",
    "deprecatedAndHidden",
    "feedEnabled",
    "hasSubtypes",
    "isInterface",
    "isSubtype",
    "keyPrefix",
    "label",
    "labelPlural",
    "layoutable",
    "mergeable",
    "mruEnabled",
    "name",
    "queryable",
    "replicateable",
    "retrieveable",
    "searchable",
    "triggerable",
    "undeletable",
    "updateable",
    "urls",
]
WHOLE = [
    "actionOverrides",
    "childRelationships",
    "compactLayoutable",
    "defaultImplementation",
    "extendedBy",
    "extendsInterfaces",
    "fields",
    "implementedBy",
    "implementsInterfaces",
    "listviewable",
    "lookupLayoutable",
    "namedLayoutInfos",
    "networkScopeFieldName",
    "recordTypeInfos",
    "searchLayoutable",
    "sobjectDescribeOption",
    "supportedScopes",
]
FIELD = [
    "aggregatable",
    "aiPredictionField",
    "autoNumber",
    "byteLength",
    "calculated",
    "calculatedFormula",
    "cascadeDelete",
    "caseSensitive",
    "compoundFieldName",
    "controllerName",
    "createable",
    "custom",
    "defaultValue",
    "defaultValueFormula",
    "defaultedOnCreate",
    "dependentPicklist",
    "deprecatedAndHidden",
    "digits",
    "displayLocationInDecimal",
    "encrypted",
    "externalId",
    "extraTypeInfo",
    "filterable",
    "filteredLookupInfo",
    "formulaTreatNullNumberAsZero",
    "groupable",
    "highScaleNumber",
    "htmlFormatted",
    "idLookup",
    "inlineHelpText",
    "label",
    "length",
    "mask",
    "maskType",
    "name",
    "nameField",
    "namePointing",
    "nillable",
    "permissionable",
    "picklistValues",
    "polymorphicForeignKey",
    "precision",
    "queryByDistance",
    "referenceTargetField",
    "referenceTo",
    "relationshipName",
    "relationshipOrder",
    "restrictedDelete",
    "restrictedPicklist",
    "scale",
    "searchPrefilterable",
    "soapType",
    "sortable",
    "type",
    "unique",
    "updateable",
    "writeRequiresMasterRead",
]
VALUE = ["active", "defaultValue", "label", "validFor", "value"]
CHILD = [
    "cascadeDelete",
    "childSObject",
    "deprecatedAndHidden",
    "field",
    "junctionIdListNames",
    "junctionReferenceTo",
    "relationshipName",
    "restrictedDelete",
]
RECORD_TYPE = [
    "active",
    "available",
    "defaultRecordTypeMapping",
    "developerName",
    "master",
    "name",
    "recordTypeId",
    "urls",
]
TYPES = [
    "id",
    "string",
    "boolean",
    "reference",
    "picklist",
    "multipicklist",
    "textarea",
    "phone",
    "email",
    "url",
    "date",
    "datetime",
    "time",
    "double",
    "int",
    "long",
    "currency",
    "percent",
    "address",
    "location",
    "encryptedstring",
    "base64",
    "combobox",
    "anyType",
    "complexvalue",
]
OBJECTS = [
    "Account",
    "Contact",
    "Lead",
    "Opportunity",
    "Case",
    "Task",
    "User",
    "RecordType",
    "CampaignMember",
    "Care_Plan__c",
]


@fact("F5.15", "F5.16")
def test_all_objects(ask: Asking) -> None:
    told = ask.get("sobjects")
    assert (told["encoding"], told["maxBatchSize"]) == ("UTF-8", 200)
    assert set(OBJECTS) <= {one["name"] for one in told["sobjects"]}
    assert all(sorted(one) == sorted(OBJECT) for one in told["sobjects"])


@fact("F5.17")
def test_an_object_in_short(ask: Asking) -> None:
    told = ask.get("sobjects/Contact")
    assert set(told) == {"objectDescribe", "recentItems"}
    assert sorted(told["objectDescribe"]) == sorted(OBJECT)


@fact("F5.18", "F5.19", "F5.20", "F5.21", "F5.22")
@pytest.mark.parametrize("sobject", OBJECTS)
def test_an_object_in_full(ask: Asking, sobject: str) -> None:
    told = ask.describe(sobject)
    assert set(OBJECT) | set(WHOLE) <= set(told)
    for field in told["fields"]:
        assert sorted(field) == sorted(FIELD), field["name"]
        assert field["type"] in TYPES
        assert all(sorted(one) == sorted(VALUE) for one in field["picklistValues"])
    assert all(sorted(one) == sorted(CHILD) for one in told["childRelationships"])
    for one in told["recordTypeInfos"]:
        assert sorted(one) == sorted(RECORD_TYPE)
        assert one["master"] is (one["recordTypeId"] == "012000000000000AAA")


@fact("F5.18")
def test_a_contact_belongs_to_an_account(ask: Asking) -> None:
    field = ask.field("Contact", name="AccountId")
    assert (field["type"], field["referenceTo"]) == ("reference", ["Account"])
    assert field["relationshipName"] == "Account"
    children = ask.describe("Account")["childRelationships"]
    named = {(one["childSObject"], one["field"]): one["relationshipName"] for one in children}
    assert named["Contact", "AccountId"] == "Contacts"
