"""Where the fields of a statement are: paths over parents become joins."""

from dataclasses import dataclass
from dataclasses import field as default

from crmlink_salesforce_sim.schema import Field, Schema, SObject
from crmlink_salesforce_sim.soql.nodes import Path, Query
from crmlink_salesforce_sim.soql.parse import complain
from crmlink_salesforce_sim.store import quoted

MOST_LEVELS = 5
OWNERS = "Name"  # what stands for a parent that may be a user or a queue


@dataclass(frozen=True)
class Column:
    """A field where a path leads, as SQL names it."""

    sql: str
    field: Field


@dataclass(frozen=True)
class Joined:
    """A parent that is part of the statement."""

    alias: str
    sobject: SObject
    reference: Field | None

    @property
    def polymorphic(self) -> bool:
        """Tell whether the parent may be of several objects."""
        return self.reference is not None and len(self.reference.referenceTo) > 1


@dataclass
class Sources:
    """The table of a statement and the parents joined to it so far."""

    text: str
    schema: Schema
    root: SObject
    alias: str | None
    joins: list[str] = default(default_factory=list)
    parents: dict[tuple[str, ...], Joined] = default(default_factory=dict)
    prefix: str = "t"

    @property
    def top(self) -> Joined:
        """Return the table the statement is about."""
        return Joined(self.prefix, self.root, None)

    def column(self, path: Path) -> Column:
        """Return the column of a path, joining the parents on its way."""
        names = self._without_alias(path)
        if len(names) > MOST_LEVELS + 1:
            message = "SOQL relationship path has more than 5 levels"
            raise complain("INVALID_FIELD", self.text, path.at, message)
        owner = self.follow(names[:-1], path)
        if (found := owner.sobject.find(names[-1])) is None:
            raise self.no_column(names[-1], owner.sobject, path)
        return Column(f"{owner.alias}.{quoted(found.name)}", found)

    def follow(self, names: tuple[str, ...], path: Path) -> Joined:
        """Return the parent that relationship names lead to."""
        here = self.top
        for n, name in enumerate(names):
            key = tuple(one.lower() for one in names[: n + 1])
            if key not in self.parents:
                self.parents[key] = self._join(here, name, path)
            here = self.parents[key]
        return here

    def _join(self, here: Joined, name: str, path: Path) -> Joined:
        if (reference := here.sobject.parent(name)) is None:
            message = (
                f"Didn't understand relationship '{name}' in field path. If you are attempting to"
                " use a custom relationship, be sure to append the '__r' after the custom"
                " relationship name. Please reference your WSDL or the describe call for the"
                " appropriate names."
            )
            raise complain("INVALID_FIELD", self.text, path.at, message)
        alias = f"{self.prefix}{len(self.parents) + 1}"
        target = reference.referenceTo[-1]
        table = quoted(OWNERS if len(reference.referenceTo) > 1 else target)
        key = f"{here.alias}.{quoted(reference.name)}"
        self.joins.append(f"LEFT JOIN {table} {alias} ON {alias}.Id = {key}")
        return Joined(alias, self.schema.objects[target], reference)

    def _without_alias(self, path: Path) -> tuple[str, ...]:
        first = path.names[0].lower()
        own = {self.root.name.lower(), (self.alias or self.root.name).lower()}
        if len(path.names) > 1 and first in own and self.root.parent(first) is None:
            return path.names[1:]
        return path.names

    def no_column(self, name: str, sobject: SObject, path: Path) -> Exception:
        """Return the error about a field that does not exist."""
        message = (
            f"No such column '{name}' on entity '{sobject.name}'. If you are attempting to use a"
            " custom field, be sure to append the '__c' after the custom field name. Please"
            " reference your WSDL or the describe call for the appropriate names."
        )
        return complain("INVALID_FIELD", self.text, path.at, message)


def source_of(text: str, schema: Schema, query: Query, prefix: str = "t") -> Sources:
    """Return the sources of a statement, or refuse an object that does not exist."""
    found = schema.find(query.source.text)
    if found is None:
        message = (
            f"sObject type '{query.source.text}' is not supported. If you are attempting to use a"
            " custom object, be sure to append the '__c' after the entity name. Please reference"
            " your WSDL or the describe call for the appropriate names."
        )
        raise complain("INVALID_TYPE", text, query.source.at, message)
    return Sources(text, schema, found, query.alias, prefix=prefix)
