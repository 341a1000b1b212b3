"""Objects as a real org describes them: read from files, merged into the schema."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from crmlink_salesforce_sim.errors import Row, StartError
from crmlink_salesforce_sim.schema import Schema
from crmlink_salesforce_sim.schema_field import Choice, Field
from crmlink_salesforce_sim.schema_object import RecordType, SObject
from crmlink_salesforce_sim.schema_reading import LENGTHS, system_fields

MASTER = "012000000000000AAA"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z")
_PREFIX = re.compile(r"[A-Za-z0-9]{3}\Z")
ADDRESS = {
    "street": "Street",
    "city": "City",
    "state": "State",
    "postalCode": "PostalCode",
    "country": "Country",
    "stateCode": "StateCode",
    "countryCode": "CountryCode",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "geocodeAccuracy": "GeocodeAccuracy",
}
PLACE = {"latitude": "__Latitude__s", "longitude": "__Longitude__s"}
COPIED = (
    *("label", "length", "precision", "scale", "createable", "updateable", "idLookup"),
    *("externalId", "unique", "caseSensitive", "nameField", "restrictedDelete"),
    *("relationshipName", "calculatedFormula", "mask", "maskType"),
)


def read_documents(path: Path) -> list[Row]:
    """Return the describe documents of a file (one, or a list) or of a folder of such files.

    Raises StartError naming the file that cannot be read or is none.
    """
    if path.is_dir():
        return [one for file in sorted(path.glob("*.json")) for one in read_documents(file)]
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        told = f"The objects file {path} cannot be read ({type(exc).__name__}):"
        raise StartError(f"{told} give describe documents as an org answers them.") from exc
    documents = found if isinstance(found, list) else [found]
    for one in documents:
        if not isinstance(one, dict) or not isinstance(one.get("fields"), list):
            told = f"The objects file {path} holds no describe document:"
            raise StartError(f"{told} it has to have name, keyPrefix and fields.")
        _check_names(path, one)
    return documents


def _check_names(path: Path, document: Row) -> None:
    """Let no name in that is not one of Salesforce's: names become columns."""
    fields = cast("list[Row]", document["fields"])
    for name in (document.get("name"), *(one.get("name") for one in fields)):
        if not isinstance(name, str) or not _NAME.match(name):
            raise StartError(f"The objects file {path} has a name that is none: {name!r}")
    if not all(isinstance(one.get("type"), str) for one in fields):
        raise StartError(f"The objects file {path} has fields without a type.")


def merge_documents(schema: Schema, documents: Iterable[Row]) -> list[SObject]:
    """Put the documents' objects and fields into the schema; return the objects changed.

    References to objects nobody knows take any id and cannot be followed.
    """
    found = {str(one["name"]): one for one in documents}
    known = {*schema.objects, *found}
    for name, document in found.items():
        schema.put(_merged(schema, schema.objects.get(name), document, known))
    for document in found.values():
        _name_children(schema, document)
    return [schema.objects[name] for name in found]


def _merged(schema: Schema, own: SObject | None, document: Row, known: set[str]) -> SObject:
    rows = cast("list[Row]", document["fields"])
    fields = dict(own.fields) if own else {}
    for row in rows:
        name = str(row["name"])
        fields[name] = _field(row, rows, known, fields.get(name))
    for name, one in system_fields().items():
        fields.setdefault(name, one)
    writable = bool(document.get("createable") or document.get("updateable"))
    return SObject(
        name=str(document["name"]),
        label=str(document.get("label") or document["name"]),
        label_plural=str(document.get("labelPlural") or document.get("label") or document["name"]),
        key_prefix=own.key_prefix if own else _prefix(schema, document),
        fields=fields,
        writable=own.writable if own else writable,
        mergeable=bool(document.get("mergeable")),
        name_parts=own.name_parts if own else _name_parts(rows),
        frozen_when=own.frozen_when if own else None,
        record_types=_record_types(document, own),
        given=document,
    )


