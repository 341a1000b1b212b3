"""Changes of the schema while the org runs, as an admin makes them, and back again."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crmlink_salesforce_sim.asked import AskedError
from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.schema import Choice, Field, SObject, changed_field, dropped_field
from crmlink_salesforce_sim.store import quoted

MOST_CHANGES = 500
NEEDED_OBJECTS = ("User", "Group", "RecordType", "Organization")
SYSTEM_FIELDS = ("Id", "IsDeleted", "Name", "OwnerId", "RecordTypeId", "MasterRecordId")
STAMPS = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")


@dataclass(frozen=True)
class SchemaChanges:
    """Changes objects and fields, and remembers how they were."""

    org: Org
    _before: dict[str, SObject] = field(default_factory=dict)
    _made: deque[Row] = field(default_factory=lambda: deque(maxlen=MOST_CHANGES))

    def made(self) -> list[Row]:
        """Return the changes since the start, oldest first."""
        return list(self._made)

    def add_field(self, name: str, spec: Row) -> None:
        """Add a field, or replace one of the same name."""
        self._put(changed_field(self._object(name), spec), "add_field", str(spec["name"]))

    def remove_field(self, name: str, given: str, *, change: str = "remove_field") -> None:
        """Take a field away; its values stay, as in an org that can undelete a field."""
        sobject = self._object(name)
        self._put(dropped_field(sobject, self._field(sobject, given).name), change, given)

    def rename_field(self, name: str, given: str, new: str) -> None:
        """Give a field another API name; its values go with it."""
        sobject = self._object(name)
        old = self._field(sobject, given)
        if sobject.find(new) is not None:
            raise AskedError("to", f"{name} has a field {new} already")
        renamed = replace(old, name=new, given=_patched(old.given, {"name": new}))
        fields = {
            one.name: one
            for one in (renamed if one is old else one for one in sobject.fields.values())
        }
        self._put(replace(sobject, fields=fields), "rename_field", f"{old.name} {new}")
        if old.stored:
            with self.org.store.writing() as connection:
                words = ["UPDATE", quoted(sobject.name), "SET", quoted(new), "=", quoted(old.name)]
                connection.execute(" ".join(words))

    def change_field(self, name: str, given: str, changes: Mapping[str, Any]) -> None:
        """Change length, required, unique, label or the values of a picklist."""
        sobject = self._object(name)
        old = self._field(sobject, given)
        told: Row = {key: value for key, value in changes.items() if key != "picklist"}
        values: dict[str, Any] = dict(told)
        if "required" in values:
            values["nillable"] = told["nillable"] = not values.pop("required")
            told.pop("required")
        if "picklist" in changes:
            values["choices"] = tuple(Choice(one, one) for one in changes["picklist"])
            told["picklistValues"] = [
                {
                    "active": True,
                    "defaultValue": False,
                    "label": one,
                    "validFor": None,
                    "value": one,
                }
                for one in changes["picklist"]
            ]
        new = replace(old, **values, given=_patched(old.given, told))
        fields = {**sobject.fields, old.name: new}
        self._put(replace(sobject, fields=fields), "change_field", old.name)

    def set_read_only(self, name: str, *, read_only: bool) -> None:
        """Take away, or give back, the right to write records of an object."""
        sobject = self._object(name)
        change = "read_only" if read_only else "writable"
        self._put(replace(sobject, writable=not read_only), change, None)

    def hide_object(self, name: str) -> None:
        """Let an object be there for nobody; references to it lead nowhere."""
        hidden = self._object(name)
        if hidden.name in NEEDED_OBJECTS:
            raise AskedError("object", f"{hidden.name} cannot be hidden")
        for one in list(self.org.schema.objects.values()):
            if any(hidden.name in each.referenceTo for each in one.fields.values()):
                self._remember(one)
                self.org.schema.put(_without(one, hidden.name))
        self._remember(hidden)
        self.org.schema.drop(hidden.name)
        self._told("hide_object", hidden.name, None)

    def show_object(self, name: str) -> None:
        """Show an object that was hidden, with what else was changed of it undone."""
        found = [one for one in self._before if one.lower() == name.lower()]
        if not found:
            raise AskedError("object", f"{name} was not hidden")
        self.org.schema.put(self._before[found[0]])
        self._told("show_object", found[0], None)

    def reset(self) -> None:
        """Put every object back as it was at the start."""
        for one in self._before.values():
            self.org.schema.put(one)
        self._before.clear()
        self._made.clear()
        self.org.describes.changed()

    def _put(self, sobject: SObject, change: str, given: str | None) -> None:
        self._remember(self._object(sobject.name))
        self.org.schema.put(sobject)
        self.org.store.add(sobject)
        self._told(change, sobject.name, given)

    def _remember(self, sobject: SObject) -> None:
        self._before.setdefault(sobject.name, sobject)

    def _told(self, change: str, sobject: str, given: str | None) -> None:
        self._made.append({"change": change, "object": sobject, "field": given})
        self.org.describes.changed()

    def _object(self, name: str) -> SObject:
        if (found := self.org.schema.find(name)) is None:
            raise AskedError("object", f"there is no {name}")
        return found

    def _field(self, sobject: SObject, name: str) -> Field:
        if (found := sobject.find(name)) is None:
            raise AskedError("field", f"{sobject.name} has no field {name}")
        if found.name in (*SYSTEM_FIELDS, *STAMPS, *sobject.name_parts):
            raise AskedError("field", f"{found.name} is one every object needs")
        return found


def _without(sobject: SObject, hidden: str) -> SObject:
    """Return the object with no reference to a hidden one."""

    def cut(one: Field) -> Field:
        left = tuple(name for name in one.referenceTo if name != hidden)
        relation = one.relationshipName if left else None
        given = _patched(one.given, {"referenceTo": list(left), "relationshipName": relation})
        return replace(one, referenceTo=left, relationshipName=relation, given=given)

    fields = {
        name: cut(one) if hidden in one.referenceTo else one for name, one in sobject.fields.items()
    }
    return replace(sobject, fields=fields)


def _patched(given: Row | None, changes: Row) -> Row | None:
    return None if given is None else {**given, **changes}
