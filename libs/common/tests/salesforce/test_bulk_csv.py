"""Facts §7: records as CSV, and CSV as it comes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.errors import TransientError
from crmlink_common.salesforce.bulk_csv import (
    LONGEST_CELL,
    NULL,
    Rows,
    cells_of,
    columns_of,
    lines_of,
    parts_of,
    size_of,
)


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        ({"A": "x", "attributes": {"type": "X"}}, {"A": "x"}),
        ({"A": None, "B": ""}, {"A": NULL, "B": NULL}),
        ({"A": True, "B": 1, "C": 1.5}, {"A": "true", "B": "1", "C": "1.5"}),
        ({"Account": {"Key__c": "k"}}, {"Account.Key__c": "k"}),
        ({"A": NULL}, None),  # it would empty the field
        ({"A": "x\ud800"}, None),  # half a character
        ({"A": ["x"]}, None),
        ({"A": {"attributes": {}, "Key__c": "k"}}, None),
        ({"A": "x", "a": "y"}, None),
        ({"A": "x" * LONGEST_CELL}, {"A": "x" * LONGEST_CELL}),
        ({"A": "x" * (LONGEST_CELL + 1)}, None),
    ],
)
def test_a_record_becomes_cells_or_no_csv_can_say_it(
    record: dict[str, object], cells: dict[str, str] | None
) -> None:
    assert cells_of(record) == cells


def test_an_absent_field_is_empty_and_changes_nothing() -> None:
    rows = [{"Id": "1", "Phone": NULL}, {"Id": "2", "email": "x"}, {"Id": "3", "Email": "y"}]
    columns = columns_of(rows)
    assert columns == ["Id", "Phone", "email"]
    assert b"".join(lines_of(columns, rows)) == b"Id,Phone,email\n1,#N/A,\n2,,x\n3,,y\n"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"', '""', "\n", "\r\n", "a\rb", ",", "'", "\u2028", "é", '","\n']
)


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({"a": TEXTS, "b": TEXTS}), max_size=8), st.integers(1, 9))
def test_what_is_written_is_read_back_however_it_is_cut(
    rows: list[dict[str, str]], cut: int
) -> None:
    body = b"".join(lines_of(["a", "b"], rows))
    header, *lines = list(lines_of(["a", "b"], rows))
    assert all(size_of(row, 2) >= len(line) for row, line in zip(rows, lines, strict=True))
    reading = Rows()
    read = [dict(row) for n in range(0, len(body), cut) for row in reading.feed(body[n : n + cut])]
    assert read + [dict(row) for row in reading.end()] == rows
    assert header == b"a,b\n"


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_the_last_line_needs_no_end_and_a_mark_of_order_is_left_out(ends: bytes) -> None:
    reading = Rows()
    rows = reading.feed(b"\xef\xbb\xbf" + b'"sf__Id","X"' + ends + b'"1","a"' + ends + b'"2","b')
    assert [dict(row) for row in rows] == [{"sf__id": "1", "x": "a"}]
    assert [dict(row) for row in reading.feed(b'"') + reading.end()] == [{"sf__id": "2", "x": "b"}]


@pytest.mark.parametrize("body", [b"a,b\n1\n", b"\xff\n", b'a\n"x"y\n', b"a\n1,2\n", b'a\n"x'])
def test_what_is_no_csv_is_asked_for_again(body: bytes) -> None:
    def read() -> None:
        reading = Rows()
        reading.feed(body)
        reading.end()

    with pytest.raises(TransientError):
        read()


def test_a_record_that_never_ends_takes_no_memory_for_ever() -> None:
    reading = Rows()
    reading.feed(b'a\n"')
    for _ in range(39):
        reading.feed(b"x" * 100_000)
    with pytest.raises(TransientError):
        reading.feed(b"x" * 200_000)


async def test_lines_are_gathered_to_parts() -> None:
    parts = [part async for part in parts_of([b"x" * 1000] * 200)]
    assert sum(map(len, parts)) == 200_000
    assert len(parts) == 4
    assert [part async for part in parts_of([])] == []
