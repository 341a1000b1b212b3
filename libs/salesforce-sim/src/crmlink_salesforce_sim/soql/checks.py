"""Rules about a whole statement that no single clause decides."""

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.soql.functions import is_aggregate
from crmlink_salesforce_sim.soql.nodes import (
    ChildItem,
    Compared,
    FieldItem,
    FieldsItem,
    Function,
    Listed,
    Logic,
    Path,
    Query,
)
from crmlink_salesforce_sim.soql.place import complain, not_executed

MOST_OFFSET = 2000
MOST_WITH_FIELDS = 200
FIRST_WITH_FIELDS = 51
MOST_SUBQUERIES = 20
DEEP_SINCE, DEPTH, SHALLOW = 58, 5, 1


def check_statement(text: str, query: Query, version: int) -> None:
    """Refuse what one statement, or one subquery, must not say."""
    if query.all_rows:
        raise complain("MALFORMED_QUERY", text, query.at, "ALL ROWS not allowed in this context")
    if query.unexecuted:
        raise not_executed(query.unexecuted)
    if (query.offset or 0) > MOST_OFFSET:
        message = "Maximum SOQL offset allowed is 2000"
        raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", message)
    if "UPDATE" in query.purposes and query.order:
        message = "ORDER BY is not allowed when rows are locked"
        raise complain("MALFORMED_QUERY", text, query.at, message)
    if any(_counts(item) for item in query.items):
        _check_count(text, query)
    _check_fields(text, query, version)


def _check_count(text: str, query: Query) -> None:
    if not is_bare_count(query):
        message = "COUNT() must be the only element of the select list"
    elif query.grouping:
        message = "Grouped query cannot use COUNT()"
    elif query.order:
        message = f"Ordered field must be grouped or aggregated: {query.order[0].operand.text}"
    else:
        return
    raise complain("MALFORMED_QUERY", text, query.at, message)


def _check_fields(text: str, query: Query, version: int) -> None:
    asked = [item for item in query.items if isinstance(item, FieldsItem)]
    if asked and version < FIRST_WITH_FIELDS:
        raise complain("MALFORMED_QUERY", text, asked[0].at, "unexpected token: 'FIELDS'")
    wide = any(item.kind != "STANDARD" for item in asked)
    if wide and not 0 <= _most_rows(query) <= MOST_WITH_FIELDS:
        message = "The SOQL FIELDS function must have a LIMIT of at most 200"
        raise ApiError("MALFORMED_QUERY", message)


def _most_rows(query: Query) -> int:
    """Return how many rows LIMIT or a list of ids allows, -1 when nothing bounds them."""
    bounds = [] if query.limit is None else [query.limit]
    terms = [query.where]
    if isinstance(query.where, Logic) and query.where.word == "AND":
        terms = list(query.where.terms)
    for term in terms:
        match term:
            case Listed(Path() as path, "IN", values) if path.names[-1].lower() == "id":
                bounds.append(len(values))
            case Compared(Path() as path, "=", _) if path.names[-1].lower() == "id":
                bounds.append(1)
    return min(bounds, default=-1)


def check_children(text: str, query: Query, version: int) -> None:
    """Refuse too many subqueries, subqueries too deep, and what a subquery must not say."""
    most = DEPTH if version >= DEEP_SINCE else SHALLOW
    if len(_children(query)) > MOST_SUBQUERIES:
        message = f"no more than {MOST_SUBQUERIES} subqueries are allowed in a query"
        raise complain("MALFORMED_QUERY", text, query.at, message)
    _check_level(text, query, most)


def _children(query: Query) -> list[ChildItem]:
    return [item for item in query.items if isinstance(item, ChildItem)]


def _check_level(text: str, query: Query, left: int) -> None:
    for child in _children(query):
        inner = child.query
        message = None
        if left == 0:
            message = "SOQL relationship queries nest no deeper in this version of the API"
        elif inner.group or any(
            isinstance(item, FieldItem) and is_aggregate(item.operand) for item in inner.items
        ):
            message = "Only root queries support aggregate expressions"
        elif inner.offset is not None and query.limit != 1:
            message = "OFFSET in a subquery is only allowed when the parent query has LIMIT 1"
        elif inner.scope is not None:
            message = "unexpected token: 'USING'"
        if message:
            raise complain("MALFORMED_QUERY", text, child.at, message)
        _check_level(text, inner, left - 1)


def is_bare_count(query: Query) -> bool:
    """Tell whether the statement is COUNT() alone."""
    return len(query.items) == 1 and _counts(query.items[0])


def _counts(item: object) -> bool:
    match item:
        case FieldItem(Function(_, (), _) as function, _):
            return function.kind == "COUNT"
        case _:
            return False
