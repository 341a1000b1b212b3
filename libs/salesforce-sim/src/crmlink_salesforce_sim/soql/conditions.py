"""WHERE and HAVING to SQL, every value bound."""

from dataclasses import dataclass
from dataclasses import field as default

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.folding import compared, folded, folds
from crmlink_salesforce_sim.schema import Field
from crmlink_salesforce_sim.soql.abilities import filterable
from crmlink_salesforce_sim.soql.fields import Column, Sources
from crmlink_salesforce_sim.soql.functions import is_aggregate, operand_column
from crmlink_salesforce_sim.soql.groups import Groups
from crmlink_salesforce_sim.soql.literals import Between, Bound, Values, escaped
from crmlink_salesforce_sim.soql.nodes import (
    Compared,
    Condition,
    Function,
    Joined,
    Listed,
    Literal,
    Logic,
    Negation,
    Operand,
    Query,
)
from crmlink_salesforce_sim.soql.place import complain
from crmlink_salesforce_sim.soql.semijoins import MOST_JOINS, joined_source

OUTSIDE = {"<": "first", ">=": "first", ">": "end", "<=": "end"}
FOR_SPANS = {"<": "<", ">=": ">=", ">": ">=", "<=": "<"}
ORDERS = ("<", "<=", ">", ">=")
UNORDERED = ("boolean", "multipicklist")
MOST_SIDE_BY_SIDE = 100
LAST = "\U0010ffff"


def _joined_terms(terms: list[str], word: str) -> str:
    """Return terms under one word, nested so that many of them are not deep."""
    while len(terms) > MOST_SIDE_BY_SIDE:
        starts = range(0, len(terms), MOST_SIDE_BY_SIDE)
        parts = (terms[start : start + MOST_SIDE_BY_SIDE] for start in starts)
        terms = ["(" + f" {word} ".join(part) + ")" for part in parts]
    return "(" + f" {word} ".join(terms) + ")"


