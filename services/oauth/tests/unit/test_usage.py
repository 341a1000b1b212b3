"""What the last hour's use of an org's limit says of the next ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.salesforce.limits import WorkClass
from crmlink_oauth.domain.usage import Forecast, Sample, Waiting, forecast, slot_of, still

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def sample(minutes_ago: float, used: int, limit: int = 1000) -> Sample:
    return Sample(NOON - timedelta(minutes=minutes_ago), used, limit)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], Forecast()),
        ([sample(0, 10)], Forecast()),
        ([sample(4, 10), sample(0, 90)], Forecast()),  # too short to say
        ([sample(30, 400), sample(0, 500)], Forecast(200, at(2.5))),
        ([sample(0, 500), sample(30, 400)], Forecast(200, at(2.5))),
        ([sample(30, 400), sample(0, 410)], Forecast(20, None)),  # more than a day
        ([sample(30, 400), sample(0, 300)], Forecast(0, None)),  # yesterday's fall out
        ([sample(90, 0), sample(20, 400), sample(0, 500)], Forecast(300, at(5 / 3))),
        ([sample(119, 0), sample(61, 900)], Forecast()),  # of another time
        ([sample(30, 900), sample(0, 1000)], Forecast(200, NOON)),
        ([sample(0, 1001)], Forecast(None, NOON)),
        ([sample(30, 1), sample(0, 2, 0)], Forecast(2, NOON)),
    ],
)
def test_the_rate_of_the_last_hour_is_carried_forward(
    samples: list[Sample], expected: Forecast
) -> None:
    assert forecast(samples, NOON) == expected


SAMPLES = st.builds(sample, st.floats(0, 180), st.integers(0, 10**6), st.integers(0, 10**6))


@given(st.lists(SAMPLES, max_size=30))
def test_nothing_is_foretold_of_the_past_or_beyond_a_day(samples: list[Sample]) -> None:
    told = forecast(samples, NOON)
    assert told.per_hour is None or told.per_hour >= 0
    if told.exhausted_at is not None:
        assert NOON - timedelta(hours=1) <= told.exhausted_at <= NOON + timedelta(hours=24)


def test_a_sample_belongs_to_its_five_minutes() -> None:
    assert slot_of(NOON + timedelta(minutes=7, seconds=3)) == NOON + timedelta(minutes=5)


def test_what_was_to_end_long_ago_is_not_shown() -> None:
    told = [
        Waiting(WorkClass.BATCH, NOON, NOON - timedelta(minutes=ago), "budget") for ago in (1, 6)
    ]
    assert still(told, NOON) == told[:1]
