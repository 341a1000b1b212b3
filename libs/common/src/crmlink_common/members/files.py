"""Members from a file: good rows are kept, bad ones are named with line, column and cure."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from crmlink_common.contracts.cloudevents import WorkspaceId
from crmlink_common.contracts.members import Member
from crmlink_common.errors import InvalidInputError
from crmlink_common.members.rows import Fault, Faulty, member_from_csv, member_from_json

MAX_FILE = 512 * 1024 * 1024
MAX_FAULTS = 1_000
JSON_LINES = frozenset({".jsonl", ".ndjson", ".json"})
_FOREIGN_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


@dataclass(slots=True)
class Imported:
    """What a file gave. ``faults`` are in order; ``more_faults`` counts those not kept."""

    members: list[Member] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    more_faults: int = 0

    def refuse(self, fault: Fault) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)
        else:
            self.more_faults += 1


def read_members(path: Path | str, workspace_id: str, *, version: int | None = None) -> Imported:
    """Read CSV, or JSON lines when the name ends in .jsonl, .ndjson or .json.

    ``version`` is for rows without one: by default the file's time, so that the same file twice
    is old news.

    Raises:
        InvalidInputError: nothing of the file can be used; one sentence tells why.
    """
    path = Path(path)
    _check_workspace(workspace_id)
    raw = _bytes(path)
    given = path.stat().st_mtime_ns // 1_000_000 if version is None else version
    read = _json_lines if path.suffix.lower() in JSON_LINES else _csv_rows
    text, imported = _text(raw), Imported()
    seen: dict[str, int] = {}
    for line, build in read(text, workspace_id, given):
        try:
            member = build()
            if (first := seen.setdefault(member.member_id, line)) != line:
                raise Faulty(
                    1,
                    "member_id",
                    f"the same member_id as in line {first}",
                    "Keep one row for each member.",
                )
        except Faulty as exc:
            imported.refuse(Fault(line, *exc.place, exc.message, exc.cure))
        else:
            imported.members.append(member)
    if not imported.members and not imported.faults:
        raise InvalidInputError(
            "The file holds no members.", cure="Check that it is the right file."
        )
    return imported


def _csv_rows(
    text: str, workspace_id: str, version: int
) -> Iterator[tuple[int, Callable[[], Member]]]:
    rows = _rows(text)
    _, header = next(rows, (1, []))
    if header is None:
        raise InvalidInputError("The quotes in the header (line 1) are wrong.", field="header")
    names = [name.strip() for name in header]
    _check_header(names, text)
    for line, row in rows:
        if row is None or any(cell.strip() for cell in row):
            yield line, _csv_builder(names, row, workspace_id, version)


def _csv_builder(
    names: list[str], row: list[str] | None, workspace_id: str, version: int
) -> Callable[[], Member]:
    return lambda: member_from_csv(names, row, workspace_id, version)


def _rows(text: str) -> Iterator[tuple[int, list[str] | None]]:
    """Yield each record with the line it begins on; None for one whose quotes are wrong.

    A stray quote swallows lines up to the next one. It shows by an error, or by a record of
    several lines with the wrong width: then only its first line is given up.
    """
    lines = list(io.StringIO(text, newline=""))
    width, at = 0, 0
    row: list[str] | None
    while at < len(lines):
        reader = csv.reader((lines[n] for n in range(at, len(lines))), strict=True)
        try:
            row = next(reader)
        except csv.Error:
            row = None
        if row is None or (width and reader.line_num > 1 and len(row) != width):
            row, taken = None, 1
        else:
            taken = reader.line_num
        width = width or len(row or [])
        yield at + 1, row
        at += taken


def _check_header(names: list[str], text: str) -> None:
    first = text.partition("\n")[0]
    if "member_id" not in names:
        other = next((mark for mark in ";\t|" if mark in first and "member_id" in first), None)
        if other is not None:
            named = {";": "semicolons", "\t": "tabs", "|": "bars"}[other]
            raise InvalidInputError(
                f"The columns are divided by {named}.", field="header", cure="Use commas."
            )
        raise InvalidInputError(
            "The header (line 1) has no column member_id.",
            field="header",
            cure="Name the columns in the first line: member_id,email,phone,first_name,last_name.",
        )
    doubled = next((name for name in names if name and names.count(name) > 1), None)
    if doubled is not None:
        column = len(names) - names[::-1].index(doubled)
        raise InvalidInputError(
            f"Column {column} of the header repeats {doubled}.",
            field="header",
            cure="Give each column its own name.",
        )


def _json_lines(
    text: str, workspace_id: str, version: int
) -> Iterator[tuple[int, Callable[[], Member]]]:
    if text.lstrip().startswith("["):
        raise InvalidInputError(
            "The file is one JSON list.", cure="Write one JSON object on each line."
        )
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _json_builder(line, workspace_id, version)


def _json_builder(line: str, workspace_id: str, version: int) -> Callable[[], Member]:
    def build() -> Member:
        if "\\u0000" in line:
            place = line.index("\\u0000") + 1
            raise Faulty(
                place, "", "it holds a null character, which no database keeps", "Remove it."
            )
        try:
            found = json.loads(line)
        except json.JSONDecodeError as exc:
            raise Faulty(exc.colno, "", "not JSON", "Write one JSON object on each line.") from None
        except (ValueError, RecursionError):
            raise Faulty(1, "", "not JSON that can be read", "Simplify the object.") from None
        return member_from_json(found, line, workspace_id, version)

    return build


def _check_workspace(workspace_id: str) -> None:
    try:
        TypeAdapter(WorkspaceId).validate_python(workspace_id)
    except ValidationError:
        raise InvalidInputError(
            "This is not a workspace's id.",
            field="workspace_id",
            cure="Use at most 64 letters, digits, dots, dashes and underscores.",
        ) from None


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise InvalidInputError(
                f"The file is larger than {MAX_FILE // 1024 // 1024} MB.", cure="Split it."
            )
        return path.read_bytes()
    except OSError as exc:
        raise InvalidInputError(
            f"The file cannot be read: {(exc.strerror or 'unknown reason').lower()}."
        ) from None


def _text(raw: bytes) -> str:
    cure = "Save it as UTF-8 (in a spreadsheet: CSV UTF-8)."
    foreign = next((name for mark, name in _FOREIGN_MARKS.items() if raw.startswith(mark)), None)
    if foreign is not None:
        raise InvalidInputError(f"The file is {foreign}, not UTF-8.", cure=cure)
    try:
        text = raw.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as exc:
        before = raw[: exc.start]
        line = before.count(b"\n") + 1
        column = exc.start - before.rfind(b"\n")
        raise InvalidInputError(
            f"The file is not UTF-8: line {line}, byte {column}.", cure=cure
        ) from None
    if "\0" in text:
        raise InvalidInputError("The file is not text.", cure=cure)
    return text
