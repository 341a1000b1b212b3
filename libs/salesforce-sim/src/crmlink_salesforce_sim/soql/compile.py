"""A parsed statement to a plan: what SQL to run and how to shape its rows."""

from dataclasses import dataclass
from datetime import datetime

from crmlink_salesforce_sim.schema import Child, Schema, SObject
from crmlink_salesforce_sim.soql.abilities import sortable
from crmlink_salesforce_sim.soql.checks import check_children, check_statement, is_bare_count
from crmlink_salesforce_sim.soql.conditions import Conditions
from crmlink_salesforce_sim.soql.fields import Sources
from crmlink_salesforce_sim.soql.functions import is_aggregate, operand_column, order_sql
from crmlink_salesforce_sim.soql.groups import Groups
from crmlink_salesforce_sim.soql.literals import Values
from crmlink_salesforce_sim.soql.nodes import (
    ChildItem,
    FieldItem,
    FieldsItem,
    Ordering,
    Query,
    TypeofItem,
)
from crmlink_salesforce_sim.soql.parse import parse
from crmlink_salesforce_sim.soql.place import complain
from crmlink_salesforce_sim.soql.plan import ChildPlan, Plan
from crmlink_salesforce_sim.soql.scopes import Recent, Whose, nothing_recent
from crmlink_salesforce_sim.soql.select import Selection
from crmlink_salesforce_sim.soql.shape import Hole, Shape
from crmlink_salesforce_sim.soql.sources import child_of, name_sources, source_of
from crmlink_salesforce_sim.store import quoted

__all__ = ["ChildPlan", "Compiler", "Plan"]

NEWEST = 66


@dataclass
class Compiler:
    """Compiles one statement against one schema, for one user in one version of the API."""

    text: str
    schema: Schema
    now: datetime
    deleted: bool = False
    user: str = ""
    version: int = NEWEST
    recent: Recent = nothing_recent

    def plan(self) -> Plan:
        """Return the plan of the statement, or raise the error the org answers."""
        return self.of(parse(self.text))

    def of(self, query: Query, extra: tuple[str, ...] = ()) -> Plan:
        """Return the plan of a parsed statement; `extra` are further terms of its WHERE."""
        sources = source_of(self.text, self.schema, query)
        check_children(self.text, query, self.version)
        return self._plan(query, sources, None, extra)

    def _plan(
        self,
        query: Query,
        sources: Sources,
        parent: Child | None,
        extra: tuple[str, ...] = (),
    ) -> Plan:
        check_statement(self.text, query, self.version)
        plan = Plan(sources.root, Shape(sources.root, 0), ["t.Id"])
        plan.limit, plan.offset = query.limit, query.offset or 0
        plan.purposes = query.purposes
        plan.counts_only = is_bare_count(query)
        groups = None
        if self._sums_up(query) and not plan.counts_only:
            plan.aggregate = True
            groups = Groups(self.text, plan, query, sources)
            groups.select()
        elif not plan.counts_only:
            self._records(plan, query, sources)
        self._rest(plan, query, sources, groups, self._terms(query, sources.root, parent, extra))
        return plan

    def _sums_up(self, query: Query) -> bool:
        items = [item for item in query.items if isinstance(item, FieldItem)]
        return bool(query.group) or any(is_aggregate(item.operand) for item in items)

    def _records(self, plan: Plan, query: Query, sources: Sources) -> None:
        selection = Selection(self.text, plan, sources)
        for item in query.items:
            match item:
                case FieldItem():
                    selection.item(item)
                case FieldsItem():
                    selection.fields(item)
                case TypeofItem():
                    selection.typeof(item)
                case ChildItem(inner, _):
                    child = self._children(sources, inner)
                    plan.shape.parts.setdefault(child.name, Hole())
                    plan.children.append(child)

    def _children(self, sources: Sources, query: Query) -> ChildPlan:
        child, name = child_of(sources, query)
        inner = Sources(self.text, self.schema, child.sobject)
        name_sources(inner, query)
        return ChildPlan(name, self._plan(query, inner, child))

    def _terms(
        self, query: Query, root: SObject, parent: Child | None, extra: tuple[str, ...]
    ) -> list[str]:
        terms = [] if parent is None else [f"t.{quoted(parent.field.name)} = ?"]
        terms += extra
        if not self.deleted:
            terms.append("t.IsDeleted = 0")
        if query.scope is not None:
            terms += Whose(self.text, self.user, self.recent).terms(query.scope, root)
        return terms

    def _rest(
        self, plan: Plan, query: Query, sources: Sources, groups: Groups | None, terms: list[str]
    ) -> None:
        conditions = Conditions(sources, Values(self.text, self.now), plan.bound)
        if query.where is not None:
            terms.append(conditions.sql(query.where))
        plan.where = "WHERE " + " AND ".join(terms) if terms else ""
        having = ""
        if query.having is not None:
            conditions.groups = groups
            having = "HAVING " + conditions.sql(query.having)
        orders = [self._ordering(sources, one, groups) for one in query.order]
        plan.source = " ".join(["FROM", quoted(sources.root.name), "t", *sources.joins])
        if groups is not None and query.grouping and query.grouping.kind == "ROLLUP":
            groups.roll_up(having, orders)
            return
        tail = []
        if query.group:
            keys = ", ".join(operand_column(sources, one).sql for one in query.group)
            tail.append(f"GROUP BY {keys}")
        if having:
            tail.append(having)
        if orders:
            tail.append("ORDER BY " + ", ".join(f"{sql} {how}" for sql, how in orders))
        plan.tail = " ".join(tail)

    def _ordering(
        self, sources: Sources, ordering: Ordering, groups: Groups | None
    ) -> tuple[str, str]:
        operand = ordering.operand
        column = operand_column(sources, operand)
        field = column.field
        if not sortable(field):
            message = f"field '{operand.text}' can not be sorted in a query call"
            raise complain("INVALID_FIELD", self.text, operand.at, message)
        if groups is not None:
            groups.require(operand, "Ordered field")
        elif is_aggregate(operand):
            message = "Aggregate functions in ORDER BY take a query that is grouped"
            raise complain("MALFORMED_QUERY", self.text, operand.at, message)
        word = "DESC" if ordering.descending else "ASC"
        if not field.nillable and "." not in operand.text and groups is None:
            return order_sql(column), word  # without nulls an index gives the order
        return order_sql(column), f"{word} NULLS {'LAST' if ordering.nulls_last else 'FIRST'}"
