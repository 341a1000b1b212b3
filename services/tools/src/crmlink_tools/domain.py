"""What may be asked, and what of an answer is given: decided, not done."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from crmlink_common.contracts.tools import REPLY_TOPIC_PATTERN

MAX_ROWS = 200
MAX_REPLY_BYTES = 800_000  # a reply must fit a message of 900 kB with its envelope

Row = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    description: str
    required: bool = True
    many: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """What an assistant is told of a tool. ``writes`` makes a repeated request answer the same."""

    name: str
    description: str
    arguments: tuple[Argument, ...]
    writes: bool = False


CATALOGUE = {
    tool.name: tool
    for tool in (
        Tool(
            "salesforce_query",
            f"Run a SOQL query and return matching records, at most {MAX_ROWS} rows.",
            (Argument("query", "A SOQL query. Use WHERE and OFFSET for larger data sets."),),
        ),
        Tool(
            "salesforce_get_record",
            "Get a specific record by object type and ID.",
            (
                Argument("object_type", "The object's API name, such as Contact."),
                Argument("record_id", "The record's 15- or 18-character ID."),
                Argument(
                    "fields",
                    "API names of the fields wanted; all if left out.",
                    required=False,
                    many=True,
                ),
            ),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request is refused before Salesforce is asked."""

    code: str
    title: str
    cure: str
    field: str = ""


def check_arguments(tool: Tool, arguments: Mapping[str, Any]) -> Fault | None:
    """Say what is wrong with the arguments, naming the first that is."""
    known = {argument.name for argument in tool.arguments}
    for name in arguments:
        if name not in known:
            return Fault(
                "unknown_argument",
                f"{tool.name} has no such argument",
                f"Use only: {', '.join(sorted(known))}.",
                name[:64],
            )
    for argument in tool.arguments:
        value = arguments.get(argument.name)
        if value is None and not argument.required:
            continue
        if not _fits(argument, value):
            wanted = "a list of texts" if argument.many else "a text that is not empty"
            return Fault(
                "invalid_argument",
                f"{argument.name} must be {wanted}",
                argument.description,
                argument.name,
            )
    return None


def _fits(argument: Argument, value: object) -> bool:
    if argument.many:
        return (
            isinstance(value, list)
            and 0 < len(value) <= MAX_ROWS
            and all(isinstance(one, str) and one for one in value)
        )
    return isinstance(value, str) and bool(value.strip())


def reply_topic(named: bytes | None, default: str) -> str | None:
    """Give the topic of the reply; None when the one named may not be written."""
    if named is None:
        return default
    try:
        text = named.decode("ascii")
    except UnicodeDecodeError:
        return None
    return text if re.fullmatch(REPLY_TOPIC_PATTERN, text) else None


def size_of(value: JsonValue) -> int:
    """Count the bytes that a message carries it in."""
    return len(json.dumps(value, ensure_ascii=False).encode())


def fit(rows: Sequence[Row], limit: int = MAX_REPLY_BYTES) -> tuple[list[Row], bool]:
    """Keep as many rows as one message can carry; say whether any were left out."""
    kept: list[Row] = []
    size = 2
    for row in rows:
        size += size_of(row) + 1
        if size > limit:
            return kept, True
        kept.append(row)
    return kept, False
