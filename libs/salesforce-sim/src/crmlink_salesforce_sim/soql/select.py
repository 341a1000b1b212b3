"""The select list of records: which columns to read and how they nest."""

from collections.abc import Sequence
from dataclasses import dataclass

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.schema import Field, SObject
from crmlink_salesforce_sim.soql.fields import Column, Joined, Sources
from crmlink_salesforce_sim.soql.functions import SAME_VALUE, is_of_dates, operand_column
from crmlink_salesforce_sim.soql.nodes import (
    FieldItem,
    FieldsItem,
    Function,
    Operand,
    Path,
    TypeofItem,
)
from crmlink_salesforce_sim.soql.place import complain
from crmlink_salesforce_sim.soql.plan import Plan
from crmlink_salesforce_sim.soql.shape import Choice, Shape, Slot
from crmlink_salesforce_sim.soql.written import written_for_people
from crmlink_salesforce_sim.store import quoted

WANTED = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}


@dataclass
class Selection:
    """Adds what is selected to a plan."""

    text: str
    plan: Plan
    sources: Sources

    def fields(self, item: FieldsItem) -> None:
        """Add every field of the object, or the standard or the custom ones."""
        for name in _names(self.plan.root, item):
            self._path(Path((name,), item.at))

    def item(self, item: FieldItem) -> None:
        """Add a field, or a function of one."""
        if isinstance(item.operand, Path):
            if item.alias is not None:
                message = "only aggregate expressions use field aliasing"
                raise complain("MALFORMED_QUERY", self.text, item.operand.at, message)
            self._path(item.operand)
            return
        self._function(item.operand, item.operand, item.alias)

    def _function(self, function: Function, operand: Operand, alias: str | None) -> None:
        if is_of_dates(function):
            message = f"Field must be grouped or aggregated: {function.text}"
            raise complain("MALFORMED_QUERY", self.text, function.at, message)
        column = operand_column(self.sources, function)
        while isinstance(operand, Function) and operand.kind in SAME_VALUE:
            [inner] = operand.arguments
            operand = inner if isinstance(inner, Path | Function) else operand
        shape, name = self.plan.shape, alias
        if isinstance(operand, Path) and alias is None:
            shape, name = self._nested(operand), column.field.name
        if name is None:
            names = (f"expr{n}" for n in range(len(shape.parts) + 1))
            name = next(one for one in names if one not in shape.parts)
        formats = function.kind == "FORMAT"
        self.plan.columns.append(column.sql)
        slot = Slot(
            column.field,
            (len(self.plan.columns) - 1,),
            written_for_people if formats else None,
        )
        self._put(shape, name, slot, function)

    def _path(self, path: Path) -> None:
        column = self.sources.column(path)
        shape = self._nested(path)
        self._put(shape, column.field.name, self._slot(column), path)

    def _put(self, shape: Shape, name: str, part: Slot | Choice, operand: Operand) -> None:
        if name in shape.parts:
            message = f"duplicate field selected: {operand.text}"
            raise complain("MALFORMED_QUERY", self.text, operand.at, message)
        shape.parts[name] = part

    def _nested(self, path: Path) -> Shape:
        """Return the level of the record that the last name of a path belongs to."""
        shape, names = self.plan.shape, self.sources.names(path)
        for n in range(1, len(names)):
            here = self.sources.follow(names[: n - 1], path)
            owner = self.sources.follow(names[:n], path)
            reference, _ = self.sources.reference(here, names[n - 1], path)
            name = reference.relationshipName or names[n - 1]
            if name not in shape.parts:
                shape.parts[name] = self._level(owner)
            found = shape.parts[name]
            if not isinstance(found, Shape):
                raise complain("MALFORMED_QUERY", self.text, path.at, f"duplicate alias: {name}")
            shape = found
        return shape

    def _level(self, owner: Joined) -> Shape:
        self.plan.columns.append(owner.id_sql)
        kind = "Name" if owner.kinds else None
        return Shape(owner.sobject, len(self.plan.columns) - 1, kind)

    def _slot(self, column: Column) -> Slot:
        table, field = column.sql.rpartition(".")[0], column.field
        parts = [f"{table}.{quoted(name)}" for name in field.components.values()]
        start = len(self.plan.columns)
        self.plan.columns += parts or [column.sql if field.stored else "NULL"]
        self.plan.long_text = self.plan.long_text or field.long_text
        return Slot(field, tuple(range(start, len(self.plan.columns))))

    def typeof(self, item: TypeofItem) -> None:
        """Add a parent whose fields depend on which object it is."""
        names = self.sources.names(item.path)
        owner = self.sources.follow(names, item.path)
        here = self.sources.follow(names[:-1], item.path)
        reference, targets = self.sources.reference(here, names[-1], item.path)
        if len(reference.referenceTo) == 1:
            message = f"TYPEOF needs a polymorphic relationship: {item.path.text} is not one"
            raise complain("MALFORMED_QUERY", self.text, item.at, message)
        kinds = owner.kinds or ((owner.alias, targets[0]),)
        otherwise = self._level(owner)
        self._fill(otherwise, owner, item.otherwise)
        shapes = {}
        for when in item.whens:
            found = [one for one in kinds if one[1].name.lower() == when.sobject.text.lower()]
            if not found:
                raise self._no_kind(item, when.sobject)
            alias, sobject = found[0]
            shape = shapes[sobject.name] = Shape(sobject, otherwise.id_at)
            self._fill(shape, Joined(alias, sobject), when.items)
        parent = Path((*names[:-1], "Id"), item.at)
        name = reference.relationshipName or names[-1]
        choice = Choice(otherwise.id_at, shapes, otherwise)
        self._put(self._nested(parent), name, choice, item.path)

    def _no_kind(self, item: TypeofItem, sobject: Path) -> ApiError:
        if self.sources.schema.find(sobject.text) is None:
            message = f"sObject type '{sobject.text}' is not supported."
            return complain("INVALID_TYPE", self.text, sobject.at, message)
        message = f"{item.path.text} never is of type '{sobject.text}'"
        return complain("INVALID_FIELD", self.text, sobject.at, message)

    def _fill(self, shape: Shape, owner: Joined, items: Sequence[Path | FieldsItem]) -> None:
        for item in items:
            names = [item] if isinstance(item, Path) else _paths(owner.sobject, item)
            for path in names:
                self._put(shape, *self._of_type(owner, path), path)

    def _of_type(self, owner: Joined, path: Path) -> tuple[str, Slot]:
        if len(path.names) > 1:
            message = f"unexpected token: '{path.text}'"
            raise complain("MALFORMED_QUERY", self.text, path.at, message)
        if (column := owner.find(path.text)) is None:
            entity = "Name" if owner.kinds else owner.sobject.name
            raise self.sources.no_column(path.text, entity, path)
        return column.field.name, self._slot(column)


def _names(sobject: SObject, item: FieldsItem) -> list[str]:
    return [one.name for one in sobject.fields.values() if _wanted(one, item)]


def _paths(sobject: SObject, item: FieldsItem) -> list[Path]:
    return [Path((name,), item.at) for name in _names(sobject, item)]


def _wanted(field: Field, item: FieldsItem) -> bool:
    return field.custom in WANTED[item.kind]
