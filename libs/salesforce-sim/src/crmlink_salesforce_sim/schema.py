"""The objects of the org: read from data, so that more of them need no code."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any, cast

from crmlink_salesforce_sim.errors import ApiError, Row

ROLES = ("id", "reference")
LONG_TEXT = 255  # a text area over this length cannot be filtered
COLUMN_KINDS = {
    "boolean": "INTEGER NOT NULL DEFAULT 0",
    "int": "INTEGER",
    "double": "REAL",
    "currency": "REAL",
    "percent": "REAL",
    "id": "TEXT",
    "reference": "TEXT",
    "date": "TEXT",
    "datetime": "TEXT",
}


@dataclass(frozen=True)
class Field:
    """One field of an object, with what the describe document and validation need."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    idLookup: bool = False  # noqa: N815 - the name in describe documents
    externalId: bool = False  # noqa: N815 - the name in describe documents
    unique: bool = False
    indexed: bool = False
    nameField: bool = False  # noqa: N815 - the name in describe documents
    cascade: bool = False
    restrictedDelete: bool = False  # noqa: N815 - the name in describe documents
    restricted: bool = False
    compound: str | None = None
    default: str | None = None
    defaultValue: bool = False  # noqa: N815 - the name in describe documents
    relationshipName: str | None = None  # noqa: N815 - the name in describe documents
    childRelationshipName: str | None = None  # noqa: N815 - the name in describe documents
    referenceTo: tuple[str, ...] = ()  # noqa: N815 - the name in describe documents
    picklist: tuple[str, ...] = ()
    components: Mapping[str, str] = field(default_factory=dict)

    @property
    def custom(self) -> bool:
        """Tell whether an admin added it."""
        return self.name.endswith("__c")

    @property
    def lookup(self) -> bool:
        """Tell whether a record can be addressed by it."""
        return self.idLookup or self.externalId

    @property
    def stored(self) -> bool:
        """Tell whether it has a column; a compound is put together from others."""
        return not self.components

    @property
    def long_text(self) -> bool:
        """Tell whether it is a long text area: never filtered, sorted or grouped."""
        return self.type == "textarea" and self.length > LONG_TEXT

    @property
    def required(self) -> bool:
        """Tell whether the caller has to give it."""
        given = self.default is not None or self.type == "boolean"
        return not self.nillable and self.createable and not given

    @property
    def column(self) -> str:
        """Return the column's declaration; text compares in any letter case."""
        return COLUMN_KINDS.get(self.type, "TEXT COLLATE NOCASE")


@dataclass(frozen=True)
class RecordType:
    """A record type beside Master."""

    name: str
    developer_name: str


@dataclass(frozen=True)
class SObject:
    """One object: its fields by name, in order."""

    name: str
    label: str
    label_plural: str
    key_prefix: str
    fields: Mapping[str, Field]
    writable: bool = True
    mergeable: bool = False
    name_parts: tuple[str, ...] = ()
    frozen_when: str | None = None
    record_types: tuple[RecordType, ...] = ()

    @cached_property
    def _by_lower(self) -> dict[str, Field]:
        return {name.lower(): one for name, one in self.fields.items()}

    @cached_property
    def _parents(self) -> dict[str, Field]:
        found = self.fields.values()
        return {one.relationshipName.lower(): one for one in found if one.relationshipName}

    @cached_property
    def columns(self) -> list[Field]:
        """Return the stored fields in the order of their columns."""
        return [one for one in self.fields.values() if one.stored]

    @cached_property
    def stored_names(self) -> list[str]:
        """Return the names of the stored fields, in the order of their columns."""
        return [one.name for one in self.columns]

    @cached_property
    def column_names(self) -> str:
        """Return the stored fields as SQL lists them."""
        return ", ".join(f'"{name}"' for name in self.stored_names)

    @cached_property
    def required_names(self) -> dict[str, None]:
        """Return the fields a caller has to give, in order."""
        return dict.fromkeys(one.name for one in self.columns if one.required)

    @cached_property
    def unique_names(self) -> list[str]:
        """Return the fields whose values no two records share."""
        return [one.name for one in self.columns if one.unique]

    @cached_property
    def defaults(self) -> dict[str, str | int]:
        """Return what a new record has in fields that are not given."""
        texts = {one.name: one.default for one in self.columns if one.default is not None}
        return texts | {one.name: 1 for one in self.columns if one.defaultValue}

    def find(self, name: str) -> Field | None:
        """Return the field of that name, in any letter case."""
        return self._by_lower.get(name.lower())

    def parent(self, relationship: str) -> Field | None:
        """Return the reference that a relationship name follows."""
        return self._parents.get(relationship.lower())

    @property
    def custom(self) -> bool:
        """Tell whether an admin added it."""
        return self.name.endswith("__c")


