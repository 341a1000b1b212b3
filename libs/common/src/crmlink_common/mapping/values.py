"""Whether Salesforce would store two values as the same."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from pydantic import JsonValue

from crmlink_common.mapping.texts import text
from crmlink_common.members.normal import normal_email

NUMERIC = frozenset({"int", "long", "double", "currency", "percent"})
IDENTIFIERS = frozenset({"id", "reference"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_ID = 15  # the last three of eighteen only repeat the letters' case


def same_value(a: JsonValue, b: JsonValue, field_type: str | None = None) -> bool:
    """Compare as Salesforce stores: ``field_type`` is describe's name of the field's type."""
    if field_type is None:
        return _untyped(a, b)
    return _stored(a, field_type) == _stored(b, field_type)


def is_blank(value: JsonValue) -> bool:
    """Tell whether there is nothing to write: null, blank text, an empty list."""
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def _untyped(a: JsonValue, b: JsonValue) -> bool:
    if is_blank(a) or is_blank(b):
        return is_blank(a) and is_blank(b)
    if isinstance(a, dict) or isinstance(b, dict):
        return a == b
    one, other = _plain(a), _plain(b)
    if one == other:
        return True
    if isinstance(a, str) != isinstance(b, str) and not isinstance(a, bool | list):
        return _stored(a, "double") == _stored(b, "double")
    if _MOMENT.fullmatch(one) and _MOMENT.fullmatch(other):
        return _moment(one) == _moment(other)
    return normal_email(one) != "" and normal_email(one) == normal_email(other)


def _stored(value: JsonValue, field_type: str) -> object:  # noqa: PLR0911 - one line for each kind of field
    if field_type == "boolean":
        return _truth(value)
    if is_blank(value):
        return None
    plain = _plain(value)
    if field_type in NUMERIC:
        return _decimal(plain)
    if field_type == "date":
        return plain[: len("2026-01-31")]
    if field_type == "datetime":
        return _moment(plain)
    if field_type == "multipicklist":
        return frozenset(part.strip() for part in plain.split(";") if part.strip())
    if field_type in IDENTIFIERS:
        return plain[:_ID]
    if field_type == "email":
        return plain.casefold()
    return plain


def _plain(value: JsonValue) -> str:
    """Write it as text: composed letters, one kind of line end, no spaces around."""
    whole = unicodedata.normalize("NFC", text(value))
    return re.sub(r"\r\n?", "\n", whole).strip()


def _truth(value: JsonValue) -> object:
    """A checkbox is never null: blank is false."""
    if is_blank(value):
        return False
    plain = _plain(value).lower()
    return {"true": True, "false": False, "1": True, "0": False}.get(plain, plain)


def _decimal(plain: str) -> object:
    try:
        return Decimal(plain)
    except InvalidOperation:
        return plain


def _moment(plain: str) -> object:
    """Salesforce keeps whole seconds."""
    try:
        when = datetime.fromisoformat(plain)
    except ValueError:
        return plain
    return when.replace(microsecond=0, tzinfo=when.tzinfo or UTC).astimezone(UTC)
