"""One row of a file becomes one member, or says which column is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from crmlink_common.contracts.cloudevents import MAX_BYTES
from crmlink_common.contracts.members import Member

TEXTS = frozenset(
    {
        "email",
        "phone",
        "first_name",
        "last_name",
        "name",
        "external_id",
        "date_of_birth",
        "locale",
        "role",
    }
)
KNOWN = TEXTS | {"member_id", "version", "labels", "fields", "archived", "updated_at"}
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"", "false", "no", "0"})
_CURES = {
    "string_too_long": "Shorten the value.",
    "string_too_short": "Fill it in.",
    "too_long": "Use fewer entries.",
    "string_pattern_mismatch": "Remove the control characters.",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One row that was left out. The text holds no value.

    Line and column count from 1; a JSON line's column is that of the character.
    """

    line: int
    column: int
    field: str
    message: str
    cure: str

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}"
        named = f" ({self.field})" if self.field else ""
        return f"{where}{named}: {self.message}. {self.cure}"


class Faulty(Exception):  # noqa: N818 - a row's verdict, turned into a Fault by the reader
    """This row cannot be used: where in it, why, and what to do."""

    def __init__(self, column: int, field: str, message: str, cure: str) -> None:
        super().__init__(message)
        self.place = (column, field)
        self.message = message
        self.cure = cure


def member_from_csv(
    names: list[str], row: list[str] | None, workspace_id: str, version: int
) -> Member:
    """Build a member from the cells under a header. Raises Faulty."""
    if row is None:
        cure = 'Enclose a value that holds a quote in quotes, and double the one within: "a ""b""".'
        raise Faulty(1, "", "the quotes are wrong", cure)
    if len(row) != len(names):
        raise Faulty(
            min(len(row), len(names)) + 1,
            names[len(row)] if len(row) < len(names) else "",
            f"{len(row)} columns where the header has {len(names)}",
            "Enclose values that hold a comma in quotes.",
        )
    columns = {name: place for place, name in enumerate(names, start=1) if name}
    cells = {name: row[place - 1].strip() for name, place in columns.items()}
    found: dict[str, Any] = {name: cells[name] for name in cells.keys() & TEXTS}
    found["member_id"] = cells["member_id"]
    found["labels"] = [one.strip() for one in cells.get("labels", "").split(";") if one.strip()]
    found["fields"] = {
        name.removeprefix("fields."): cell
        for name, cell in cells.items()
        if (name not in KNOWN or name == "fields") and cell
    }
    found["archived"] = _truth(cells.get("archived", ""), columns.get("archived", 1))
    found["version"] = _version(cells.get("version", ""), columns.get("version", 1), version)
    if cells.get("updated_at"):
        found["updated_at"] = cells["updated_at"]
    return _member(found, columns, workspace_id)


def member_from_json(found: object, line: str, workspace_id: str, version: int) -> Member:
    """Build a member from one JSON object. Raises Faulty."""
    if not isinstance(found, dict):
        raise Faulty(1, "", "not a JSON object", "Write one JSON object on each line.")
    columns = {name: line.find(json.dumps(name, ensure_ascii=False)) + 1 or 1 for name in found}
    fields = found.get("fields", {})
    if not isinstance(fields, dict):
        raise Faulty(
            columns["fields"],
            "fields",
            "not an object",
            "Write fields as an object of keys and values.",
        )
    others = {
        name.removeprefix("fields."): value
        for name, value in found.items()
        if name not in KNOWN and name != "workspace_id"
    }
    given = {
        name: "" if name in TEXTS and value is None else value
        for name, value in found.items()
        if name in KNOWN
    }
    given["fields"] = {**others, **fields}
    number = given.get("version")
    given["version"] = version if number is None else number
    if isinstance(given["version"], bool | float | str):
        given["version"] = _version(str(given["version"]), columns["version"], version)
    return _member(given, columns, workspace_id)


def _member(found: Mapping[str, Any], columns: Mapping[str, int], workspace_id: str) -> Member:
    if not found.get("member_id"):
        raise Faulty(columns.get("member_id", 1), "member_id", "it is missing", "Fill it in.")
    try:
        member = Member.model_validate({**found, "workspace_id": workspace_id})
        size = len(member.model_dump_json().encode())
    except ValidationError as exc:
        raise _invalid(exc, columns) from None
    except (PydanticSerializationError, UnicodeError):
        raise Faulty(1, "fields", "it holds half a character", "Correct the text.") from None
    if size > MAX_BYTES:
        raise Faulty(1, "fields", f"more than {MAX_BYTES // 1_000} kB in all", "Shorten it.")
    return member


def _invalid(exc: ValidationError, columns: Mapping[str, int]) -> Faulty:
    first = exc.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if name == "fields" and len(first["loc"]) > 1:
        name = f"fields.{first['loc'][1]}"
    column = columns.get(name, columns.get(name.removeprefix("fields."), 1))
    return Faulty(column, name, _sentence(first["msg"]), _CURES.get(first["type"], "Correct it."))


def _version(text: str, column: int, default: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text[:20]) < 2**63 and len(text) < 20):  # noqa: PLR2004 - digits of a bigint
        cure = "Use a number that grows with each change of the member."
        raise Faulty(column, "version", "not a whole number from 0 up", cure)
    return int(text)


def _truth(text: str, column: int) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise Faulty(column, "archived", "neither true nor false", "Write true or false.")
    return text.lower() in _TRUE


def _sentence(message: str) -> str:
    """Turn pydantic's words into ours; they name limits, never the value."""
    plain = message.removesuffix(".")
    return plain[:1].lower() + plain[1:]
