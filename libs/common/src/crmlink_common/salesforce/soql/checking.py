"""Queries checked line by line: JSON in, JSON out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO

from crmlink_common.salesforce.soql.bounds import bounded_text
from crmlink_common.salesforce.soql.errors import SoqlError

LONGEST_LINE = 2_000_000  # bytes; 100,000 characters, each an escaped pair, and room to spare


def check(source: BinaryIO, target: TextIO, max_rows: int) -> None:
    """Answer each line ``{"q": ...}`` at once with ``{"ok", "query", "error"}``.

    ``query`` is the bounded query, or null; ``error`` is null, or has ``code``, ``message``,
    ``line`` and ``column``. A line that is no such JSON gets the code ``invalid_line``.
    """
    for line in _lines(source):
        target.write(json.dumps(verdict(line, max_rows)) + "\n")
        target.flush()


def verdict(line: bytes, max_rows: int) -> dict[str, Any]:
    """Say of one line whether it may be asked, and how."""
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        return _fault("invalid_line", "The line is not JSON.")
    query = asked.get("q") if isinstance(asked, dict) else None
    if not isinstance(query, str):
        return _fault("invalid_line", 'The line is not an object with a text "q".')
    try:
        return {"ok": True, "query": bounded_text(query, max_rows), "error": None}
    except SoqlError as exc:
        return _fault(exc.code, told(exc), exc.line, exc.column)


def told(error: SoqlError) -> str:
    """Say what is wrong, where, and what to do about it."""
    return f"{error}. {error.cure}" if error.cure else f"{error}."


def _fault(code: str, message: str, line: int = 1, column: int = 1) -> dict[str, Any]:
    error = {"code": code, "message": message, "line": line, "column": column}
    return {"ok": False, "query": None, "error": error}


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """Yield lines; what is beyond the longest is dropped unread into memory."""
    while line := source.readline(LONGEST_LINE):
        part = line
        while len(part) == LONGEST_LINE and not part.endswith(b"\n"):
            part, line = source.readline(LONGEST_LINE), b""
        yield line
