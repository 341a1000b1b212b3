"""How a describe document tells of a field."""

from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema import Field, SObject

SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
}
IDS = ("id", "reference")
NUMBERS = ("double", "currency", "percent")
NOT_TEXT = ("boolean", "int", "date", "datetime", "address", *NUMBERS)
SWITCHED_OFF = (
    "aiPredictionField",
    "autoNumber",
    "calculated",
    "dependentPicklist",
    "deprecatedAndHidden",
    "displayLocationInDecimal",
    "encrypted",
    "formulaTreatNullNumberAsZero",
    "highScaleNumber",
    "htmlFormatted",
    "restrictedDelete",
    "searchPrefilterable",
    "writeRequiresMasterRead",
)
NOTHING = (
    "calculatedFormula",
    "controllerName",
    "defaultValueFormula",
    "extraTypeInfo",
    "filteredLookupInfo",
    "inlineHelpText",
    "mask",
    "maskType",
    "referenceTargetField",
    "relationshipOrder",
)


def describe_field(field: Field, sobject: SObject) -> Row:
    """Return how a describe document tells of a field."""
    text = field.type not in NOT_TEXT
    usable = field.stored and not field.long_text
    own_name = field.nameField and bool(sobject.name_parts)
    found: Row = {
        **dict.fromkeys(SWITCHED_OFF, False),
        **dict.fromkeys(NOTHING),
        "aggregatable": usable and field.type != "boolean",
        "byteLength": field.length * (3 if text and field.type not in IDS else 1),
        "cascadeDelete": field.cascade,
        "caseSensitive": field.type == "id",
        "compoundFieldName": field.compound,
        "createable": field.createable and sobject.writable,
        "custom": field.custom,
        "defaultValue": _default(field),
        "defaultedOnCreate": _defaulted(field),
        "digits": 9 if field.type == "int" else 0,
        "externalId": field.externalId,
        "filterable": usable,
        "groupable": usable and field.type not in (*NUMBERS, "datetime"),
        "idLookup": field.lookup,
        "label": "Full Name" if own_name else field.label,
        "length": field.length if text else 0,
        "name": field.name,
        "nameField": field.nameField,
        "namePointing": len(field.referenceTo) > 1,
        "nillable": field.nillable,
        "permissionable": field.nillable and field.createable,
        "picklistValues": [_choice(one, field) for one in field.picklist],
        "polymorphicForeignKey": len(field.referenceTo) > 1,
        "precision": field.precision,
        "queryByDistance": False,
        "referenceTo": list(field.referenceTo),
        "relationshipName": field.relationshipName,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "soapType": SOAP.get(field.type, "xsd:string"),
        "sortable": usable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable and sobject.writable,
    }
    return dict(sorted(found.items()))


def _default(field: Field) -> object:
    if field.type == "boolean":
        return field.defaultValue
    return None if field.default == "$user" else field.default


def _defaulted(field: Field) -> bool:
    system = not field.createable and not field.nillable
    return field.default is not None or field.type == "boolean" or system


def _choice(value: str, field: Field) -> Row:
    return {
        "active": True,
        "defaultValue": value == field.default,
        "label": value,
        "validFor": None,
        "value": value,
    }
