from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.salesforce.soql import trimmed


def with_children(*counts: int, done: bool = True) -> list[dict[str, Any]]:
    return [
        {"Id": str(n), "Cases": {"done": done, "records": [{"Id": str(k)} for k in range(count)]}}
        for n, count in enumerate(counts)
    ]


def children_of(rows: list[dict[str, Any]]) -> list[int]:
    return [len(row["Cases"]["records"]) for row in rows]


@pytest.mark.parametrize(
    ("counts", "kept"),
    [((), []), ((2, 3), [2, 3]), ((4, 3), [4, 1]), ((9, 1), [5, 0])],
)
def test_children_are_capped_over_all_parents(counts: tuple[int, ...], kept: list[int]) -> None:
    rows, was_cut = trimmed(with_children(*counts), 5)
    assert (children_of(rows), was_cut) == (kept, sum(counts) > 5)


def test_children_that_salesforce_itself_cut_are_told_as_cut() -> None:
    assert trimmed(with_children(1, done=False), 5)[1]


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 20))
def test_trimming_keeps_the_parents_the_input_and_the_cap(counts: list[int], cap: int) -> None:
    rows = with_children(*counts)
    kept, cut = trimmed(rows, cap)
    assert [row["Id"] for row in kept] == [row["Id"] for row in rows]
    assert sum(children_of(kept)) == min(sum(counts), cap)
    assert cut == (sum(counts) > cap)
    assert children_of(rows) == counts


def test_the_rows_of_every_level_count_against_one_cap() -> None:
    inner: dict[str, Any] = {"done": True, "records": [{"Id": "c"}, {"Id": "d"}]}
    record: dict[str, Any] = {
        "Id": "a",
        "Bs": {"done": True, "records": [{"Id": "b", "Cs": inner}, {"Id": "e"}]},
    }
    rows, cut = trimmed([record], 2)
    first = {"Id": "b", "Cs": {"done": True, "records": [{"Id": "c"}]}}
    assert rows == [{"Id": "a", "Bs": {"done": True, "records": [first]}}]
    assert cut
    assert trimmed([record], 4) == ([record], False)


def test_a_parent_s_fields_are_not_children() -> None:
    record: dict[str, Any] = {"Id": "a", "Account": {"attributes": {}, "Name": "x"}, "Bs": None}
    assert trimmed([record], 0) == ([record], False)
