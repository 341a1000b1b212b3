"""WHERE and HAVING to SQL, every value bound."""

from dataclasses import dataclass
from dataclasses import field as default

from crmlink_salesforce_sim.schema import Field
from crmlink_salesforce_sim.soql.fields import Column, Sources, source_of
from crmlink_salesforce_sim.soql.functions import operand_column
from crmlink_salesforce_sim.soql.literals import Between, Bound, Values
from crmlink_salesforce_sim.soql.nodes import (
    Compared,
    Condition,
    FieldItem,
    Joined,
    Listed,
    Literal,
    Logic,
    Negation,
    Operand,
    Path,
    Query,
)
from crmlink_salesforce_sim.soql.parse import complain
from crmlink_salesforce_sim.store import quoted

OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
OUTSIDE = {"<": "first", ">=": "first", ">": "end", "<=": "end"}
FOR_SPANS = {"<": "<", ">=": ">=", ">": ">=", "<=": "<"}


@dataclass
class Conditions:
    """Turns conditions into SQL; `bound` collects their values in order."""

    sources: Sources
    values: Values
    bound: list[Bound] = default(default_factory=list)
    depth: int = 0

    def sql(self, condition: Condition) -> str:
        """Return SQL that is true or false, never null: a missing value equals nothing."""
        match condition:
            case Logic(word, terms):
                return "(" + f" {word} ".join(self.sql(term) for term in terms) + ")"
            case Negation(term):
                return f"NOT ifnull({self.sql(term)}, 0)"
            case Compared(operand, operator, value):
                return self._compared(self._filtered(operand), operator, value)
            case Listed(operand, operator, values):
                return self._listed(self._filtered(operand), operator, values)
            case Joined(operand, negated, query, _):
                return self._joined(self._filtered(operand), query, negated=negated)

    def _filtered(self, operand: Operand) -> Column:
        column = operand_column(self.sources, operand)
        if column.field.long_text or not column.field.stored:
            name = operand.text if isinstance(operand, Path) else operand.name
            message = f"field '{name}' can not be filtered in a query call"
            raise complain("INVALID_FIELD", self.sources.text, operand.at, message)
        return column

    def _compared(self, column: Column, operator: str, value: Literal) -> str:
        operator = "!=" if operator == "<>" else operator
        if operator == "LIKE":
            self.bound.append(self.values.like(value, column.field))
            return f"{column.sql} LIKE ? ESCAPE '\\'"
        found = self.values.bound(value, column.field)
        if isinstance(found, Between):
            return self._against_span(column, operator, found)
        if found is None:
            return self._against_null(column, operator, value)
        self.bound.append(found)
        if operator == "!=":  # a missing value differs from every value
            return f"{column.sql} IS NOT ?"
        return f"{column.sql} {operator} ?"

    def _against_null(self, column: Column, operator: str, value: Literal) -> str:
        if operator == "=":
            return f"{column.sql} IS NULL"
        if operator == "!=":
            return f"{column.sql} IS NOT NULL"
        message = f"invalid operator '{operator}' with a null value"
        raise complain("INVALID_QUERY_FILTER_OPERATOR", self.sources.text, value.at, message)

    def _against_span(self, column: Column, operator: str, span: Between) -> str:
        if operator in FOR_SPANS:
            self.bound.append(span.first if OUTSIDE[operator] == "first" else span.end)
            return f"{column.sql} {FOR_SPANS[operator]} ?"
        self.bound += [span.first, span.end]
        inside = f"({column.sql} >= ? AND {column.sql} < ?)"
        return inside if operator == "=" else f"NOT ifnull({inside}, 0)"

    def _listed(self, column: Column, operator: str, values: tuple[Literal, ...]) -> str:
        if operator in ("INCLUDES", "EXCLUDES"):
            return self._chosen(column, operator, values)
        found = [(one, self.values.bound(one, column.field)) for one in values]
        plain = [bound for _, bound in found if bound is None or not isinstance(bound, Between)]
        spans = [one for one, bound in found if isinstance(bound, Between)]
        terms = []
        if any(bound is None for bound in plain):
            terms.append(f"{column.sql} IS NULL")
        if some := [bound for bound in plain if bound is not None]:
            self.bound += some
            terms.append(f"{column.sql} IN ({', '.join('?' * len(some))})")
        terms += [self._compared(column, "=", one) for one in spans]
        any_of = "(" + " OR ".join(terms) + ")"
        return any_of if operator == "IN" else f"NOT ifnull({any_of}, 0)"

    def _chosen(self, column: Column, operator: str, values: tuple[Literal, ...]) -> str:
        if column.field.type != "multipicklist":
            message = f"invalid operator {operator.lower()} on {column.field.type} field"
            at = values[0].at
            raise complain("INVALID_QUERY_FILTER_OPERATOR", self.sources.text, at, message)
        groups = []
        for one in values:
            parts = str(self.values.bound(one, column.field)).split(";")
            self.bound += [f"%;{part};%" for part in parts]
            groups.append(" AND ".join([f"';' || {column.sql} || ';' LIKE ?"] * len(parts)))
        any_of = "(" + " OR ".join(groups) + ")"
        return any_of if operator == "INCLUDES" else f"NOT ifnull({any_of}, 0)"

    def _joined(self, column: Column, query: Query, *, negated: bool) -> str:
        text, schema = self.sources.text, self.sources.schema
        if self.depth or query.limit is not None or query.order or query.group:
            message = "a semi join sub-select takes SELECT, FROM and WHERE, one level deep"
            raise complain("MALFORMED_QUERY", text, query.at, message)
        sources = source_of(text, schema, query, prefix=f"s{len(self.bound)}_")
        selected = self._only_id(sources, query)
        inner = Conditions(sources, self.values, self.bound, self.depth + 1)
        where = [f"{sources.top.alias}.IsDeleted = 0", f"{selected.sql} IS NOT NULL"]
        if query.where is not None:
            where.append(inner.sql(query.where))
        table = f"{quoted(sources.root.name)} {sources.top.alias}"
        words = ["SELECT", selected.sql, "FROM", table, *sources.joins, "WHERE"]
        semi = " ".join([*words, " AND ".join(where)])
        test = f"{column.sql} IN ({semi})"
        return f"NOT ifnull({test}, 0)" if negated else test

    def _only_id(self, sources: Sources, query: Query) -> Column:
        [item, *more] = query.items
        if not more and isinstance(item, FieldItem) and isinstance(item.operand, Path):
            column = sources.column(item.operand)
            if _points_to_records(column.field):
                return column
        message = "the sub-select of a semi join takes one ID or reference field"
        raise complain("MALFORMED_QUERY", sources.text, query.at, message)


def _points_to_records(field: Field) -> bool:
    return field.type in ("id", "reference")
