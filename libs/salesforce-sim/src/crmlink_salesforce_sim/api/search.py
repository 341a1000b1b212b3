"""search and parameterizedSearch."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from crmlink_salesforce_sim.api.call import Answer, Call, Params, as_rows
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.queries import Queries
from crmlink_salesforce_sim.soql.nodes import FieldItem, Ordering, Path, Query, Source
from crmlink_salesforce_sim.soql.tokens import END, tokens_of
from crmlink_salesforce_sim.sosl.nodes import Returning, Search
from crmlink_salesforce_sim.sosl.parse import GROUPS, NO_TERM, SearchParser, parse_search
from crmlink_salesforce_sim.sosl.search import MOST_ROWS, Searches
from crmlink_salesforce_sim.sosl.terms import malformed

T = TypeVar("T")
WRAPPED = 37  # older versions answer the plain array
DEFAULT_OF_EACH = 200


def add_search(router: Router) -> None:
    """Add the search resources."""
    router.add("search", GET=_search)
    router.add("parameterizedSearch", GET=_by_parameters, POST=_by_document)


def _search(org: Org, call: Call) -> Answer:
    if not (text := call.params.get("q", "")).strip():
        raise malformed(NO_TERM)
    return _answer(org, call, parse_search(text))


def _answer(org: Org, call: Call, search: Search) -> Answer:
    queries = Queries(org, call.user, call.version)
    records = Searches(queries).run(search)
    if int(call.version.partition(".")[0]) < WRAPPED:
        return Answer(records)
    body: Row = {"searchRecords": records}
    if search.metadata:
        body["metadata"] = {"entityMetadata": _metadata(org, search)}
    return Answer(body)


def _metadata(org: Org, search: Search) -> list[Row]:
    """Return the labels of the fields returned, object by object."""
    found: list[Row] = []
    for one in search.returning:
        sobject = org.schema.required(one.query.source.text)
        names = [item.operand.text for item in one.query.items if isinstance(item, FieldItem)]
        fields = [field for name in names if (field := sobject.find(name)) is not None]
        labels: list[Row] = [{"name": field.name, "label": field.label} for field in fields]
        found.append({"entityName": sobject.name, "fieldMetadata": labels})
    return found


def _by_parameters(org: Org, call: Call) -> Answer:
    params = call.params
    every = params.every("sobject") if isinstance(params, Params) else []
    names = [name.strip() for one in every for name in one.split(",") if name.strip()]
    sobjects: list[Row] = [
        {"name": name, **_of_object(params, name)} for name in dict.fromkeys(names)
    ]
    document: Row = {**params, "fields": _split(params.get("fields", "")), "sobjects": sobjects}
    return _parameterized(org, call, document)


def _of_object(params: Mapping[str, str], name: str) -> Row:
    found: Row = {
        key: params[f"{name}.{key}"]
        for key in ("where", "orderBy", "limit")
        if f"{name}.{key}" in params
    }
    fields = _split(params.get(f"{name}.fields", ""))
    return {**found, "fields": fields} if fields else found


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _by_document(org: Org, call: Call) -> Answer:
    return _parameterized(org, call, call.row())


def _parameterized(org: Org, call: Call, document: Row) -> Answer:
    term = str(document.get("q") or "")
    if not term.strip():
        raise malformed(NO_TERM)
    group = str(document.get("in") or "ALL").upper().removesuffix(" FIELDS")
    if group not in GROUPS:
        raise ApiError("INVALID_SEARCH_SCOPE", f"unknown search group: {group}")
    for name in ("dataCategory", "dataCategories", "division", "netWorkIds", "pricebookId"):
        if document.get(name):
            return _answer(org, call, Search(term, term, unexecuted=name))
    each = _number(document, "defaultLimit", DEFAULT_OF_EACH)
    shared = [str(one) for one in cast("Sequence[object]", document.get("fields") or [])]
    rows = as_rows(document.get("sobjects") or [])
    returning = tuple(_returning(row, shared, each) for row in rows)
    limit = _number(document, "overallLimit", MOST_ROWS)
    metadata = bool(document.get("metadata"))
    return _answer(org, call, Search(term, term, group, returning, limit, metadata))


def _number(row: Row, name: str, default: int) -> int:
    value = row.get(name, default)
    if isinstance(value, bool) or not str(value).isdecimal():
        raise ApiError("MALFORMED_SEARCH", f"{name} has to be a number")
    return min(int(str(value)), MOST_ROWS)


def _returning(row: Row, shared: list[str], each: int) -> Returning:
    given = row.get("fields")
    named = [_name_of(one) for one in given] if isinstance(given, list) else []
    names = named or shared or ["Id"]
    items = tuple(FieldItem(_read(name, SearchParser.operand)) for name in names)
    query = Query(
        items=items,
        sources=(Source(Path((str(row.get("name", "")),), 0)),),
        where=_read(str(row["where"]), SearchParser.conditions) if row.get("where") else None,
        order=_read(str(row["orderBy"]), _orderings) if row.get("orderBy") else (),
        limit=_number(row, "limit", each),
    )
    return Returning(query)


def _name_of(field: object) -> str:
    return str(field.get("name", "")) if isinstance(field, dict) else str(field)


def _orderings(parser: SearchParser) -> tuple[Ordering, ...]:
    return tuple(parser.many(parser.ordering))


def _read(text: str, read: Callable[[SearchParser], T]) -> T:
    """Return what a part of a statement says that comes as a value of its own."""
    parser = SearchParser(text, tokens_of(text))
    found = read(parser)
    if parser.here.kind != END:
        raise parser.unexpected()
    return found
