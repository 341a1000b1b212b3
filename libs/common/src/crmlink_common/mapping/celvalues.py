"""JSON into CEL values and back. What is absent is '' in CEL, never null or missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from celpy import celtypes
from pydantic import JsonValue

from crmlink_common.mapping.scope import MAX_LIST, MAX_RESULT, LimitReachedError


class Absent(celtypes.StringType):
    """What is absent is '', and so is everything within it."""

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ARG002, ANN401 - celpy's signature
        return self

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - celpy's signature
        return self if isinstance(key, str) else super().__getitem__(key)


EMPTY = Absent("")
WIDEST = 2**63


class Attributes(celtypes.MapType):
    """A mapping whose absent keys are ''. Values become CEL's only when they are read."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        super().__init__()
        dict.update(self, raw)

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ARG002, ANN401 - celpy's signature
        return to_cel(dict.get(self, key))

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - celpy's signature
        return to_cel(dict.get(self, key))

    def __iter__(self) -> Iterator[Any]:
        return (celtypes.StringType(str(key)) for key in dict.__iter__(self))


def to_cel(value: Any) -> Any:  # noqa: ANN401, C901, PLR0911 - one line a kind
    """Return the CEL value of a JSON value (or of a datetime, which is read as UTC)."""
    match value:
        case None:
            return EMPTY
        case celtypes.StringType() | celtypes.MapType() | celtypes.ListType():
            return value
        case bool():
            return celtypes.BoolType(value)
        case str():
            return celtypes.StringType(value)
        case int():
            fits = -WIDEST <= value < WIDEST
            return celtypes.IntType(value) if fits else celtypes.DoubleType(value)
        case float():
            return celtypes.DoubleType(value)
        case datetime():
            return celtypes.TimestampType(value if value.tzinfo else value.replace(tzinfo=UTC))
        case Mapping():
            return Attributes(value)
        case list() | tuple():
            if len(value) > MAX_LIST:
                raise LimitReachedError("list_too_long")
            return celtypes.ListType([to_cel(one) for one in value])
        case _:
            return value


def from_cel(value: Any) -> JsonValue:  # noqa: ANN401 - CEL values
    """Return the JSON value of a CEL value; the error names by its code what has none."""
    found, size = _json(value)
    if size > MAX_RESULT:
        raise LimitReachedError("too_large")
    return found


def _json(value: Any) -> tuple[JsonValue, int]:  # noqa: ANN401, PLR0911 - one line a kind
    match value:
        case None:
            return None, 4
        case celtypes.BoolType() | bool():
            return bool(value), 5
        case str():
            return str(value), len(value.encode("utf-8", "surrogatepass"))
        case int():
            return int(value), 20
        case float():
            return float(value), 24
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z"), 32
        case Mapping():
            pairs = {str(key): _json(value[key]) for key in value}
            size = sum(len(key) + part[1] for key, part in pairs.items())
            return {key: part[0] for key, part in pairs.items()}, size
        case list() | tuple():
            if len(value) > MAX_LIST:
                raise LimitReachedError("list_too_long")
            parts = [_json(one) for one in value]
            return [part[0] for part in parts], sum(part[1] for part in parts)
        case _:
            raise ValueError("not_a_value")
