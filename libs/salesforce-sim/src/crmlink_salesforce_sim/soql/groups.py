"""Sums over records: select lists with aggregates, GROUP BY and ROLLUP."""

from dataclasses import dataclass

from crmlink_salesforce_sim.soql.abilities import groupable
from crmlink_salesforce_sim.soql.fields import Column, Sources
from crmlink_salesforce_sim.soql.functions import (
    WHOLE,
    is_aggregate,
    is_of_dates,
    operand_column,
    order_sql,
)
from crmlink_salesforce_sim.soql.nodes import FieldItem, Function, Operand, Path, Query
from crmlink_salesforce_sim.soql.place import complain, not_executed
from crmlink_salesforce_sim.soql.plan import Plan

MOST_ROLLED_UP = 3


@dataclass
class Groups:
    """Adds what is selected of groups to a plan."""

    text: str
    plan: Plan
    query: Query
    sources: Sources

    def __post_init__(self) -> None:
        self._grouped = [_key(one) for one in self.query.group]

    def select(self) -> None:
        """Add the select list."""
        self._check()
        self.plan.columns, unnamed = [], 0
        for item in self.query.items:
            if not isinstance(item, FieldItem):
                message = "subqueries, FIELDS and TYPEOF are not allowed with aggregates"
                raise complain("MALFORMED_QUERY", self.text, item.at, message)
            column = self._column(item.operand)
            alias = item.alias
            if alias is None and isinstance(item.operand, Path):
                alias = column.field.name
            if alias is None:
                alias, unnamed = f"expr{unnamed}", unnamed + 1
            if alias.lower() in (one.lower() for one, _ in self.plan.aliases):
                message = f"duplicate alias: {alias}"
                raise complain("MALFORMED_QUERY", self.text, item.operand.at, message)
            if isinstance(item.operand, Function) and item.operand.kind == "FORMAT":
                self.plan.formatted.add(alias)
            self.plan.aliases.append((alias, column.field))
            self.plan.columns.append(column.sql)

    def _check(self) -> None:
        grouping, query = self.query.grouping, self.query
        if query.limit is not None and grouping is None:
            message = "Aggregate queries without GROUP BY do not take LIMIT"
            raise complain("MALFORMED_QUERY", self.text, query.at, message)
        if grouping and grouping.kind == "CUBE":
            raise not_executed("GROUP BY CUBE")
        if grouping and grouping.kind == "ROLLUP" and len(grouping.operands) > MOST_ROLLED_UP:
            message = f"GROUP BY ROLLUP takes no more than {MOST_ROLLED_UP} fields"
            raise complain("MALFORMED_QUERY", self.text, grouping.at, message)
        for one in query.group:
            field = operand_column(self.sources, one).field
            if is_aggregate(one) or not (groupable(field) or is_of_dates(one)):
                message = f"field '{one.text}' can not be grouped in a query call"
                raise complain("INVALID_FIELD", self.text, one.at, message)

    def _column(self, operand: Operand) -> Column:
        if isinstance(operand, Function) and _is_grouping(operand):
            self._require_rollup(operand)
            return Column("0", WHOLE)
        column = operand_column(self.sources, operand)
        self.require(operand, "Field")
        return column

    def _is_grouped(self, operand: Operand) -> bool:
        if _key(operand) in self._grouped:
            return True
        inner = operand.arguments if isinstance(operand, Function) else ()
        return (
            len(inner) == 1 and isinstance(inner[0], Path | Function) and self._is_grouped(inner[0])
        )

    def _require_rollup(self, function: Function) -> None:
        kind = self.query.grouping.kind if self.query.grouping else ""
        names = [one.text.lower() for one in function.arguments]
        if kind != "ROLLUP" or names[:1] != [one for one in names if one in self._grouped]:
            message = f"GROUPING takes a field of GROUP BY ROLLUP or CUBE: {function.text}"
            raise complain("MALFORMED_QUERY", self.text, function.at, message)

    def require(self, operand: Operand, what: str) -> None:
        """Refuse what is neither grouped nor summed up."""
        if not is_aggregate(operand) and not self._is_grouped(operand):
            message = f"{what} must be grouped or aggregated: {operand.text}"
            raise complain("MALFORMED_QUERY", self.text, operand.at, message)

    def roll_up(self, having: str, orders: list[tuple[str, str]]) -> None:
        """Make one statement of all levels: groups, subtotals and the total."""
        operands = self.query.group
        parts, bound = [], list(self.plan.bound)
        for level in range(len(operands), -1, -1):
            kept, gone = operands[:level], {_key(one) for one in operands[level:]}
            columns = [
                f"{self._at_level(item.operand, gone)} AS c{n}"
                for n, item in enumerate(self.query.items)
                if isinstance(item, FieldItem)
            ]
            columns += [
                f"{self._at_level(one.operand, gone, ordered=True)} AS o{n}"
                for n, one in enumerate(self.query.order)
            ]
            words = ["SELECT", ", ".join(columns), self.plan.source, self.plan.where]
            groups = ", ".join(operand_column(self.sources, one).sql for one in kept)
            if groups or not self._sums_up():  # the total is one row, also of keys alone
                words.append("GROUP BY " + (groups or "NULL"))
            parts.append(" ".join([*words, having]))
        names = ", ".join(f"c{n}" for n in range(len(self.query.items)))
        whole = f"SELECT {names} FROM ({' UNION ALL '.join(parts)})"  # noqa: S608 - made here
        tail = ", ".join(f"o{n} {how}" for n, (_, how) in enumerate(orders))
        self.plan.whole = f"{whole} ORDER BY {tail}" if tail else whole
        self.plan.bound = bound * (len(operands) + 1)

    def _sums_up(self) -> bool:
        items = [one for one in self.query.items if isinstance(one, FieldItem)]
        return any(is_aggregate(one.operand) and not _is_grouping(one.operand) for one in items)

    def _at_level(self, operand: Operand, gone: set[str], *, ordered: bool = False) -> str:
        if isinstance(operand, Function) and _is_grouping(operand):
            [argument] = operand.arguments
            return str(int(argument.text.lower() in gone))
        if is_aggregate(operand):
            return operand_column(self.sources, operand).sql
        key = _key(operand)
        if key in gone or any(f"({one})" in key for one in gone):
            return "NULL"
        column = operand_column(self.sources, operand)
        return order_sql(column) if ordered else column.sql


def _is_grouping(operand: Operand) -> bool:
    return isinstance(operand, Function) and operand.kind == "GROUPING"


def _key(operand: Operand) -> str:
    return operand.text.lower()
