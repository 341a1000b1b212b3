"""One object of the org: its fields by name, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema_field import CUSTOM, Field


@dataclass(frozen=True)
class RecordType:
    """A record type beside Master; `picklists` narrows the values of restricted picklists."""

    name: str
    developer_name: str
    active: bool = True
    record_type_id: str | None = None
    picklists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class SObject:
    """One object: its fields by name, in order.

    `given` is the describe document it came from, if it came from one.
    """

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
    given: Row | None = None

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
    def defaults(self) -> dict[str, str | int | float]:
        """Return what a new record has in fields that are not given."""
        known = {one.name: one.default for one in self.columns if one.default is not None}
        return known | {one.name: 1 for one in self.columns if one.defaultValue}

    @cached_property
    def formulas(self) -> list[Field]:
        """Return the fields the org works out from others of the record."""
        return [one for one in self.columns if one.formula is not None]

    @cached_property
    def auto_numbers(self) -> list[Field]:
        """Return the fields the org numbers."""
        return [one for one in self.columns if one.autoNumber]

    def find(self, name: str) -> Field | None:
        """Return the field of that name, in any letter case."""
        return self._by_lower.get(name.lower())

    def parent(self, relationship: str) -> Field | None:
        """Return the reference that a relationship name follows."""
        return self._parents.get(relationship.lower())

    @property
    def custom(self) -> bool:
        """Tell whether an admin added it."""
        return self.name.endswith(CUSTOM)


@dataclass(frozen=True)
class Child:
    """A relationship from the parent's side."""

    sobject: SObject
    field: Field
