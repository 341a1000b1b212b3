"""Conditions for WHERE that keep their meaning wherever they are put."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.soql.literals import Literal, quote, quote_choices, quote_pattern
from crmlink_common.salesforce.soql.vocabulary import CALLED

Operator = typing.Literal["=", "!=", "<", "<=", ">", ">="]
OPERATORS = frozenset(typing.get_args(Operator))
_NAME = r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*"
NAME = re.compile(_NAME, re.ASCII)
CALL = re.compile(rf"([A-Za-z]\w*)\(({_NAME})\)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of WHERE. ``joint`` is the operator at its top, if any."""

    text: str
    joint: str = ""

    def __str__(self) -> str:
        return self.text

    @property
    def nested(self) -> str:
        """Return the text as a part of something larger."""
        return f"({self.text})" if self.joint else self.text


def compare(field: str, operator: Operator, value: Literal) -> Condition:
    """Compare a field, or a function of one, with a value."""
    if operator not in OPERATORS:
        raise InvalidInputError("not a comparison")
    return Condition(f"{expression(field)} {operator} {quote(value)}")


def is_in(field: str, values: Iterable[Literal]) -> Condition:
    """Ask for any of the values; there must be one. See split_in for many."""
    return Condition(f"{expression(field)} IN {_listed(map(quote, values))}")


def not_in(field: str, values: Iterable[Literal]) -> Condition:
    """Ask for none of the values; there must be one."""
    return Condition(f"{expression(field)} NOT IN {_listed(map(quote, values))}")


def in_query(field: str, query: str) -> Condition:
    """Ask for what another query selects: one id, without ORDER BY, LIMIT and OFFSET."""
    return Condition(f"{expression(field)} IN ({query})")


def starts_with(field: str, text: str) -> Condition:
    """Ask for text at the beginning; its own wildcards mean themselves."""
    return Condition(f"{expression(field)} LIKE {quote_pattern(text, after='%')}")


def contains(field: str, text: str) -> Condition:
    """Ask for text anywhere; its own wildcards mean themselves."""
    return Condition(f"{expression(field)} LIKE {quote_pattern(text, before='%', after='%')}")


def includes(field: str, *choices: Sequence[str]) -> Condition:
    """Ask for a multi-select picklist that has all choices of one of the sequences."""
    return Condition(f"{expression(field)} INCLUDES {_listed(map(quote_choices, choices))}")


def excludes(field: str, *choices: Sequence[str]) -> Condition:
    """Ask for a multi-select picklist that has all choices of none of the sequences."""
    return Condition(f"{expression(field)} EXCLUDES {_listed(map(quote_choices, choices))}")


def and_(*conditions: Condition) -> Condition:
    """Ask for all of the conditions."""
    return _joined("AND", conditions)


def or_(*conditions: Condition) -> Condition:
    """Ask for any of the conditions."""
    return _joined("OR", conditions)


def not_(condition: Condition) -> Condition:
    """Ask for the contrary."""
    return Condition(f"NOT {condition.nested}", "NOT")


def expression(text: str) -> str:
    """Return a field, or a function of one; raise InvalidInputError for anything else."""
    if NAME.fullmatch(text):
        return text
    call = CALL.fullmatch(text)
    if call is not None and CALLED.get(call[1].upper()) in {"FUNCTION", "COUNT"}:
        return text
    raise InvalidInputError("not the name of a field or object")


def _joined(joint: str, conditions: Sequence[Condition]) -> Condition:
    if not conditions:
        raise InvalidInputError("no condition")
    if len(conditions) == 1:
        return conditions[0]
    parts = [one.text if one.joint == joint else one.nested for one in conditions]
    return Condition(f" {joint} ".join(parts), joint)


def _listed(literals: Iterable[str]) -> str:
    listed = list(dict.fromkeys(literals))
    if not listed:
        raise InvalidInputError("an empty list")
    return f"({', '.join(listed)})"
