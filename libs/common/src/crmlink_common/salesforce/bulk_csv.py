"""The CSV of Bulk 2.0: records to lines, and lines to rows as they come."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import cast

from crmlink_common.salesforce.answers import Received
from crmlink_common.salesforce.errors import SalesforceTransientError
from crmlink_common.salesforce.records import Record

NULL = "#N/A"
"""Empties a field; an empty cell leaves the field as it is (Facts §7)."""
LONGEST_CELL = 32_000  # characters
LONGEST_RECORD = 400_000
MOST_FIELDS = 5_000
LONGEST_LINE = 4_000_000  # of an answer: a record and what failed
PART = 64 * 1024
SPECIAL = re.compile(r'[",\r\n]')
HALF = re.compile(r"[\ud800-\udfff]")  # of a character: no UTF-8
Cells = dict[str, str]
Row = Mapping[str, str]


def cells_of(record: Record) -> Cells | None:
    """Return the record's cells by column, or None for what a CSV cannot say.

    A parent named by its external id, ``{"Account": {"Key__c": "x"}}``, becomes a column
    ``Account.Key__c``.
    """
    cells: Cells = {}
    for name, value in _flat(record):
        cell = _cell(value)
        if cell is None or len(cell) > LONGEST_CELL:
            return None
        cells[name] = cell
    folded = {name.lower() for name in cells}
    fits = len(folded) == len(cells) <= MOST_FIELDS
    return cells if fits and sum(map(len, cells.values())) <= LONGEST_RECORD else None


def _flat(record: Record) -> Iterator[tuple[str, object]]:
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, dict) and len(value) == 1:
            [(key, parent)] = value.items()
            yield f"{name}.{key}", parent
        else:
            yield name, value


def _cell(value: object) -> str | None:
    if value is None or value == "":
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, str) or value == NULL or HALF.search(value):
        return None
    return value


def size_of(cells: Cells, columns: int) -> int:
    """Return bytes that the row's line is never longer than."""
    texts = sum(len(cell.encode()) + cell.count('"') + 2 for cell in cells.values())
    return texts + columns


def columns_of(rows: Iterable[Cells]) -> list[str]:
    """Return every column once, as first spelt: an absent field is an empty cell, no change."""
    columns: dict[str, str] = {}
    for cells in rows:
        for name in cells:
            columns.setdefault(name.lower(), name)
    return list(columns.values())


def line_of(cells: Iterable[str]) -> str:
    """Render one line, its end a line feed. A lone carriage return is quoted too."""
    line = ",".join(_quoted(cell) if SPECIAL.search(cell) else cell for cell in cells)
    return (line or '""') + "\n"


def _quoted(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


def lines_of(columns: Sequence[str], rows: Iterable[Cells]) -> Iterator[bytes]:
    """Render the header and a line per row."""
    yield line_of(columns).encode()
    folded = [name.lower() for name in columns]
    for cells in rows:
        known = {name.lower(): cell for name, cell in cells.items()}
        yield line_of([known.get(name, "") for name in folded]).encode()


async def parts_of(lines: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Gather lines to parts worth sending."""
    part = bytearray()
    for line in lines:
        part += line
        if len(part) >= PART:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


class Rows:
    """Reads rows from parts of a CSV as they come, by the lower-case name of their column."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._header: list[str] | None = None
        self._begun = ""  # a record whose end has not come
        self._quotes = 0

    def feed(self, part: bytes) -> list[Row]:
        """Return the rows that are whole by now.

        Raises:
            SalesforceTransientError: it is no CSV.
        """
        *lines, rest = self._text(part).split("\n")
        whole = [record for line in lines if (record := self._closed(line + "\n")) is not None]
        self._begun += rest
        self._quotes += rest.count('"')
        if len(self._begun) > LONGEST_LINE:
            raise SalesforceTransientError("MALFORMED_ANSWER")
        return self._read(whole)

    def end(self) -> list[Row]:
        """Return the last row, when no line feed ended it."""
        begun = self._begun + self._text(b"", final=True)
        self._begun = ""
        return self._read([begun] if begun else [])

    def _text(self, part: bytes, *, final: bool = False) -> str:
        try:
            return self._decoder.decode(part, final)
        except UnicodeDecodeError:
            raise SalesforceTransientError("MALFORMED_ANSWER") from None

    def _closed(self, line: str) -> str | None:
        """Return the record that the line ends; a line feed inside quotes ends none."""
        self._begun += line
        self._quotes += line.count('"')
        if self._quotes % 2:
            return None
        record, self._begun, self._quotes = self._begun, "", 0
        return record

    def _read(self, records: list[str]) -> list[Row]:
        try:
            cells = [row for row in csv.reader(records, strict=True) if row]
        except csv.Error:
            raise SalesforceTransientError("MALFORMED_ANSWER") from None
        if self._header is None and cells:
            self._header = [name.lower() for name in cells.pop(0)]
        header = self._header or []
        if any(len(row) != len(header) for row in cells):
            raise SalesforceTransientError("MALFORMED_ANSWER")
        return [dict(zip(header, row, strict=True)) for row in cells]


async def rows_in(received: Received) -> AsyncIterator[list[Row]]:
    """Yield the rows of an answer as they come; raise SalesforceTransientError."""
    rows = Rows()
    async with aclosing(cast("AsyncGenerator[bytes]", received.parts())) as parts:
        async for part in parts:
            yield rows.feed(part)
    yield rows.end()
