"""Record ids: 15 characters, case-sensitive, or 18, safe in any case."""

from __future__ import annotations

import re

from crmlink_common.errors import InvalidInputError

SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-5]{3})?", re.ASCII)
SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
SHORT = 15


def to_18(record_id: str) -> str:
    """Return the 18-character form; raise InvalidInputError for what is no id."""
    if not is_id(record_id):
        raise InvalidInputError("not a Salesforce record id", field="Id")
    return record_id[:SHORT] + _suffix(record_id)


def is_id(text: str) -> bool:
    """Tell whether it has the form of an id, and of 18 characters the last three fit."""
    if SHAPE.fullmatch(text) is None:
        return False
    return len(text) == SHORT or text[SHORT:].upper() == _suffix(text)


def _suffix(record_id: str) -> str:
    chunks = (record_id[start : start + 5] for start in (0, 5, 10))
    return "".join(SUFFIX[sum(c.isupper() << bit for bit, c in enumerate(ch))] for ch in chunks)
