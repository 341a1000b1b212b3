"""A parsed statement to a plan: what SQL to run and how to shape its rows."""

from dataclasses import dataclass
from dataclasses import field as default
from datetime import datetime

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.schema import Field, Schema, SObject
from crmlink_salesforce_sim.soql.conditions import Conditions
from crmlink_salesforce_sim.soql.fields import Sources, source_of
from crmlink_salesforce_sim.soql.functions import is_aggregate, operand_column
from crmlink_salesforce_sim.soql.literals import Bound, Values
from crmlink_salesforce_sim.soql.nodes import (
    ChildItem,
    FieldItem,
    FieldsItem,
    Function,
    Item,
    Operand,
    Ordering,
    Path,
    Query,
)
from crmlink_salesforce_sim.soql.parse import complain, parse
from crmlink_salesforce_sim.soql.shape import Shape, Slot
from crmlink_salesforce_sim.store import quoted

MOST_OFFSET = 2000
MOST_WITH_FIELDS = 200


@dataclass
class Plan:
    """What to run for a statement."""

    root: SObject
    shape: Shape
    columns: list[str] = default(default_factory=list)
    aliases: list[tuple[str, Field]] = default(default_factory=list)
    source: str = ""
    where: str = ""
    tail: str = ""
    bound: list[Bound] = default(default_factory=list)
    limit: int | None = None
    offset: int = 0
    counts_only: bool = False
    aggregate: bool = False
    long_text: bool = False
    children: list["ChildPlan"] = default(default_factory=list)

    def statement(self, columns: list[str], limit: int) -> str:
        """Return the whole SELECT for some columns."""
        words = ["SELECT", ", ".join(columns), self.source, self.where, self.tail]
        return " ".join([*words, f"LIMIT {limit} OFFSET {self.offset}"])

    def by_ids(self, count: int) -> str:
        """Return the SELECT for records whose ids are known."""
        marks = ", ".join("?" * count)
        return " ".join(
            ["SELECT", ", ".join(self.columns), self.source, f"WHERE t.Id IN ({marks})"]
        )


@dataclass(frozen=True)
class ChildPlan:
    """What to run for the children of one record: its id is bound first."""

    name: str
    plan: Plan


