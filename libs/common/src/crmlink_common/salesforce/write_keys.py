"""Keys of records: which are the same, and which can stand in a path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from crmlink_common.salesforce.ids import is_id, to_18
from crmlink_common.salesforce.records import Record

USUAL = re.compile(r"[A-Za-z0-9_@+-](?:[A-Za-z0-9_@+. -]{0,253}[A-Za-z0-9_@+-])?", re.ASCII)
FILE_LIKE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}\Z", re.ASCII)
WHOLE_NUMBER = re.compile(r"(-?\d+)\.0+", re.ASCII)


def key_of(value: object) -> str | None:
    """Return what compares as Salesforce compares keys, or None for what is no key.

    Salesforce ignores the case of an external id unless its field is case-sensitive; two values
    that differ in case alone count as one here, which costs a call and never a record.
    """
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if found := WHOLE_NUMBER.fullmatch(text):
        text = found[1]
    return text.casefold() or None


def id_key(value: object) -> str | None:
    """Return the same for the short and the long form of a record's id."""
    text = str(value) if value else None
    return to_18(text).casefold() if text and is_id(text) else text


def find(record: Record, name: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a field, whose name may be in any letter case."""
    if name in record:
        return record[name]
    folded = name.lower()
    return next((value for one, value in record.items() if one.lower() == folded), None)


def is_usual(value: object) -> bool:
    """Tell whether a path is sure to carry the value to the resource that is meant.

    What ends like the name of a file answers 404 (Facts §5, of an e-mail ending in .inc), an
    encoded slash is refused on the way, and so on; Collections carry all values, in as many calls.
    """
    text = str(value)
    plain = isinstance(value, str | int) and not isinstance(value, bool)
    return plain and USUAL.fullmatch(text) is not None and FILE_LIKE.search(text) is None


def in_path(value: object) -> str:
    """Encode a value as one segment of a path."""
    return quote(str(value), safe="")


def without(record: Record, *names: str) -> Record:
    """Return the record without these fields, in any letter case."""
    left_out = {name.lower() for name in names}
    return {name: value for name, value in record.items() if name.lower() not in left_out}


def rounds(keys: Sequence[str | None]) -> list[list[int]]:
    """Part positions so that no key is twice in one round, and a key's records keep their order.

    Salesforce refuses a key that comes twice in one call; one after the other, each record does
    what it would do alone, and the last one stands.
    """
    seen: dict[str, int] = {}
    parted: list[list[int]] = []
    for position, key in enumerate(keys):
        number = 0
        if key is not None:
            number = seen[key] = seen.get(key, -1) + 1
        if number == len(parted):
            parted.append([])
        parted[number].append(position)
    return parted
