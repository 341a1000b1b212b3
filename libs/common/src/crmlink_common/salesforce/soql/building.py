"""Queries rendered from their parts, and lists cut to what a query may hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote as percent_encoded

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.soql.conditions import NAME, Condition, expression
from crmlink_common.salesforce.soql.literals import Literal, quote

LONGEST_QUERY = 100_000
ALIASED = re.compile(r"(.+\)) ([A-Za-z]\w*)", re.ASCII)
ORDERED = re.compile(r"(\S+)(?: (?:ASC|DESC))?(?: NULLS (?:FIRST|LAST))?", re.ASCII | re.IGNORECASE)
FIELD_SETS = frozenset({"FIELDS(ALL)", "FIELDS(CUSTOM)", "FIELDS(STANDARD)", "COUNT()"})


def select(
    fields: Sequence[str],
    sobject: str,
    *,
    children: Sequence[str] = (),
    where: Condition | str | None = None,
    group_by: Sequence[str] = (),
    order_by: Sequence[str] | str | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> str:
    """Render a query of at most 100,000 characters; raise InvalidInputError.

    ``fields`` are names, functions of one with or without an alias, ``COUNT()`` and ``FIELDS()``.
    ``children`` are queries by this function over a child relationship. A ``where`` or
    ``order_by`` that is a plain string is SOQL: its values come from quote.
    """
    if NAME.fullmatch(sobject) is None:
        raise InvalidInputError("not the name of a field or object")
    columns = [*map(_column, fields), *(f"({child})" for child in children)]
    if not columns:
        raise InvalidInputError("a query without fields")
    clauses = [f"SELECT {', '.join(columns)} FROM {sobject}"]  # noqa: S608 - checked above
    clauses += [f"WHERE {where}"] if where else []
    clauses += [f"GROUP BY {', '.join(map(expression, group_by))}"] if group_by else []
    clauses += [f"ORDER BY {ordered(order_by)}"] if order_by else []
    clauses += [f"LIMIT {int(limit)}"] if limit is not None else []
    clauses += [f"OFFSET {int(offset)}"] if offset is not None else []
    query = " ".join(clauses)
    if len(query) > LONGEST_QUERY:
        raise InvalidInputError("a query longer than Salesforce takes")
    return query


def _column(text: str) -> str:
    if text.upper() in FIELD_SETS:
        return text
    aliased = ALIASED.fullmatch(text)
    return text if aliased and expression(aliased[1]) else expression(text)


def ordered(order_by: Sequence[str] | str) -> str:
    """Render what to sort by; the parts of a sequence are checked, a string is SOQL."""
    if isinstance(order_by, str):
        return order_by
    for one in order_by:
        found = ORDERED.fullmatch(one)
        expression(found[1] if found else one)
    return ", ".join(order_by)


def split_in(
    values: Iterable[Literal], max_chars: int, *, percent_encode: bool = False
) -> list[str]:
    """Render lists for IN, none longer than max_chars unless one value alone is.

    Values that are equal come once. With ``percent_encode`` the characters are counted as a URI
    holds them: a URI with its headers may have 16,384 bytes, a query in a body 100,000 characters.
    """
    lists: list[list[str]] = []
    room = 0
    comma, ends = (3, 6) if percent_encode else (1, 2)
    for literal in dict.fromkeys(map(quote, values)):
        size = len(percent_encoded(literal, safe="")) if percent_encode else len(literal)
        if not lists or room < size + comma:
            lists.append([])
            room = max_chars - ends + comma  # the first has no comma before it
        lists[-1].append(literal)
        room -= size + comma
    return [f"({','.join(one)})" for one in lists]
