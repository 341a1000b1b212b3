"""The objects of the org: read from data, so that more of them need no code."""

import json
import threading
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import cast

from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.schema_field import Choice, Field
from crmlink_salesforce_sim.schema_object import Child, RecordType, SObject
from crmlink_salesforce_sim.schema_reading import read_field, read_object

__all__ = ["Child", "Choice", "Field", "RecordType", "SObject", "Schema", "load_schema"]
OBJECTS = "objects"
SYSTEM = "system.json"
PERSONS = "person_accounts.json"


class Schema:
    """All objects of the org; they may be changed while it runs."""

    def __init__(self, objects: Iterable[SObject]) -> None:
        self._lock = threading.Lock()
        self.objects: dict[str, SObject] = {}
        self._set({one.name: one for one in objects})

    def _set(self, objects: dict[str, SObject]) -> None:
        self.objects = objects
        self._by_lower = {name.lower(): one for name, one in objects.items()}
        self._by_prefix = {one.key_prefix: one for one in objects.values()}
        self._children: dict[str, list[Child]] = {}

    def put(self, sobject: SObject) -> None:
        """Add an object, or put another in its place; the store has to be told as well."""
        with self._lock:
            self._set({**self.objects, sobject.name: sobject})

    def drop(self, name: str) -> None:
        """Let an object be known no more; its table and records stay."""
        with self._lock:
            self._set({key: one for key, one in self.objects.items() if key != name})

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
        known = self._children
        if (found := known.get(parent.name)) is None:
            found = known[parent.name] = self._find_children(parent)
        return found

    def _find_children(self, parent: SObject) -> list[Child]:
        return [
            Child(one, reference)
            for one in self.objects.values()
            for reference in one.fields.values()
            if parent.name in reference.referenceTo
        ]


def load_schema(*, person_accounts: bool = False) -> Schema:
    """Read the objects that come with the simulator.

    `person_accounts` adds what an org has that once switched Person Accounts on; it cannot be
    switched off again.
    """
    return Schema(_objects(person_accounts=person_accounts))


@lru_cache(maxsize=2)
def _objects(*, person_accounts: bool) -> tuple[SObject, ...]:
    folder = files("crmlink_salesforce_sim").joinpath(OBJECTS)
    system = cast("list[Row]", json.loads(folder.joinpath(SYSTEM).read_text()))
    more: dict[str, list[Row]] = {}
    if person_accounts:
        more = json.loads(folder.joinpath(PERSONS).read_text())
    names = sorted(one.name for one in folder.iterdir())
    found = []
    for name in names:
        if name not in (SYSTEM, PERSONS) and name.endswith(".json"):
            spec: Row = json.loads(folder.joinpath(name).read_text())
            sobject = read_object(spec, system, more.get(str(spec["name"]), []))
            if person_accounts and sobject.name == "Account":
                kinds = (*sobject.record_types, RecordType("Person Account", "PersonAccount"))
                sobject = replace(sobject, record_types=kinds)
            found.append(sobject)
    return tuple(found)


def changed_field(sobject: SObject, spec: Row) -> SObject:
    """Return the object with a field added, or replaced by one of the same name."""
    one = read_field(spec)
    return replace(sobject, fields={**sobject.fields, one.name: one})


def dropped_field(sobject: SObject, name: str) -> SObject:
    """Return the object without a field; its column and values stay in the store."""
    return replace(sobject, fields={key: one for key, one in sobject.fields.items() if key != name})
