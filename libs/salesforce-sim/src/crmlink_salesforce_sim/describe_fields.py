"""How a describe document tells of a field."""

from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema_field import UNSORTED, Choice, Field
from crmlink_salesforce_sim.schema_object import SObject

SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "long": "xsd:long",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "address": "urn:address",
    "location": "urn:location",
    "base64": "xsd:base64Binary",
}
IDS = ("id", "reference")
NEVER_PREFILTERED = ("User", "RecordType", "Group")
NUMBERS = ("double", "currency", "percent")
NOT_TEXT = (
    *("boolean", "int", "long", "date", "datetime", "time", "address", "location", "base64"),
    *NUMBERS,
)
INT_DIGITS, LONG_DIGITS = 8, 18
SWITCHED_OFF = (
    "aiPredictionField",
    "dependentPicklist",
    "deprecatedAndHidden",
    "displayLocationInDecimal",
    "formulaTreatNullNumberAsZero",
    "highScaleNumber",
)
NOTHING = ("controllerName", "defaultValueFormula", "filteredLookupInfo", "referenceTargetField")


def describe_field(field: Field, sobject: SObject) -> Row:
    """Return how a describe document tells of a field.

    A field that came from a describe document is told as it was there, what the simulator does
    otherwise apart.
    """
    found: Row = {
        **dict.fromkeys(SWITCHED_OFF, False),
        **dict.fromkeys(NOTHING),
        **_abilities(field),
        **_relations(field),
        **_sizes(field),
        "autoNumber": field.autoNumber is not None,
        "calculated": field.calculated,
        "calculatedFormula": field.calculatedFormula,
        "caseSensitive": field.caseSensitive,
        "compoundFieldName": field.compound,
        "createable": field.createable and sobject.writable,
        "custom": field.custom,
        "defaultValue": _default(field),
        "defaultedOnCreate": _defaulted(field),
        "encrypted": field.type == "encryptedstring",
        "externalId": field.externalId,
        "extraTypeInfo": _extra(field, sobject),
        "htmlFormatted": field.html,
        "idLookup": field.lookup,
        "inlineHelpText": field.help,
        "label": field.label,
        "mask": field.mask,
        "maskType": field.maskType,
        "name": field.name,
        "nameField": field.nameField,
        "nillable": field.nillable,
        "picklistValues": [_choice(one, field) for one in field.choices],
        "restrictedPicklist": field.restricted,
        "soapType": SOAP.get(field.type, "xsd:string"),
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable and sobject.writable,
    }
    if field.given is not None:
        found |= {name: value for name, value in field.given.items() if name not in OURS}
    return dict(sorted(found.items()))


OURS = ("filterable", "sortable", "groupable", "aggregatable", "queryByDistance")


def _abilities(field: Field) -> Row:
    """Return what statements may do with the field."""
    usable = field.stored and not field.long_text
    sortable = usable and field.type not in UNSORTED
    settled = field.calculated or field.autoNumber is not None
    far = "latitude" in field.components
    chosen = field.createable and (field.nillable or field.type == "boolean")
    return {
        "aggregatable": sortable and field.type != "boolean",
        "filterable": usable or far,
        "groupable": sortable and not settled and field.type not in (*NUMBERS, "datetime"),
        "permissionable": (chosen or (settled and field.custom) or far)
        and field.compound != "Name",
        "queryByDistance": far,
        "sortable": sortable,
    }


def _relations(field: Field) -> Row:
    """Return what it refers to.

    That a standard parent's deletion takes the record along stands with the parent's children,
    not here; so does that it is refused.
    """
    detail = field.masterDetail and field.custom
    one = len(field.referenceTo) == 1 and field.referenceTo[0] not in NEVER_PREFILTERED
    return {
        "cascadeDelete": detail,
        "namePointing": len(field.referenceTo) > 1,
        "polymorphicForeignKey": len(field.referenceTo) > 1,
        "referenceTo": list(field.referenceTo),
        "relationshipName": field.relationshipName,
        "relationshipOrder": 0 if detail else None,
        "restrictedDelete": False,
        "searchPrefilterable": one and field.name != "MasterRecordId",
        "writeRequiresMasterRead": detail,
    }


def _sizes(field: Field) -> Row:
    text = field.type not in NOT_TEXT
    wide = text and field.type not in IDS
    digits = {"int": INT_DIGITS, "long": LONG_DIGITS}
    return {
        "byteLength": field.length * (3 if wide else 1),
        "digits": digits.get(field.type, 0),
        "length": field.length if text else 0,
        "precision": field.precision,
        "scale": field.scale,
    }


def _extra(field: Field, sobject: SObject) -> str | None:
    if field.type == "textarea":
        return "richtextarea" if field.html else "plaintextarea"
    personal = field.compound == "Name" or (field.nameField and sobject.name_parts)
    return "personname" if personal else None


def _default(field: Field) -> object:
    if field.type == "boolean":
        return field.defaultValue
    return None if field.default == "$user" else field.default


def _defaulted(field: Field) -> bool:
    named = field.nameField and field.autoNumber is None
    system = not field.createable and not field.nillable and not named
    return field.default is not None or field.type == "boolean" or system


def _choice(choice: Choice, field: Field) -> Row:
    return {
        "active": choice.active,
        "defaultValue": choice.value == field.default,
        "label": choice.label,
        "validFor": choice.valid_for,
        "value": choice.value,
    }