@dataclass
class Conditions:
    """Turns conditions into SQL; `bound` collects their values in order."""

    sources: Sources
    values: Values
    bound: list[Bound] = default(default_factory=list)
    depth: int = 0
    groups: Groups | None = None
    joins: int = 0

    def sql(self, condition: Condition, *, top: bool = True) -> str:
        """Return SQL that is true or false, never null: a missing value equals nothing."""
        match condition:
            case Logic(word, terms):
                below = top and word == "AND"
                parts = [
                    self.sql(term, top=below and not isinstance(term, Logic)) for term in terms
                ]
                return _joined_terms(parts, word)
            case Negation(term):
                return f"NOT ifnull({self.sql(term, top=False)}, 0)"
            case Compared(operand, operator, value):
                return self._compared(self._filtered(operand), operator, value)
            case Listed(operand, operator, values):
                return self._listed(self._filtered(operand), operator, values)
            case Joined(operand, negated, query, at):
                self._check_join(at, top=top)
                return self._joined(operand, query, negated=negated)

    def _filtered(self, operand: Operand) -> Column:
        if self.groups is not None:
            self.groups.require(operand, "Field")
        elif is_aggregate(operand):
            message = "Aggregate functions are not allowed in a WHERE clause"
            raise complain("MALFORMED_QUERY", self.sources.text, operand.at, message)
        column = operand_column(self.sources, operand)
        if not filterable(column.field):
            message = f"field '{operand.text}' can not be filtered in a query call"
            raise complain("INVALID_FIELD", self.sources.text, operand.at, message)
        return column

    def _compared(self, column: Column, operator: str, value: Literal) -> str:
        if operator == "LIKE":
            return self._like(column, value)
        found = self.values.bound(value, column.field)
        if isinstance(found, Between):
            return self._against_span(column, operator, found)
        if found is None or (found == "" and value.kind == "STRING"):
            return self._against_null(column, operator, value)
        if operator in ORDERS and column.field.type in UNORDERED:
            raise self._bad_operator(column.field, value)
        self.bound.append(folded(found) if folds(column.field) else found)
        sql = compared(column.field, column.sql)
        if operator == "!=":  # a missing value differs from every value
            return f"{sql} IS NOT ?"
        return f"{sql} {operator} ?"

    def _bad_operator(self, field: Field, value: Literal) -> ApiError:
        text = f"invalid operator on {field.type} field"
        return complain("INVALID_QUERY_FILTER_OPERATOR", self.sources.text, value.at, text)

    def _like(self, column: Column, value: Literal) -> str:
        pattern, prefix = self.values.like(value, column.field)
        sql = compared(column.field, column.sql)
        if column.field.caseSensitive:
            self.bound.append(self.values.glob(value))
            return f"{sql} GLOB ?"
        indexed = column.field.indexed or column.field.lookup
        if not prefix or not indexed or not folds(column.field):
            self.bound.append(folded(pattern))
            return f"{sql} LIKE ? ESCAPE '\\'"
        self.bound += [folded(prefix), f"{folded(prefix)}{LAST}", folded(pattern)]
        return f"({sql} >= ? AND {sql} < ? AND {sql} LIKE ? ESCAPE '\\')"

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
        if any(bound is None or bound == "" for bound in plain):
            terms.append(f"{column.sql} IS NULL")
        if some := [bound for bound in plain if bound is not None and bound != ""]:
            self.bound += [folded(one) for one in some] if folds(column.field) else some
            sql = compared(column.field, column.sql)
            terms.append(f"{sql} IN ({', '.join('?' * len(some))})")
        terms += [self._compared(column, "=", one) for one in spans]
        any_of = "(" + " OR ".join(terms) + ")"
        return any_of if operator == "IN" else f"NOT ifnull({any_of}, 0)"

    def _chosen(self, column: Column, operator: str, values: tuple[Literal, ...]) -> str:
        if column.field.type != "multipicklist":
            message = f"invalid operator {operator.lower()} on {column.field.type} field"
            at = values[0].at
            raise complain("INVALID_QUERY_FILTER_OPERATOR", self.sources.text, at, message)
        groups = []
        inside = f"';' || {compared(column.field, column.sql)} || ';' LIKE ? ESCAPE '\\'"
        for one in values:
            parts = str(self.values.bound(one, column.field) or "").split(";")
            self.bound += [f"%;{escaped(str(folded(part)))};%" for part in parts]
            groups.append(" AND ".join([inside] * len(parts)))
        any_of = _joined_terms([f"({group})" for group in groups], "OR")
        return any_of if operator == "INCLUDES" else f"NOT ifnull({any_of}, 0)"

    def _check_join(self, at: int, *, top: bool) -> None:
        self.joins += 1
        message = None
        if self.depth:
            message = "Nesting of semi join sub-selects is not supported"
        elif self.groups is not None or not top:
            message = (
                "Semi join sub-selects are only allowed at the top level WHERE expressions and not"
                " in nested WHERE expressions."
            )
        elif self.joins > MOST_JOINS:
            message = f"Maximum {MOST_JOINS} semi join sub-selects are allowed"
            code = "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS"
            raise complain(code, self.sources.text, at, message)
        if message:
            raise complain("MALFORMED_QUERY", self.sources.text, at, message)

    def _joined(self, operand: Operand, query: Query, *, negated: bool) -> str:
        column = self._filtered(operand)
        if isinstance(operand, Function):
            message = f"unexpected token: '{operand.name}'"
            raise complain("MALFORMED_QUERY", self.sources.text, operand.at, message)
        inner = joined_source(self.sources, column, operand, query, f"s{len(self.bound)}_")
        where = [f"{inner.sources.top.alias}.IsDeleted = 0", f"{inner.selected} IS NOT NULL"]
        if query.where is not None:
            below = Conditions(inner.sources, self.values, self.bound, self.depth + 1)
            where.append(below.sql(query.where))
        test = f"{column.sql} IN ({inner.statement(where)})"
        return f"NOT ifnull({test}, 0)" if negated else test
