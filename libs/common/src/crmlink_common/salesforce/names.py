"""Names and values that become part of a path: nothing else gets in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from crmlink_common.errors import InvalidInputError

NAME = re.compile(r"[A-Za-z]\w{0,254}", re.ASCII)
FIELD = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*", re.ASCII)
LONGEST_IN_URL = 4000  # characters of a path and its query that go in an address


def name_of(text: str) -> str:
    """Return the API name of an object or field; raise InvalidInputError for what is none."""
    if NAME.fullmatch(text) is None:
        raise InvalidInputError("not the name of an object or field")
    return text


def field_of(text: str) -> str:
    """Return the name of a field, which may be of a parent: ``Owner.Name``."""
    if FIELD.fullmatch(text) is None:
        raise InvalidInputError("not the name of a field")
    return text


def fields_of(names: Sequence[str]) -> str:
    """Return the query that names fields; '' for none."""
    return "?fields=" + ",".join(map(field_of, names)) if names else ""


def value_of(text: str) -> str:
    """Return a value as one part of a path; raise InvalidInputError for what cannot be one."""
    if not text or text in {".", ".."}:
        raise InvalidInputError("a value that no path carries")
    return encoded(text)


def encoded(text: str) -> str:
    """Percent-encode text; raise InvalidInputError for half a character, which has no UTF-8."""
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:  # it would quote the text
        raise InvalidInputError("half a character has no UTF-8") from None


def time_of(when: datetime) -> str:
    """Return a time, which must know its zone, as a query carries it; seconds at most."""
    if when.tzinfo is None:
        raise InvalidInputError("a time without a zone")
    return quote(when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"), safe="")
