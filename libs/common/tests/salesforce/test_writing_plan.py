"""Facts §5, §6: how many records a call carries, and which way is the cheapest."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.salesforce.write_plan import (
    BYTES_PER_CALL,
    CALLS_PER_JOB,
    Bounds,
    Way,
    plan_write,
    takes_bulk,
)
from crmlink_common.salesforce.writes import Operation

CREATE, UPDATE = Operation.CREATE, Operation.UPDATE
UPSERT, DELETE = Operation.UPSERT, Operation.DELETE


@pytest.mark.parametrize(
    ("count", "operation", "version", "calls"),
    [
        (0, CREATE, "59.0", []),
        (1, CREATE, "59.0", [("row", 1)]),
        (1, UPSERT, "45.0", [("row", 1)]),
        (2, CREATE, "59.0", [("collection", 2)]),
        (200, DELETE, "59.0", [("collection", 200)]),
        (201, UPDATE, "59.0", [("composite", 201)]),
        (1000, UPSERT, "46.0", [("composite", 1000)]),
        (1001, CREATE, "59.0", [("composite", 1000), ("collection", 1)]),
        (30, UPSERT, "45.0", [("rows", 25), ("rows", 5)]),
        (26, CREATE, "41.0", [("rows", 25), ("row", 1)]),
        (2, UPDATE, "37.0", [("row", 1), ("row", 1)]),
    ],
)
def test_the_cheapest_calls_of_a_version_are_taken(
    count: int, operation: Operation, version: str, calls: list[tuple[str, int]]
) -> None:
    planned = plan_write([100] * count, operation, version=version)
    assert [(one.way.value, len(one.positions)) for one in planned] == calls


def test_ten_thousand_records_are_ten_calls() -> None:
    assert len(plan_write([300] * 10_000, CREATE, version="59.0")) == 10


def test_a_single_record_that_no_path_names_goes_in_a_collection() -> None:
    [call] = plan_write([100], UPSERT, version="59.0", by_path=False)
    assert call.way is Way.COLLECTION


def test_one_large_record_goes_alone() -> None:
    planned = plan_write([10, BYTES_PER_CALL + 1, 10], CREATE, version="59.0")
    assert [one.positions for one in planned] == [[0], [1], [2]]


def test_a_collection_holds_at_most_ten_runs_of_one_type() -> None:
    types = [f"T{n % 3}" for n in range(30)]
    [call] = plan_write([10] * 30, CREATE, version="59.0", types=types)
    assert [len(chunk) for chunk in call.chunks] == [10, 10, 10]
    sorted_types = sorted(types)
    [call] = plan_write([10] * 30, CREATE, version="59.0", types=sorted_types)
    assert [len(chunk) for chunk in call.chunks] == [30]


SIZES = st.lists(st.integers(1, 3_000_000) | st.integers(1, 2_000), max_size=60)


@settings(deadline=None)
@given(
    SIZES,
    st.integers(0, 2300),
    st.sampled_from(Operation),
    st.sampled_from(["31.0", "38.0", "42.0", "45.0", "46.0", "68.0"]),
    st.none() | st.integers(1, 1200),
)
def test_every_record_is_in_one_call_in_order_and_within_the_limits(
    sizes: list[int], small: int, operation: Operation, version: str, last: int | None
) -> None:
    sizes = [*sizes, *[120] * small]
    bounds = Bounds().halved(last) if last else Bounds()
    planned = plan_write(sizes, operation, version=version, bounds=bounds)
    assert [n for one in planned for n in one.positions] == list(range(len(sizes)))
    for call in planned:
        heavy = call.way in {Way.COLLECTION, Way.COMPOSITE}
        assert 1 <= len(call.chunks) <= (5 if heavy else 25)
        assert all(1 <= len(chunk) <= (200 if heavy else 1) for chunk in call.chunks)
        assert len(call.positions) <= bounds.per_call
        assert sum(sizes[n] for n in call.positions) <= BYTES_PER_CALL or len(call.positions) == 1


@settings(deadline=None)
@given(st.lists(st.sampled_from("ABC"), min_size=2, max_size=450))
def test_types_never_cost_the_order(types: list[str]) -> None:
    planned = plan_write([10] * len(types), DELETE, version="59.0", types=types)
    assert [n for one in planned for n in one.positions] == list(range(len(types)))
    for chunk in (chunk for one in planned for chunk in one.chunks):
        runs = 1 + sum(types[a] != types[b] for a, b in pairwise(chunk))
        assert runs <= 10


def test_halved_bounds_end_at_one_record() -> None:
    bounds, count = Bounds(), 1000
    for _ in range(20):
        bounds = bounds.halved(count)
        count = bounds.per_call
    assert (bounds.per_call, bounds.per_collection) == (1, 1)


@pytest.mark.parametrize(
    ("count", "write", "version", "left", "bulk"),
    [
        (100_000, (UPDATE, True), "59.0", None, True),
        (100_000, (UPSERT, True), "59.0", None, True),
        (20_000, (UPDATE, True), "59.0", None, False),
        (100_000, (UPSERT, False), "59.0", None, False),  # whose the results are nobody could tell
        (100_000, (CREATE, True), "59.0", None, False),
        (100_000, (DELETE, True), "59.0", None, False),
        (100_000, (UPDATE, True), "40.0", None, False),
        (18_000, (UPDATE, True), "59.0", 17, True),  # too few calls are left for Composites
        (18_000, (UPDATE, True), "59.0", 18, False),
        (CALLS_PER_JOB * 1000, (UPDATE, True), "59.0", 0, False),  # a job would cost no less
    ],
)
def test_bulk_takes_many_records_that_have_a_key(
    count: int, write: tuple[Operation, bool], version: str, *, left: int | None, bulk: bool
) -> None:
    operation, unique = write
    taken = takes_bulk(count, operation, unique=unique, version=version, calls_left=left)
    assert taken is bulk
