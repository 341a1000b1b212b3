"""Settings of the schema: fields and objects added, changed, hidden or made read-only."""

from collections.abc import Callable
from dataclasses import dataclass

from crmlink_salesforce_sim.asked import Asked, AskedError
from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema_changes import SchemaChanges

TYPES = (
    *("string", "textarea", "phone", "email", "url", "boolean", "int", "double", "currency"),
    *("percent", "date", "datetime", "time", "picklist", "multipicklist", "reference"),
)
MOST_LENGTH = 131_072


@dataclass(frozen=True)
class SchemaControl:
    """One change of the schema at a time; DELETE undoes all."""

    changes: SchemaChanges

    def state(self) -> object:
        """Return the changes made since the start."""
        return {"changes": self.changes.made()}

    def change(self, asked: Asked) -> None:
        """Make the `change` to an `object`, of its `field` where it is about one."""
        kinds: dict[str, Callable[[str, Asked], None]] = {
            "add_field": self._add,
            "remove_field": self._remove,
            "rename_field": self._rename,
            "change_field": self._change,
            "hide_field": self._hide,
            "hide_object": self._hide_object,
            "show_object": self._show_object,
            "read_only": self._read_only,
            "writable": self._writable,
        }
        change = asked.one_of("change", tuple(kinds))
        kinds[change](asked.identifier("object"), asked)

    def reset(self) -> None:
        """Put everything back."""
        self.changes.reset()

    def _add(self, sobject: str, asked: Asked) -> None:
        spec: Row = {
            "name": asked.identifier("field"),
            "type": asked.one_of("type", TYPES, "string"),
        }
        spec |= _given(asked)
        if "required" in spec:
            spec["nillable"] = not spec.pop("required")
        if "external_id" in asked:
            spec["externalId"] = spec["idLookup"] = asked.flag("external_id", default=False)
        if spec["type"] == "reference":
            spec["referenceTo"] = [asked.identifier("reference_to")]
            name = str(spec["name"])
            spec["relationshipName"] = f"{name.removesuffix('__c')}__r"
        if spec["type"] in ("double", "currency", "percent"):
            spec |= {"precision": 18, "scale": asked.whole("scale", 2, 0, 18)}
        asked.done()
        self.changes.add_field(sobject, spec)

    def _change(self, sobject: str, asked: Asked) -> None:
        name, changes = asked.identifier("field"), _given(asked)
        asked.done()
        if not changes:
            raise AskedError("length", "is needed, or required, unique, label or picklist")
        self.changes.change_field(sobject, name, changes)

    def _remove(self, sobject: str, asked: Asked) -> None:
        self.changes.remove_field(sobject, _only(asked, "field"))

    def _hide(self, sobject: str, asked: Asked) -> None:
        self.changes.remove_field(sobject, _only(asked, "field"), change="hide_field")

    def _rename(self, sobject: str, asked: Asked) -> None:
        name = asked.identifier("field")
        self.changes.rename_field(sobject, name, _only(asked, "to"))

    def _hide_object(self, sobject: str, asked: Asked) -> None:
        asked.done()
        self.changes.hide_object(sobject)

    def _show_object(self, sobject: str, asked: Asked) -> None:
        asked.done()
        self.changes.show_object(sobject)

    def _read_only(self, sobject: str, asked: Asked) -> None:
        asked.done()
        self.changes.set_read_only(sobject, read_only=True)

    def _writable(self, sobject: str, asked: Asked) -> None:
        asked.done()
        self.changes.set_read_only(sobject, read_only=False)


def _only(asked: Asked, name: str) -> str:
    value = asked.identifier(name)
    asked.done()
    return value


def _given(asked: Asked) -> Row:
    """Return what is said of a field."""
    found: Row = {}
    if "length" in asked:
        found["length"] = asked.whole("length", 0, 1, MOST_LENGTH)
    for name in ("required", "unique", "restricted"):
        if name in asked:
            found[name] = asked.flag(name, default=False)
    if "label" in asked:
        found["label"] = asked.required("label")
    if "picklist" in asked:
        found["picklist"] = asked.texts("picklist", most=1000)
    return found
