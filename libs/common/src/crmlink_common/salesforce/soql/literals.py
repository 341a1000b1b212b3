"""SOQL: values made literals, queries rendered, queries of others bounded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from crmlink_common.errors import InvalidInputError

Literal = str | bool | int | float | Decimal | datetime | date | None

LONGEST_STRING = 4000
FIELD = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*|COUNT\(\)", re.ASCII)
ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


def quote(value: Literal) -> str:
    """Render a value as a literal; text can never end its string."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case datetime():
            return _instant(value)
        case date():
            return value.isoformat()
        case _:
            return _number(value)


def _text(value: str) -> str:
    if len(value) > LONGEST_STRING:
        raise InvalidInputError("a text longer than a query may hold")
    return "'" + "".join(map(_escaped, value)) + "'"


def _number(value: float | Decimal) -> str:
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not exact.is_finite():
        raise InvalidInputError("not a finite number")
    return f"{exact:f}"


def _escaped(character: str) -> str:
    if escape := ESCAPES.get(character):
        return escape
    unprintable = character < " " or "\x7f" <= character <= "\x9f" or _is_lone(character)
    return f"\\u{ord(character):04x}" if unprintable else character


def _is_lone(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"  # half of a pair has no UTF-8


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise InvalidInputError("a time without its zone")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def select(
    fields: Sequence[str],
    sobject: str,
    *,
    where: str | None = None,
    order_by: str | None = None,
    limit: int | None = None,
) -> str:
    """Render a query. ``where`` and ``order_by`` are SOQL: their values come from quote."""
    for name in [*fields, sobject]:
        if FIELD.fullmatch(name) is None:
            raise InvalidInputError("not the name of a field or object")
    if not fields:
        raise InvalidInputError("a query without fields")
    clauses = [f"SELECT {', '.join(fields)} FROM {sobject}"]  # noqa: S608 - checked above
    clauses += [f"WHERE {where}"] if where else []
    clauses += [f"ORDER BY {order_by}"] if order_by else []
    clauses += [f"LIMIT {int(limit)}"] if limit is not None else []
    return " ".join(clauses)


def split_in(values: Iterable[Literal], max_chars: int) -> list[str]:
    """Render lists for IN, none longer than max_chars unless one value alone is."""
    lists: list[list[str]] = []
    room = 0
    for literal in dict.fromkeys(map(quote, values)):
        if not lists or room < len(literal) + 1:
            lists.append([])
            room = max_chars - 1  # the parentheses, less the comma that the first has not
        lists[-1].append(literal)
        room -= len(literal) + 1
    return [f"({','.join(one)})" for one in lists]
