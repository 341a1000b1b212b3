"""Semi-joins and anti-joins: what a sub-select in WHERE may be."""

from dataclasses import dataclass

from crmlink_salesforce_sim.schema import Field
from crmlink_salesforce_sim.soql.fields import Column, Sources
from crmlink_salesforce_sim.soql.nodes import FieldItem, Path, Query
from crmlink_salesforce_sim.soql.place import complain
from crmlink_salesforce_sim.soql.sources import source_of
from crmlink_salesforce_sim.store import quoted

MOST_JOINS = 2
KEYS = ("id", "reference")


@dataclass(frozen=True)
class Inner:
    """The inside of a semi-join."""

    sources: Sources
    selected: str

    def statement(self, where: list[str]) -> str:
        """Return the sub-select, once its conditions have joined their parents."""
        table = f"{quoted(self.sources.root.name)} {self.sources.top.alias}"
        words = ["SELECT", self.selected, "FROM", table, *self.sources.joins, "WHERE"]
        return " ".join([*words, " AND ".join(where)])


def joined_source(
    outer: Sources, column: Column, operand: Path, query: Query, prefix: str
) -> Inner:
    """Return the inside of a semi-join, or refuse what it must not be."""
    for refused, word in (
        (query.order, "ORDER BY"),
        (query.limit is not None, "LIMIT"),
        (query.offset is not None, "OFFSET"),
        (query.group, "GROUP BY"),
        (query.purposes, "FOR"),
    ):
        if refused:
            message = f"{word} is not allowed in a semi join sub-select"
            raise complain("MALFORMED_QUERY", outer.text, query.at, message)
    sources = source_of(outer.text, outer.schema, query, prefix)
    selected = _only_key(sources, query)
    if column.field.type not in KEYS:
        message = f"The left operand '{operand.text}' of a semi join must be an id or a reference"
        raise complain("INVALID_QUERY_FILTER_OPERATOR", outer.text, operand.at, message)
    if sources.root is outer.root:
        message = "The inner and outer selects should not be on the same object type"
        raise complain("MALFORMED_QUERY", outer.text, query.at, message)
    owner = outer.follow(outer.names(operand)[:-1], operand).sobject.name
    if not _targets(column.field, owner) & _targets(selected.field, sources.root.name):
        [item] = query.items
        name = item.operand.text if isinstance(item, FieldItem) else ""
        message = (
            f"The selected field '{name}' in the subquery and the left operand field in the where"
            f" expression in the outer query '{operand.text}' should point to the same object type"
        )
        raise complain("MALFORMED_QUERY", outer.text, query.at, message)
    return Inner(sources, selected.sql)


def _only_key(sources: Sources, query: Query) -> Column:
    [item, *more] = query.items
    if not more and isinstance(item, FieldItem) and isinstance(item.operand, Path):
        column = sources.column(item.operand)
        if column.field.type in KEYS:
            return column
    message = "the sub-select of a semi join takes one ID or reference field"
    raise complain("MALFORMED_QUERY", sources.text, query.at, message)


def _targets(field: Field, owner: str) -> set[str]:
    return {owner} if field.type == "id" else set(field.referenceTo)
