"""Date literals."""

from datetime import date

import pytest

from crmlink_salesforce_sim.soql.dates import span_of

FRIDAY = date(2026, 5, 1)


@pytest.mark.parametrize(
    ("literal", "first", "end"),
    [
        ("TODAY", "2026-05-01", "2026-05-02"),
        ("yesterday", "2026-04-30", "2026-05-01"),
        ("LAST_N_DAYS:3", "2026-04-28", "2026-05-02"),
        ("LAST_90_DAYS", "2026-01-31", "2026-05-02"),
        ("NEXT_N_DAYS:3", "2026-05-02", "2026-05-05"),
        ("THIS_WEEK", "2026-04-26", "2026-05-03"),
        ("LAST_MONTH", "2026-04-01", "2026-05-01"),
        ("LAST_N_MONTHS:2", "2026-03-01", "2026-05-01"),
        ("THIS_QUARTER", "2026-04-01", "2026-07-01"),
        ("NEXT_FISCAL_YEAR", "2027-01-01", "2028-01-01"),
        ("N_WEEKS_AGO:1", "2026-04-19", "2026-04-26"),
    ],
)
def test_a_literal_names_its_days(literal: str, first: str, end: str) -> None:
    """Facts §3: LAST_N_DAYS includes today, so that LAST_90_DAYS is 91 days."""
    span = span_of(literal, FRIDAY)
    assert span is not None
    assert (span.first.isoformat(), span.end.isoformat()) == (first, end)


def test_a_literal_far_away_is_the_end_of_time_and_an_unknown_one_is_none() -> None:
    """Facts §3: the list of literals is closed."""
    far = span_of("NEXT_N_YEARS:9999", FRIDAY)
    assert far is not None
    assert far.end == date.max
    assert span_of("LAST_DECADE", FRIDAY) is None
