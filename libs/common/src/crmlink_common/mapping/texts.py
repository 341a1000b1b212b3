"""Presets that turn text into text. What is not text is first written as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from pydantic import JsonValue

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_LAST_FIRST = 2


def text(value: JsonValue) -> str:  # noqa: PLR0911 - one line a kind
    """Write a value as Salesforce would show it in a text field."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return format(Decimal(value), "f")
        case float():
            return format(Decimal(str(value)), "f")
        case list():
            return ";".join(text(one) for one in value)
        case dict():
            return ""
        case _:
            return str(value)


def trim(value: JsonValue) -> JsonValue:
    return _each(value, str.strip)


def lower(value: JsonValue) -> JsonValue:
    return _each(value, str.lower)


def upper(value: JsonValue) -> JsonValue:
    return _each(value, str.upper)


def title(value: JsonValue) -> JsonValue:
    """Give each word a capital: O'Neill, but don't stays Don't."""
    return _each(value, lambda one: _WORD.sub(_capital, one))


def truncate(value: JsonValue, length: int) -> JsonValue:
    return text(value)[:length].rstrip()


def first_name(value: JsonValue) -> JsonValue:
    return _names(value)[0]


def last_name(value: JsonValue) -> JsonValue:
    """Return all after the first word; a single word is a last name, which Salesforce requires."""
    return _names(value)[1]


def full_name(value: JsonValue) -> JsonValue:
    """Put together a list of parts, or the two names of a member."""
    if isinstance(value, dict):
        value = [value.get("first_name"), value.get("last_name")]
    parts = [text(one) for one in value] if isinstance(value, list) else [text(value)]
    return " ".join(" ".join(parts).split())


def split(value: JsonValue, separator: str) -> JsonValue:
    parts = text(value).split(separator) if separator else text(value).split()
    return [part.strip() for part in parts if part.strip()]


def join(value: JsonValue, separator: str) -> JsonValue:
    parts = [text(one) for one in value] if isinstance(value, list) else [text(value)]
    return separator.join(part for part in parts if part)


def _names(value: JsonValue) -> tuple[str, str]:
    whole = str(full_name(value))
    parts = [part.strip() for part in whole.split(",")]
    if len(parts) == _LAST_FIRST and all(parts):
        return parts[1], parts[0]
    first, _, last = whole.partition(" ")
    return (first, last) if last else ("", first)


def _each(value: JsonValue, change: Callable[[str], str]) -> JsonValue:
    if isinstance(value, list):
        return [change(text(one)) for one in value]
    return change(text(value))


def _capital(match: re.Match[str]) -> str:
    word = match.group()
    if len(word) > _LAST_FIRST and word[1] in "'\u2019":
        return word[0].upper() + word[1] + word[2:].capitalize()
    return word.capitalize()