@dataclass(frozen=True)
class Child:
    """A relationship from the parent's side."""

    sobject: SObject
    field: Field


class Schema:
    """All objects of the org."""

    def __init__(self, objects: list[SObject]) -> None:
        self.objects = {one.name: one for one in objects}
        self._by_lower = {one.name.lower(): one for one in objects}
        self._by_prefix = {one.key_prefix: one for one in objects}
        self._children: dict[str, list[Child]] = {}

    def find(self, name: str) -> SObject | None:
        """Return the object of that name, in any letter case."""
        return self._by_lower.get(name.lower())

    def required(self, name: str) -> SObject:
        """Return the object, or refuse as a resource that does not exist."""
        if (found := self.find(name)) is None:
            raise ApiError("NOT_FOUND", "The requested resource does not exist", 404)
        return found

    def of_id(self, record_id: str) -> SObject | None:
        """Return the object whose key prefix the id carries."""
        return self._by_prefix.get(record_id[:3])

    def children(self, parent: SObject) -> list[Child]:
        """Return every reference that points to the parent."""
        if (found := self._children.get(parent.name)) is None:
            found = self._children[parent.name] = self._find_children(parent)
        return found

    def _find_children(self, parent: SObject) -> list[Child]:
        return [
            Child(one, reference)
            for one in self.objects.values()
            for reference in one.fields.values()
            if parent.name in reference.referenceTo
        ]


def load_schema() -> Schema:
    """Read the standard objects that come with the simulator."""
    text = files("crmlink_salesforce_sim").joinpath("objects.json").read_text()
    document = json.loads(text)
    return Schema([_sobject(one, document["system"]) for one in document["objects"]])


def _sobject(spec: Row, system: list[Row]) -> SObject:
    rows = [*system[:2], *cast("list[Row]", spec["fields"]), *system[2:]]
    kinds = cast("list[dict[str, str]]", spec.get("recordTypes", []))
    return SObject(
        name=str(spec["name"]),
        label=str(spec["label"]),
        label_plural=str(spec["labelPlural"]),
        key_prefix=str(spec["keyPrefix"]),
        fields={str(row["name"]): _field(row) for row in rows},
        writable=bool(spec.get("writable", True)),
        mergeable=bool(spec.get("mergeable", False)),
        name_parts=tuple(cast("list[str]", spec.get("nameParts", []))),
        frozen_when=cast("str | None", spec.get("frozenWhen")),
        record_types=tuple(RecordType(one["name"], one["developerName"]) for one in kinds),
    )


def _field(row: Row) -> Field:
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in row.items()}
    given.setdefault("label", _label(str(row["name"])))
    if row["type"] in ROLES:
        given["length"] = 18
    if row["type"] == "boolean":
        given["nillable"] = False
    if row["type"] == "address":
        given["createable"] = given["updateable"] = False
    if row["type"] == "picklist":
        given.setdefault("length", 255)
    return Field(**cast("dict[str, Any]", given))


def _label(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("__c").replace("_", " "))
    return words.removesuffix(" Id") + " ID" if words.endswith(" Id") else words
