"""Facts §6, §9: a call may run for ten minutes after its client has given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crmlink_common.salesforce.absence import (
    ABSENCE_COUNTS_AFTER,
    LONGEST_CALL,
    absence_counts,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent_at", "counts"),
    [
        (None, True),
        (NOON, False),
        (NOON - LONGEST_CALL, False),
        (NOON - timedelta(minutes=10, seconds=59), False),
        (NOON - timedelta(minutes=11), True),
        (NOON + timedelta(hours=1), False),  # the clock went back
    ],
)
def test_absence_counts_after_eleven_minutes(sent_at: datetime | None, *, counts: bool) -> None:
    assert absence_counts(sent_at, NOON) is counts
    assert ABSENCE_COUNTS_AFTER > LONGEST_CALL
