"""Objects as the simulator's own data files spell them: short, what is usual left out."""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, cast

from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema_field import Choice, Field
from crmlink_salesforce_sim.schema_object import RecordType, SObject

ROLES = ("id", "reference")
COMPOUNDS = ("address", "location")
CHOSEN = ("picklist", "multipicklist", "combobox")
LENGTHS = {"picklist": 255, "combobox": 255, "multipicklist": 4099, "url": 255, "email": 80}
LENGTHS |= {"phone": 40, "string": 255, "encryptedstring": 175, "textarea": 255}
FIRST_FIELDS = 2  # of the system's fields, Id and IsDeleted come before an object's own


def read_object(spec: Row, system: list[Row], more: list[Row] | None = None) -> SObject:
    """Return the object of a data file, with the system's fields and those of `more`."""
    own = [*cast("list[Row]", spec["fields"]), *(more or [])]
    rows = [*system[:FIRST_FIELDS], *own, *system[FIRST_FIELDS:]]
    kinds = cast("list[Row]", spec.get("recordTypes", []))
    return SObject(
        name=str(spec["name"]),
        label=str(spec["label"]),
        label_plural=str(spec["labelPlural"]),
        key_prefix=str(spec["keyPrefix"]),
        fields={str(row["name"]): read_field(row) for row in rows},
        writable=bool(spec.get("writable", True)),
        mergeable=bool(spec.get("mergeable", False)),
        name_parts=tuple(cast("list[str]", spec.get("nameParts", []))),
        frozen_when=cast("str | None", spec.get("frozenWhen")),
        record_types=tuple(_record_type(one) for one in kinds),
    )


def system_fields() -> dict[str, Field]:
    """Return the fields every record has."""
    folder = files("crmlink_salesforce_sim").joinpath("objects")
    rows = cast("list[Row]", json.loads(folder.joinpath("system.json").read_text()))
    return {str(row["name"]): read_field(row) for row in rows}


def _record_type(spec: Row) -> RecordType:
    narrowed = cast("Mapping[str, list[str]]", spec.get("picklists", {}))
    return RecordType(
        name=str(spec["name"]),
        developer_name=str(spec["developerName"]),
        active=bool(spec.get("active", True)),
        picklists={name: tuple(values) for name, values in narrowed.items()},
    )


def read_field(row: Row) -> Field:
    """Return the field of a data file: `name` and `type` are enough."""
    kind = str(row["type"])
    given: dict[str, Any] = {
        name: tuple(cast("list[str]", value)) if name == "referenceTo" else value
        for name, value in row.items()
        if name != "picklist"
    }
    given.setdefault("label", label_of(str(row["name"])))
    given["choices"] = tuple(
        Choice(str(one), str(one)) for one in cast("list[str]", row.get("picklist", []))
    )
    if kind in ROLES:
        given["length"] = 18
    elif kind in LENGTHS:
        given.setdefault("length", LENGTHS[kind])
    if kind == "boolean":
        given["nillable"] = False
    if kind in COMPOUNDS or "formula" in row or "autoNumber" in row:
        given["createable"] = given["updateable"] = False
    if row.get("masterDetail"):
        given |= {"cascade": True, "nillable": False, "updateable": False}
    return Field(**given)


def label_of(name: str) -> str:
    """Return the label an admin would give a field of that name."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("__c").replace("_", " "))
    return words.removesuffix(" Id") + " ID" if words.endswith(" Id") else words
