"""The decision whether work may call an org: a table of cases, and what holds of all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.errors import InvalidInputError, LimitError
from crmlink_common.salesforce.budget import (
    LONGEST,
    Allow,
    BudgetError,
    Decision,
    Probe,
    Reason,
    Refusal,
    Standing,
    Wait,
    checked_shares,
    decide,
    heard,
    interval,
    probing,
    refused,
)
from crmlink_common.salesforce.errors import SalesforceLimitError
from crmlink_common.salesforce.limits import SHARES, ApiBudget, ApiUsage, WorkClass

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
USED_UP = SalesforceLimitError("REQUEST_LIMIT_EXCEEDED")
TOO_MANY_AT_ONCE = SalesforceLimitError("REQUEST_LIMIT_EXCEEDED", retry_after=MINUTE)
LIMIT, CONCURRENT, BUDGET = Reason.LIMIT, Reason.CONCURRENT_LIMIT, Reason.BUDGET


def seen(
    used: int,
    limit: int = 1000,
    ago: timedelta = timedelta(0),
    **more: Any,  # noqa: ANN401 - fields
) -> Standing:
    return Standing(ApiUsage(used, limit), NOON - ago, **more)


def closed(ago: timedelta, reason: Reason = LIMIT, **more: Any) -> Standing:  # noqa: ANN401 - fields
    refusal = Refusal(reason, NOON - ago, NOON - ago)
    return seen(1001, ago=ago, refusal=refusal, **more)


def until(minutes: float, reason: Reason) -> Wait:
    return Wait(NOON + timedelta(minutes=minutes), reason)


ASSISTANT, EVENT, BATCH, RECONCILE = WorkClass
CASES: dict[str, tuple[WorkClass, Standing, Decision]] = {
    "nothing is known yet": (RECONCILE, Standing(), Allow()),
    "within its share": (RECONCILE, seen(699), Allow()),
    "its share is used up": (RECONCILE, seen(700), until(1, BUDGET)),
    "a more urgent class goes on": (BATCH, seen(700), Allow()),
    "the assistant alone is left": (ASSISTANT, seen(999), Allow()),
    "events stop before that": (EVENT, seen(900), until(1, BUDGET)),
    "all is used up": (ASSISTANT, seen(1000), until(1, BUDGET)),
    "more than all is used": (ASSISTANT, seen(1200), until(1, BUDGET)),
    "an org that may make no calls": (ASSISTANT, seen(0, 0), until(1, BUDGET)),
    "a limit that was raised": (RECONCILE, seen(1000, 5000), Allow()),
    "a limit that was lowered": (ASSISTANT, seen(600, 500), until(1, BUDGET)),
    "old usage within the share": (RECONCILE, seen(1, ago=timedelta(days=9)), Allow()),
    "old usage above it": (RECONCILE, seen(800, ago=MINUTE), Probe()),
    "a probe told that before": (RECONCILE, seen(800, ago=MINUTE, probes=1), until(1, BUDGET)),
    "refused a moment ago": (ASSISTANT, closed(timedelta(0)), until(1, LIMIT)),
    "refused a minute ago": (RECONCILE, closed(MINUTE), Probe()),
    "refused by two probes": (EVENT, closed(3 * MINUTE, probes=2), until(1, LIMIT)),
    "refused for hours": (EVENT, closed(15 * MINUTE, probes=9), Probe()),
    "too many long calls": (ASSISTANT, closed(MINUTE, CONCURRENT), until(0.25, CONCURRENT)),
    "too many, again": (ASSISTANT, closed(MINUTE, CONCURRENT, probes=7), until(0.25, CONCURRENT)),
    "too many, over a minute ago": (EVENT, closed(1.25 * MINUTE, CONCURRENT), Probe()),
    "somebody probes": (
        ASSISTANT,
        closed(5 * MINUTE, probing=True, probed_at=NOON - 0.5 * MINUTE),
        until(0.5, LIMIT),
    ),
    "somebody's probe was lost": (
        ASSISTANT,
        closed(5 * MINUTE, probing=True, probed_at=NOON - MINUTE),
        Probe(),
    ),
    "our clock was set back": (EVENT, closed(timedelta(days=-3)), Probe()),
}


@pytest.mark.parametrize(("work", "standing", "expected"), CASES.values(), ids=CASES)
def test_the_table_of_cases(work: WorkClass, standing: Standing, expected: Decision) -> None:
    assert decide(work, standing, ApiBudget(), NOON) == expected


MOMENTS = st.datetimes(datetime(2026, 11, 23), datetime(2026, 11, 26), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
COUNTS = st.integers(0, 20_000)
USAGES = st.builds(ApiUsage, COUNTS, COUNTS)
REFUSALS = st.builds(Refusal, st.sampled_from(Reason), MOMENTS, MOMENTS)
STANDINGS = st.builds(
    Standing,
    usage=st.none() | USAGES,
    seen_at=st.none() | MOMENTS,
    refusal=st.none() | REFUSALS,
    probes=st.integers(0, 60),
    probed_at=st.none() | MOMENTS,
    probing=st.booleans(),
    jitter=st.floats(0, 1),
)
IN_ORDER = st.lists(st.integers(1, 100), min_size=4, max_size=4).map(
    lambda shares: dict(zip(WorkClass, sorted(shares, reverse=True), strict=True))
)
BUDGETS = st.builds(ApiBudget, IN_ORDER)


@given(STANDINGS, BUDGETS, MOMENTS)
def test_less_urgent_work_never_goes_on_where_more_urgent_work_waits(
    standing: Standing, budget: ApiBudget, now: datetime
) -> None:
    ranks = {Allow: 2, Probe: 1, Wait: 0}
    decisions = [ranks[type(decide(work, standing, budget, now))] for work in WorkClass]
    assert decisions == sorted(decisions, reverse=True)


@given(STANDINGS, BUDGETS, MOMENTS, st.sampled_from(WorkClass))
def test_a_wait_ends_in_the_future_and_soon(
    standing: Standing, budget: ApiBudget, now: datetime, work: WorkClass
) -> None:
    decision = decide(work, standing, budget, now)
    if isinstance(decision, Wait):
        assert now < decision.until <= now + LONGEST


@given(STANDINGS, BUDGETS, MOMENTS, st.sampled_from(WorkClass))
def test_when_a_wait_ends_there_is_something_to_do(
    standing: Standing, budget: ApiBudget, now: datetime, work: WorkClass
) -> None:
    decision = decide(work, standing, budget, now)
    if isinstance(decision, Wait):
        given_up = replace(standing, probing=False)  # a probe ends, or is taken for lost
        then = decision.until if not standing.probing else decision.until + LONGEST
        assert not isinstance(decide(work, given_up, budget, then), Wait)


@given(USAGES, BUDGETS, st.sampled_from(WorkClass))
def test_what_remains_is_never_negative(
    usage: ApiUsage, budget: ApiBudget, work: WorkClass
) -> None:
    assert 0 <= budget.remaining(work, usage) <= usage.limit


@given(st.lists(st.floats(0, 1), min_size=12, max_size=12))
def test_probes_come_ever_more_rarely_up_to_a_quarter_of_an_hour(jitters: list[float]) -> None:
    waits = [interval(closed(MINUTE, probes=n, jitter=one)) for n, one in enumerate(jitters)]
    assert all(0.75 * MINUTE <= one <= LONGEST for one in waits)
    assert all(longer > shorter for shorter, longer in pairwise(waits[:5]))
    assert min(waits[4:]) >= 0.75 * LONGEST


def test_a_refusal_ends_by_the_answer_of_a_probe_alone() -> None:
    shut = refused(Standing(), USED_UP, NOON, 1.0)
    late = heard(shut, ApiUsage(5, 1000), ApiBudget(), NOON + MINUTE)  # it was under way
    assert late.refusal is not None
    probe = probing(late, NOON + MINUTE, 1.0)
    assert heard(probe, ApiUsage(1000, 1000), ApiBudget(), NOON + MINUTE).refusal is not None
    freed = heard(probe, ApiUsage(5, 1000), ApiBudget(), NOON + MINUTE)
    assert (freed.refusal, freed.probes) == (None, 0)
    assert heard(probe, None, ApiBudget(), NOON + MINUTE).refusal is None  # not all tell usage


def test_whoever_is_refused_again_at_once_goes_on_waiting_as_before() -> None:
    shut = replace(refused(Standing(), USED_UP, NOON, 1.0), probes=3)
    freed = heard(probing(shut, NOON, 1.0), ApiUsage(750, 1000), ApiBudget(), NOON)
    assert freed.refusal is None
    again = refused(freed, USED_UP, NOON + timedelta(seconds=2), 1.0)
    assert again.refusal == Refusal(LIMIT, NOON, NOON + timedelta(seconds=2))
    assert again.probes == 4
    later = refused(freed, USED_UP, NOON + timedelta(hours=2), 1.0)
    assert (later.probes, later.refusal and later.refusal.since) == (0, NOON + timedelta(hours=2))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (USED_UP, LIMIT),
        (TOO_MANY_AT_ONCE, CONCURRENT),
        (SalesforceLimitError("EXCEEDED_QUOTA"), None),  # of Bulk jobs: calls go on
        (LimitError("our own"), None),
    ],
)
def test_the_limit_on_calls_alone_parks(error: LimitError, reason: Reason | None) -> None:
    refusal = refused(Standing(), error, NOON, 1.0).refusal
    assert (refusal and refusal.reason) == reason


def test_the_error_says_why_and_until_when() -> None:
    error = BudgetError(Wait(NOON + MINUTE, LIMIT), NOON)
    assert (error.code, error.until, error.retry_after) == ("limit", NOON + MINUTE, MINUTE)


def test_shares_are_completed_by_the_defaults() -> None:
    assert checked_shares({}) == SHARES
    assert checked_shares({"reconcile": 5})[RECONCILE] == 5


@pytest.mark.parametrize(
    ("shares", "code", "field"),
    [
        ({"reconcile": 0}, "share_out_of_range", "reconcile"),
        ({"assistant": 101}, "share_out_of_range", "assistant"),
        ({"reconcile": 81}, "shares_out_of_order", "reconcile"),
        ({"assistant": 50}, "shares_out_of_order", "event"),
        ({"people": 50}, "unknown_work_class", "shares"),
    ],
)
def test_shares_that_make_no_sense_are_refused(
    shares: dict[str, int], code: str, field: str
) -> None:
    with pytest.raises(InvalidInputError) as found:
        checked_shares(shares)
    assert (found.value.code, found.value.field) == (code, field)
