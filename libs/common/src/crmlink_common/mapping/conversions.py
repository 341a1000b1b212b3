"""Presets that check or change a value's kind. '' stays ''; what does not fit has a code."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from datetime import date as calendar_date
from datetime import datetime as calendar_datetime

from pydantic import JsonValue

from crmlink_common.mapping.errors import EvaluationError
from crmlink_common.mapping.scope import current
from crmlink_common.mapping.texts import text
from crmlink_common.members import normal

MILLISECONDS = 100_000_000_000  # a larger number of seconds would be past the year 5000
MAX_DIGITS = 40
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|[+-]?\.\d+")
_TRUE = frozenset({"true", "yes", "y", "on", "1", "t"})
_FALSE = frozenset({"false", "no", "n", "off", "0", "f"})


def email(value: JsonValue) -> JsonValue:
    return _required(value, normal.normal_email, "not_an_email")


def phone_e164(value: JsonValue, region: str = "") -> JsonValue:
    where = region or current().region
    return _required(value, lambda one: normal.phone_e164(one, where), "not_a_phone")


def phone_national(value: JsonValue, region: str = "") -> JsonValue:
    where = region or current().region
    return _required(value, lambda one: normal.phone_national(one, where), "not_a_phone")


def date(value: JsonValue, written: str = "") -> JsonValue:
    """Return the date that is written, whatever the zone: nobody's birthday moves."""
    found = text(value).strip()
    if not found:
        return ""
    try:
        if written:
            return calendar_datetime.strptime(found, written).date().isoformat()  # noqa: DTZ007 - a date has no zone
        plain = found.replace("/", "-") if re.fullmatch(r"\d{4}/\d\d/\d\d", found) else found
        if isinstance(value, str) and len(plain) > len("2026-01-31"):
            return calendar_datetime.fromisoformat(plain).date().isoformat()
        return calendar_date.fromisoformat(plain).isoformat()
    except ValueError:
        raise EvaluationError("not_a_date") from None


def moment(value: JsonValue, written: str = "") -> JsonValue:
    """Return the moment in UTC; a number counts seconds or milliseconds since 1970."""
    found = text(value).strip()
    if not found:
        return ""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) >= MILLISECONDS else value
            when = calendar_datetime.fromtimestamp(seconds, UTC)
        elif written:
            when = calendar_datetime.strptime(found, written)  # noqa: DTZ007 - the next line gives a zone
        else:
            when = calendar_datetime.fromisoformat(found)
        when = when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise EvaluationError("not_a_datetime") from None
    return when.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def number(value: JsonValue) -> JsonValue:
    """Read 1,234.50 and 1 234.5; the point divides, as Salesforce's API has it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    found = re.sub(r"[\s\u00a0\u202f'\u2019_]", "", text(value))
    if not found:
        return ""
    if isinstance(value, bool) or len(found) > MAX_DIGITS or not _NUMBER.fullmatch(found):
        raise EvaluationError("not_a_number")
    plain = found.replace(",", "")
    exact = int(plain) if re.fullmatch(r"[+-]?\d+", plain) else float(plain)
    if isinstance(exact, float) and abs(exact) == float("inf"):
        raise EvaluationError("not_a_number")
    return exact


def integer(value: JsonValue) -> JsonValue:
    """Refuse a fraction: rounding is a decision, and belongs in the expression."""
    try:
        found = number(value)
    except EvaluationError:
        raise EvaluationError("not_an_integer") from None
    if isinstance(found, float):
        if not found.is_integer():
            raise EvaluationError("not_an_integer")
        return int(found)
    return found


def boolean(value: JsonValue) -> JsonValue:
    if isinstance(value, bool):
        return value
    found = text(value).strip().lower()
    if not found:
        return ""
    if found not in _TRUE | _FALSE:
        raise EvaluationError("not_a_boolean")
    return found in _TRUE


def default(value: JsonValue, instead: JsonValue) -> JsonValue:
    blank = value is None or value in ("", []) or (isinstance(value, str) and not value.strip())
    return instead if blank else value


def lookup(value: JsonValue, table: dict[str, JsonValue]) -> JsonValue:
    """Return the table's value: of the very key, else of one in another case, else of '*'."""
    found = text(value).strip()
    if found in table:
        return table[found]
    folded = {key.casefold(): one for key, one in table.items()}
    if found.casefold() in folded:
        return folded[found.casefold()]
    if "*" in table:
        return table["*"]
    if not found:
        return ""
    raise EvaluationError("not_in_table")


def picklist(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        if len(value) > 1:
            raise EvaluationError("more_than_one_value")
        return text(value[0]).strip() if value else ""
    return text(value).strip()


def multipicklist(value: JsonValue) -> JsonValue:
    """Join a list, or tidy a text whose values are divided by ``;`` or ``,``."""
    if isinstance(value, list):
        parts = [text(one) for one in value]
        if any(";" in part for part in parts):
            raise EvaluationError("semicolon_in_value")
    else:
        parts = re.split(r"[;,]" if ";" not in text(value) else ";", text(value))
    return ";".join(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _required(value: JsonValue, convert: Callable[[str], str], reason: str) -> JsonValue:
    given = text(value).strip()
    found = convert(given)
    if given and not found:
        raise EvaluationError(reason)
    return found
