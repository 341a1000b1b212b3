"""Small expressions over the fields of one record: formulas, and the conditions of admin rules.

An expression is a literal or a list whose first item names what to do with the rest:
`["field", "Amount"]`, `["+" | "-" | "*" | "/", a, b]`, `["&", a, b, ...]` (joins text),
`["=" | "!=" | "<" | "<=" | ">" | ">=", a, b]`, `["and" | "or", ...]`, `["not", a]`,
`["blank", a]`, `["in", a, [...]]`, `["like", a, "regular expression"]`, `["if", c, a, b]`,
`["upper" | "lower" | "title" | "trim" | "digits" | "length", a]`, `["left", a, n]`,
`["changed", "Field"]`, `["new"]`. An empty value makes arithmetic empty, as in Salesforce.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any, cast

from crmlink_salesforce_sim.values import Stored

MOST_DEPTH = 20


class ExpressionError(ValueError):
    """An expression that means nothing; its text says which part."""


@dataclass(frozen=True)
class Record:
    """What an expression sees: the values as saved, and as they were (empty for a new record)."""

    values: Mapping[str, Stored]
    before: Mapping[str, Stored] = default(default_factory=dict)

    def changed(self, name: str) -> bool:
        """Tell whether the save changes a field."""
        return self.values.get(name) != self.before.get(name)


def worked_out(expression: object, record: Record, depth: int = 0) -> Stored:
    """Return what an expression is worth for a record.

    Raises ExpressionError for one that is malformed.
    """
    if expression is None or isinstance(expression, str | int | float):
        return int(expression) if isinstance(expression, bool) else expression
    if not isinstance(expression, list | tuple) or not expression or depth > MOST_DEPTH:
        raise ExpressionError(f"no expression: {expression!r}"[:200])
    name, *rest = expression
    try:
        if name in _SPECIAL:
            return _SPECIAL[name](rest, record, depth)
        return _PLAIN[name](*(worked_out(one, record, depth + 1) for one in rest))
    except ExpressionError:
        raise
    except (KeyError, IndexError, TypeError, ValueError):
        raise ExpressionError(f"{name!r} is unknown, or not for these values"[:200]) from None


def holds(expression: object, record: Record) -> bool:
    """Tell whether a condition is true of a record."""
    return bool(worked_out(expression, record))


def _field(rest: Sequence[object], record: Record, _: int) -> Stored:
    return record.values.get(str(rest[0]))


def _changed(rest: Sequence[object], record: Record, _: int) -> Stored:
    return int(record.changed(str(rest[0])))


def _new(_: Sequence[object], record: Record, __: int) -> Stored:
    return int(not record.before)


def _and(rest: Sequence[object], record: Record, depth: int) -> Stored:
    return int(all(worked_out(one, record, depth + 1) for one in rest))


def _or(rest: Sequence[object], record: Record, depth: int) -> Stored:
    return int(any(worked_out(one, record, depth + 1) for one in rest))


def _if(rest: Sequence[object], record: Record, depth: int) -> Stored:
    condition, then, otherwise = rest
    chosen = then if worked_out(condition, record, depth + 1) else otherwise
    return worked_out(chosen, record, depth + 1)


def _in(rest: Sequence[object], record: Record, depth: int) -> Stored:
    value, listed = rest
    return int(worked_out(value, record, depth + 1) in cast("list[Stored]", listed))


def _arithmetic(work: Callable[[float, float], float]) -> Callable[..., Stored]:
    def apply(one: Stored, other: Stored) -> Stored:
        if one is None or other is None:
            return None
        try:
            return work(float(one), float(other))
        except (ZeroDivisionError, ValueError, OverflowError):
            return None

    return apply


def _compared(work: Callable[[Any, Any], bool]) -> Callable[..., Stored]:
    def apply(one: Stored, other: Stored) -> Stored:
        if one is None or other is None:
            return 0
        return int(work(one, other))

    return apply


def _text(value: Stored) -> str:
    return "" if value is None else str(value)


def _like(value: Stored, pattern: Stored) -> Stored:
    try:
        return int(re.fullmatch(_text(pattern), _text(value)) is not None)
    except re.error:
        raise ExpressionError(f"no regular expression: {pattern!r}"[:200]) from None


def _changing(work: Callable[[str], str]) -> Callable[..., Stored]:
    return lambda value: None if value is None else work(_text(value))


_SPECIAL: dict[object, Callable[[Sequence[object], Record, int], Stored]] = {
    "field": _field,
    "changed": _changed,
    "new": _new,
    "and": _and,
    "or": _or,
    "if": _if,
    "in": _in,
}
_PLAIN: dict[object, Callable[..., Stored]] = {
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(operator.truediv),
    "&": lambda *parts: "".join(map(_text, parts)) or None,
    "=": lambda one, other: int(one == other),
    "!=": lambda one, other: int(one != other),
    "<": _compared(operator.lt),
    "<=": _compared(operator.le),
    ">": _compared(operator.gt),
    ">=": _compared(operator.ge),
    "not": lambda value: int(not value),
    "blank": lambda value: int(value is None or value == ""),
    "like": _like,
    "upper": _changing(str.upper),
    "lower": _changing(str.lower),
    "title": _changing(str.title),
    "trim": _changing(str.strip),
    "digits": _changing(lambda text: re.sub(r"\D", "", text)),
    "length": lambda value: len(_text(value)),
    "left": lambda value, count: _text(value)[: int(count)] or None,
}
