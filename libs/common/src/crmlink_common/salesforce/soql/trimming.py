"""Child rows of an answer, kept under one cap over all parents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue  # the check command starts faster without

    Row = dict[str, JsonValue]


def trimmed(records: Sequence[Row], max_rows: int) -> tuple[list[Row], bool]:
    """Keep at most ``max_rows`` child rows over all parents; say whether any were left out.

    ``bounded`` caps the children of each parent alone, not their sum. The rows of every level
    count, in the order of the answer; the records given are not changed. A list of children that
    Salesforce itself has not finished counts as cut.
    """
    kept = _Kept(max_rows)
    return [kept.row(record) for record in records], kept.cut


@dataclass(slots=True)
class _Kept:
    left: int
    cut: bool = False

    def row(self, record: Row) -> Row:
        return {name: self._value(value) for name, value in record.items()}

    def _value(self, value: JsonValue) -> JsonValue:
        children = value.get("records") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(children, list):
            return value
        rows: list[JsonValue] = []
        self.cut |= value.get("done") is False
        for child in children:
            if self.left < 1:
                self.cut = True
                break
            self.left -= 1
            rows.append(self.row(child) if isinstance(child, dict) else child)
        return {**value, "records": rows}