def _field(row: Row, rows: list[Row], known: set[str], own: Field | None) -> Field:
    kind = str(row["type"])
    targets = [str(one) for one in cast("list[object]", row.get("referenceTo") or [])]
    given: dict[str, Any] = {name: row[name] for name in COPIED if row.get(name) is not None}
    given["referenceTo"] = tuple(one for one in targets if one in known)
    given["loose"] = len(given["referenceTo"]) < len(targets)
    if not given["referenceTo"]:
        given["relationshipName"] = None
    given["components"] = _components(row, rows)
    given["choices"] = tuple(map(_choice, cast("list[Row]", row.get("picklistValues") or [])))
    given["restricted"] = bool(row.get("restrictedPicklist"))
    given["cascade"] = bool(row.get("cascadeDelete"))
    given["masterDetail"] = row.get("relationshipOrder") is not None
    given["compound"] = row.get("compoundFieldName")
    given["html"] = bool(row.get("htmlFormatted"))
    given["nillable"] = bool(row.get("nillable", True) or row.get("defaultedOnCreate"))
    given |= _defaults(row, kind)
    if row.get("autoNumber"):
        given["autoNumber"] = "{00000}"
    if own is not None:
        kept = ("default", "defaultValue") if own.default is not None else ()
        told = {name: value for name, value in given.items() if name not in kept}
        told["type"], told["autoNumber"] = kind, own.autoNumber
        told["cascade"] = own.cascade or given["cascade"]
        told["restrictedDelete"] = own.restrictedDelete
        return replace(own, **told, given=row)
    given.setdefault("length", LENGTHS.get(kind, 0))
    return Field(name=str(row["name"]), type=kind, given=row, **given)


def _defaults(row: Row, kind: str) -> dict[str, Any]:
    default = row.get("defaultValue")
    if kind == "boolean":
        return {"defaultValue": default is True}
    if row["name"] == "OwnerId":
        return {"default": "$user"}
    if isinstance(default, str | int | float):
        return {"default": default}
    chosen = [
        one["value"]
        for one in cast("list[Row]", row.get("picklistValues") or [])
        if one.get("defaultValue") and one.get("active", True)
    ]
    return {"default": chosen[0]} if chosen and kind == "picklist" else {}


def _choice(row: Row) -> Choice:
    value = str(row["value"])
    valid_for = cast("str | None", row.get("validFor"))
    return Choice(value, str(row.get("label") or value), bool(row.get("active", True)), valid_for)


def _components(row: Row, rows: list[Row]) -> dict[str, str]:
    """Return the fields a compound is put together from."""
    if row["type"] not in ("address", "location"):
        return {}
    inside = [str(one["name"]) for one in rows if one.get("compoundFieldName") == row["name"]]
    endings = ADDRESS if row["type"] == "address" else PLACE
    return {
        key: name for key, ending in endings.items() for name in inside if name.endswith(ending)
    }


def _name_parts(rows: list[Row]) -> tuple[str, ...]:
    order = ("FirstName", "MiddleName", "LastName", "Suffix")
    inside = {str(one["name"]) for one in rows if one.get("compoundFieldName") == "Name"}
    return tuple(one for one in order if one in inside)


def _record_types(document: Row, own: SObject | None) -> tuple[RecordType, ...]:
    found = {one.developer_name: one for one in (own.record_types if own else ())}
    for one in cast("list[Row]", document.get("recordTypeInfos") or []):
        record_type = str(one.get("recordTypeId"))
        if not one.get("master") and record_type != MASTER:
            name = str(one.get("developerName") or one["name"])
            active = bool(one.get("active", True))
            found[name] = RecordType(str(one["name"]), name, active, record_type)
    return tuple(found.values())


def _prefix(schema: Schema, document: Row) -> str:
    """Return the org's prefix, or another when one of ours has it."""
    given = document.get("keyPrefix")
    if isinstance(given, str) and _PREFIX.match(given) and schema.of_id(given) is None:
        return given
    free = (f"a{n:02d}" for n in range(1, 100))
    return next(one for one in free if schema.of_id(one) is None)


def _name_children(schema: Schema, document: Row) -> None:
    """Give references the names their parents' documents know them by."""
    for child in cast("list[Row]", document.get("childRelationships") or []):
        sobject = schema.objects.get(str(child.get("childSObject")))
        field = sobject and sobject.fields.get(str(child.get("field")))
        if not sobject or not field or document["name"] not in field.referenceTo:
            continue
        named = replace(
            field,
            childRelationshipName=cast("str | None", child.get("relationshipName"))
            or field.childRelationshipName,
            cascade=bool(child.get("cascadeDelete")),
            restrictedDelete=bool(child.get("restrictedDelete")),
        )
        schema.put(replace(sobject, fields={**sobject.fields, field.name: named}))
