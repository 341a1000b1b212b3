"""Where the fields of a statement are: paths over parents become joins."""

from dataclasses import dataclass
from dataclasses import field as default

from crmlink_salesforce_sim.folding import COLLATION, folds
from crmlink_salesforce_sim.schema import Field, Schema, SObject
from crmlink_salesforce_sim.soql.nodes import Path
from crmlink_salesforce_sim.soql.place import complain
from crmlink_salesforce_sim.store import quoted

MOST_LEVELS = 5
MOST_PARENTS = 55
TYPE = Field("Type", "string", nillable=False)
NAME_FIELDS = {  # what every object that a polymorphic parent may be is asked for
    name.lower(): name
    for name in (
        *("Id", "Name", "FirstName", "LastName", "MiddleName", "Suffix", "NameOrAlias"),
        *("Email", "Phone", "Title", "Alias", "Username", "IsActive"),
        *("RecordTypeId", "ProfileId", "UserRoleId", "LastViewedDate", "LastReferencedDate"),
    )
}


@dataclass(frozen=True)
class Column:
    """A field where a path leads, as SQL names it."""

    sql: str
    field: Field


@dataclass(frozen=True)
class Joined:
    """A parent that is part of the statement: `kinds` when it may be of several objects."""

    alias: str
    sobject: SObject
    kinds: tuple[tuple[str, SObject], ...] = ()

    @property
    def id_sql(self) -> str:
        """Return the parent's id in SQL, null when there is no parent."""
        return _first([f"{alias}.Id" for alias, _ in self.kinds] or [f"{self.alias}.Id"])

    def find(self, name: str) -> Column | None:
        """Return the column of a field, in any letter case."""
        if not self.kinds:
            found = self.sobject.find(name)
            return None if found is None else Column(f"{self.alias}.{quoted(found.name)}", found)
        if name.lower() == "type":
            return Column(self._type_sql(), TYPE)
        if (known := NAME_FIELDS.get(name.lower())) is None:
            return None
        have = [(alias, _of_name(one, known)) for alias, one in self.kinds]
        fields = [(alias, found) for alias, found in have if found is not None and found.stored]
        if not fields:
            return Column("NULL", Field(known, "string"))
        sql = _first([f"{alias}.{quoted(found.name)}" for alias, found in fields])
        field = fields[0][1]
        return Column(f"({sql} COLLATE {COLLATION})" if folds(field) else sql, field)

    def _type_sql(self) -> str:
        whens = (
            f"WHEN {alias}.Id IS NOT NULL THEN {_kind(alias, one)}" for alias, one in self.kinds
        )
        return f"(CASE {' '.join(whens)} END COLLATE {COLLATION})"


def _kind(alias: str, sobject: SObject) -> str:
    """Return what a parent of that object is called: a group may be a queue."""
    if sobject.name == "Group" and sobject.find("Type"):
        return f"iif({alias}.Type = 'Queue', 'Queue', 'Group')"
    return f"'{sobject.name}'"


def _of_name(sobject: SObject, name: str) -> Field | None:
    """Return the field of an object that stands for one of the Name object's."""
    if name == "Name":
        return next((one for one in sobject.fields.values() if one.nameField), None)
    return sobject.find(name)


def _first(terms: list[str]) -> str:
    return terms[0] if len(terms) == 1 else f"COALESCE({', '.join(terms)})"


@dataclass
class Sources:
    """The table of a statement and the parents joined to it so far."""

    text: str
    schema: Schema
    root: SObject
    aliases: dict[str, tuple[str, ...]] = default(default_factory=dict)
    prefix: str = "t"
    joins: list[str] = default(default_factory=list)
    parents: dict[tuple[str, ...], Joined] = default(default_factory=dict)

    @property
    def top(self) -> Joined:
        """Return the table the statement is about."""
        return Joined(self.prefix, self.root)

    def column(self, path: Path) -> Column:
        """Return the column of a path, joining the parents on its way."""
        names = self.names(path)
        owner = self.follow(names[:-1], path)
        if (found := owner.find(names[-1])) is None:
            entity = "Name" if owner.kinds else owner.sobject.name
            raise self.no_column(names[-1], entity, path)
        return found

    def follow(self, names: tuple[str, ...], path: Path) -> Joined:
        """Return the parent that relationship names lead to."""
        if len(names) > MOST_LEVELS:
            message = (
                f"SOQL relationship path '{path.text}' is invalid:"
                f" no more than {MOST_LEVELS} levels of parents can be followed"
            )
            raise complain("MALFORMED_QUERY", self.text, path.at, message)
        here = self.top
        for n, name in enumerate(names):
            key = tuple(one.lower() for one in names[: n + 1])
            if key not in self.parents:
                self.parents[key] = self._join(here, name, path)
            here = self.parents[key]
        return here

    def reference(self, here: Joined, name: str, path: Path) -> tuple[Field, list[SObject]]:
        """Return the reference a relationship name follows, and what it may point to."""
        found = None if here.kinds else here.sobject.parent(name)
        known = found and [self.schema.objects.get(one) for one in found.referenceTo]
        targets = [one for one in known or [] if one is not None]
        if found is None or not targets:
            message = (
                f"Didn't understand relationship '{name}' in field path. If you are attempting to"
                " use a custom relationship, be sure to append the '__r' after the custom"
                " relationship name. Please reference your WSDL or the describe call for the"
                " appropriate names."
            )
            raise complain("INVALID_FIELD", self.text, path.at, message)
        return found, targets

    def _join(self, here: Joined, name: str, path: Path) -> Joined:
        reference, targets = self.reference(here, name, path)
        if len(self.parents) >= MOST_PARENTS:
            message = f"a query can follow no more than {MOST_PARENTS} relationships to parents"
            raise complain("MALFORMED_QUERY", self.text, path.at, message)
        alias = f"{self.prefix}{len(self.parents) + 1}"
        key = f"{here.alias}.{quoted(reference.name)}"
        if len(targets) == 1:
            self._add(targets[0], alias, key)
            return Joined(alias, targets[0])
        kinds = tuple((f"{alias}_{n}", one) for n, one in enumerate(targets))
        for kind, one in kinds:
            self._add(one, kind, key)
        return Joined(alias, targets[-1], kinds)

    def _add(self, sobject: SObject, alias: str, key: str) -> None:
        self.joins.append(f"LEFT JOIN {quoted(sobject.name)} {alias} ON {alias}.Id = {key}")

    def names(self, path: Path) -> tuple[str, ...]:
        """Return the names of a path from the root on, an alias replaced by what it stands for."""
        first = path.names[0].lower()
        if len(path.names) > 1:
            if first in self.aliases:
                return (*self.aliases[first], *path.names[1:])
            if first == self.root.name.lower() and self.root.parent(first) is None:
                return path.names[1:]
        return path.names

    def no_column(self, name: str, entity: str, path: Path) -> Exception:
        """Return the error about a field that does not exist."""
        message = (
            f"No such column '{name}' on entity '{entity}'. If you are attempting to use a"
            " custom field, be sure to append the '__c' after the custom field name. Please"
            " reference your WSDL or the describe call for the appropriate names."
        )
        return complain("INVALID_FIELD", self.text, path.at, message)