@dataclass
class Compiler:
    """Compiles one statement against one schema."""

    text: str
    schema: Schema
    now: datetime
    deleted: bool = False

    def plan(self) -> Plan:
        """Return the plan of the statement, or raise the error the org answers."""
        query = parse(self.text)
        return self._plan(query, source_of(self.text, self.schema, query), None)

    def _plan(self, query: Query, sources: Sources, parent: Field | None) -> Plan:
        self._check(query)
        plan = Plan(sources.root, Shape(sources.root, 0), ["t.Id"])
        plan.limit, plan.offset = query.limit, query.offset
        plan.counts_only = _is_bare_count(query)
        items = [item for item in query.items if isinstance(item, FieldItem)]
        sums_up = any(is_aggregate(item.operand) for item in items)
        plan.aggregate = not plan.counts_only and (sums_up or bool(query.group))
        if plan.aggregate:
            self._aggregate(plan, query, sources)
        elif not plan.counts_only:
            self._records(plan, query, sources)
        self._rest(plan, query, sources, parent)
        return plan

    def _check(self, query: Query) -> None:
        if query.offset > MOST_OFFSET:
            message = "Maximum SOQL offset allowed is 2000"
            raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", message)
        wide = any(isinstance(item, FieldsItem) and item.kind != "STANDARD" for item in query.items)
        if wide and not 0 < (query.limit or 0) <= MOST_WITH_FIELDS:
            message = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise ApiError("MALFORMED_QUERY", message)

    def _records(self, plan: Plan, query: Query, sources: Sources) -> None:
        for item in query.items:
            for path in self._paths(item, sources.root):
                self._select(plan, sources, path)
            if isinstance(item, ChildItem):
                self._children(plan, sources.root, item)

    def _paths(self, item: Item, root: SObject) -> list[Path]:
        match item:
            case FieldsItem(kind, at):
                wanted = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}
                if kind not in wanted:
                    message = f"unexpected token: '{kind}'"
                    raise complain("MALFORMED_QUERY", self.text, at, message)
                fields = root.fields.values()
                return [Path((one.name,), at) for one in fields if one.custom in wanted[kind]]
            case FieldItem(Path() as path, _):
                return [path]
            case FieldItem(Function(_, Path() as path, _), _):
                return [path]
            case _:
                return []

    def _select(self, plan: Plan, sources: Sources, path: Path) -> None:
        column = sources.column(path)
        names = path.names
        if len(names) > 1 and sources.root.parent(names[0]) is None:
            names = names[1:]
        shape = plan.shape
        for n in range(1, len(names)):
            owner = sources.follow(names[:n], path)
            name = owner.reference.relationshipName if owner.reference else None
            plan.columns.append(f"{owner.alias}.Id")
            new = Shape(owner.sobject, len(plan.columns) - 1)
            found = shape.parts.setdefault(name or names[n - 1], new)
            if isinstance(found, Slot):
                raise complain("MALFORMED_QUERY", self.text, path.at, f"duplicate alias: {name}")
            shape = found
        if column.field.name in shape.parts:
            message = f"duplicate field selected: {path.text}"
            raise complain("MALFORMED_QUERY", self.text, path.at, message)
        plan.long_text = plan.long_text or column.field.long_text
        shape.parts[column.field.name] = self._slot(plan, column.sql, column.field)

    def _slot(self, plan: Plan, sql: str, field: Field) -> Slot:
        table = sql.partition(".")[0]
        parts = [f"{table}.{quoted(name)}" for name in field.components.values()]
        start = len(plan.columns)
        plan.columns += parts or [sql]
        return Slot(field, tuple(range(start, len(plan.columns))))

    def _aggregate(self, plan: Plan, query: Query, sources: Sources) -> None:
        plan.columns, grouped, unnamed = [], {_text(one).lower() for one in query.group}, 0
        if query.limit is not None and not query.group:
            limit = "Aggregate queries without GROUP BY do not take LIMIT"
            raise ApiError("MALFORMED_QUERY", limit)
        for item in query.items:
            if not isinstance(item, FieldItem):
                raise ApiError("MALFORMED_QUERY", "Subqueries are not allowed with aggregates")
            column = operand_column(sources, item.operand)
            if not is_aggregate(item.operand) and _text(item.operand).lower() not in grouped:
                message = f"Field must be grouped or aggregated: {_text(item.operand)}"
                raise complain("MALFORMED_QUERY", self.text, item.operand.at, message)
            alias = item.alias
            if alias is None and isinstance(item.operand, Path):
                alias = column.field.name
            if alias is None:
                alias, unnamed = f"expr{unnamed}", unnamed + 1
            plan.aliases.append((alias, column.field))
            plan.columns.append(column.sql)

    def _children(self, plan: Plan, root: SObject, item: ChildItem) -> None:
        wanted = item.query.source.text.lower()
        for child in self.schema.children(root):
            name = child.field.childRelationshipName
            if name and name.lower() == wanted:
                sources = Sources(self.text, self.schema, child.sobject, item.query.alias)
                inner = self._plan(item.query, sources, child.field)
                plan.children.append(ChildPlan(name, inner))
                return
        message = (
            f"Didn't understand relationship '{item.query.source.text}' in FROM part of query call."
            " If you are attempting to use a custom relationship, be sure to append the '__r' after"
            " the custom relationship name. Please reference your WSDL or the describe call for the"
            " appropriate names."
        )
        raise complain("INVALID_TYPE", self.text, item.query.source.at, message)

    def _rest(self, plan: Plan, query: Query, sources: Sources, parent: Field | None) -> None:
        conditions = Conditions(sources, Values(self.text, self.now), plan.bound)
        terms = [] if parent is None else [f"t.{quoted(parent.name)} = ?"]
        terms += [] if self.deleted else ["t.IsDeleted = 0"]
        if query.where is not None:
            terms.append(conditions.sql(query.where))
        plan.where = "WHERE " + " AND ".join(terms) if terms else ""
        tail = []
        if query.group:
            groups = ", ".join(operand_column(sources, one).sql for one in query.group)
            tail.append("GROUP BY " + groups)
        if query.having is not None:
            tail.append("HAVING " + conditions.sql(query.having))
        if query.order:
            tail.append(
                "ORDER BY " + ", ".join(self._ordering(sources, one) for one in query.order)
            )
        plan.tail = " ".join(tail)
        plan.source = " ".join(["FROM", quoted(sources.root.name), "t", *sources.joins])

    def _ordering(self, sources: Sources, ordering: Ordering) -> str:
        column = operand_column(sources, ordering.operand)
        if column.field.long_text or not column.field.stored:
            message = f"field '{_text(ordering.operand)}' can not be sorted in a query call"
            raise complain("INVALID_FIELD", self.text, ordering.operand.at, message)
        word = "DESC" if ordering.descending else "ASC"
        if not column.field.nillable and "." not in _text(ordering.operand):
            return f"{column.sql} {word}"  # without nulls an index gives the order
        return f"{column.sql} {word} NULLS {'LAST' if ordering.nulls_last else 'FIRST'}"


def _is_bare_count(query: Query) -> bool:
    match query.items:
        case (FieldItem(Function(name, None, _), _),):
            return name.upper() == "COUNT"
        case _:
            return False


def _text(operand: Operand) -> str:
    if isinstance(operand, Path):
        return operand.text
    return f"{operand.name}({'' if operand.argument is None else _text(operand.argument)})"
