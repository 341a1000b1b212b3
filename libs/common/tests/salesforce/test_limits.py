from __future__ import annotations

import pytest

from crmlink_common.salesforce.limits import (
    Allocation,
    ApiBudget,
    ApiUsage,
    AppUsage,
    WorkClass,
    parse_usage,
    read_allocations,
)

OURS = AppUsage(3, 250, "x")


@pytest.mark.parametrize(
    ("header", "usage"),
    [
        ("api-usage=17/15000", ApiUsage(17, 15000)),
        ("api-usage=17/15000; per-app-api-usage=3/250(appName=x)", ApiUsage(17, 15000, OURS)),
        ("per-app-api-usage=3/250(appName=x); api-usage=17/15000", ApiUsage(17, 15000, OURS)),
        ("per-app-api-usage=3/250(appName=x)", None),
        ("api-usage=many/15000", None),
        ("", None),
    ],
)
def test_the_usage_is_read_from_the_header(header: str, usage: ApiUsage | None) -> None:
    assert parse_usage(header) == usage


@pytest.mark.parametrize(
    ("used", "allowed"),
    [
        (0, "assistant event batch reconcile"),
        (699, "assistant event batch reconcile"),
        (700, "assistant event batch"),
        (799, "assistant event batch"),
        (800, "assistant event"),
        (899, "assistant event"),
        (900, "assistant"),
        (999, "assistant"),
        (1000, ""),
        (1200, ""),
    ],
)
def test_each_class_of_work_stops_at_its_share(used: int, allowed: str) -> None:
    budget = ApiBudget()
    usage = ApiUsage(used, 1000)
    assert [work for work in WorkClass if budget.allows(work, usage)] == allowed.split()


def test_work_of_several_calls_needs_room_for_all() -> None:
    usage = ApiUsage(690, 1000)
    assert ApiBudget().allows(WorkClass.RECONCILE, usage, calls=10)
    assert not ApiBudget().allows(WorkClass.RECONCILE, usage, calls=11)


def test_before_the_first_answer_the_work_may_go_on() -> None:
    assert ApiBudget().allows(WorkClass.RECONCILE, None)


def test_shares_can_be_set() -> None:
    budget = ApiBudget({**ApiBudget().shares, WorkClass.BATCH: 10})
    assert not budget.allows(WorkClass.BATCH, ApiUsage(100, 1000))


def test_limits_are_read_as_numbers() -> None:
    """Facts §2: /limits."""
    told = {
        "DailyApiRequests": {"Max": 15000, "Remaining": 14976, "Ant Migration Tool": {"Max": 0}},
        "Odd": 7,
        "Half": {"Max": 1},
    }
    assert read_allocations(told) == {"DailyApiRequests": Allocation(15000, 14976)}
