"""Values made literals of SOQL: text can never end its string."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.soql import vocabulary as known

LONGEST_STRING = 4000
ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
CONSTANTS = {None: "null", True: "true", False: "false"}
CODE = re.compile(r"[A-Za-z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency, as orgs with several currencies compare it."""

    currency: str
    amount: int | Decimal


@dataclass(frozen=True, slots=True)
class Relative:
    """A date literal such as TODAY or, with a number, LAST_N_DAYS."""

    name: str
    n: int | None = None


Literal = str | bool | int | float | Decimal | datetime | date | time | Money | Relative | None


def quote(value: Literal) -> str:
    """Render a value as a literal; text can never end its string.

    Raises InvalidInputError for what has no literal: text over 4,000 characters, a time without
    its zone, a number that is not finite, an unknown date literal.
    """
    match value:
        case None | bool():
            return CONSTANTS[value]
        case str():
            return _text(value)
        case date() | time():
            return _moment(value)
        case Money() | Relative():
            return _special(value)
        case _:
            return _number(value)


def quote_pattern(value: str, *, before: str = "", after: str = "") -> str:
    """Render text for LIKE that matches itself alone; ``before`` and ``after`` add wildcards."""
    if len(value) + len(before) + len(after) > LONGEST_STRING or {*before, *after} - {"%", "_"}:
        raise InvalidInputError("no pattern for LIKE")
    itself = "".join(map(_escaped, value)).replace("%", "\\%").replace("_", "\\_")
    return f"'{before}{itself}{after}'"


def quote_choices(values: Iterable[str]) -> str:
    """Render choices of a multi-select picklist that must all be there, for INCLUDES."""
    chosen = list(values)
    if not chosen or any(";" in one or not one for one in chosen):
        raise InvalidInputError("no choice of a picklist")
    return _text(";".join(chosen))


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


def _moment(value: date | time) -> str:
    match value:
        case datetime(tzinfo=None):
            raise InvalidInputError("a time without its zone")
        case datetime():
            instant = value.astimezone(UTC).replace(tzinfo=None)
            return instant.isoformat(timespec="milliseconds") + "Z"
        case time():
            if value.utcoffset():
                raise InvalidInputError("a time of day in another zone than UTC")
            return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        case _:
            return value.isoformat()


def _special(value: Money | Relative) -> str:
    if isinstance(value, Money):
        if CODE.fullmatch(value.currency) is None:
            raise InvalidInputError("not the code of a currency")
        return f"{value.currency.upper()}{_number(Decimal(value.amount))}"
    name = value.name.upper()
    if name in known.COUNTED and value.n is not None:
        return f"{name}:{int(value.n)}"
    if name in known.DATE_LITERALS and value.n is None:
        return name
    raise InvalidInputError("not a date literal")
