"""Creates in doubt: where they are looked for, and when absence counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crmlink_common.salesforce.absence import ABSENCE_COUNTS_AFTER
from crmlink_sync_outbound.domain.resolving import (
    LOOK_AGAIN,
    Intent,
    absence_counts,
    is_newer,
    look_again,
    places_of,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def intent(**changed: Any) -> Intent:  # noqa: ANN401 - fields of any kind
    given = {
        "intent_id": "i",
        "member_id": "m",
        "object": "Contact",
        "field": "Email",
        "key": "k",
        "sought": "s",
        "state": "sending",
    }
    return Intent(**(given | changed))


@pytest.mark.parametrize(
    ("since", "after", "counts"),
    [
        (None, ABSENCE_COUNTS_AFTER, True),  # never sent
        (NOON - timedelta(minutes=10, seconds=59), ABSENCE_COUNTS_AFTER, False),
        (NOON - timedelta(minutes=11), ABSENCE_COUNTS_AFTER, True),
        (NOON - timedelta(seconds=8), timedelta(seconds=8), True),
        (NOON + timedelta(hours=1), ABSENCE_COUNTS_AFTER, False),
    ],
)
def test_absence_counts_once_the_call_cannot_come_any_more(
    *, since: datetime | None, after: timedelta, counts: bool
) -> None:
    assert absence_counts(intent(sending_since=since), NOON, after) is counts


@pytest.mark.parametrize("seconds", [5, 8, 59, 60, 660])
def test_it_is_looked_for_three_times_at_least(seconds: int) -> None:
    absence = timedelta(seconds=seconds)
    assert look_again(absence) <= min(LOOK_AGAIN, absence / 3)


@pytest.mark.parametrize(
    ("created", "sent_at", "ours"),
    [
        ("2026-11-24T12:00:01.000+0000", NOON, True),
        ("2026-11-24T11:59:56.000+00:00", NOON, True),
        ("2026-11-24T11:59:54.000+00:00", NOON, False),
        ("2026-11-24T12:00:01.000+00:00", None, False),
        (None, NOON, False),
    ],
)
def test_a_record_that_was_there_before_the_call_is_not_ours(
    *, created: str | None, sent_at: datetime | None, ours: bool
) -> None:
    assert is_newer({"CreatedDate": created}, sent_at) is ours


def test_each_is_looked_for_where_and_by_what_it_was_sent() -> None:
    found = places_of(
        [
            intent(sought="a"),
            intent(sought="b", field="Phone"),
            intent(sought="c"),
            intent(sought="d", object="Lead"),
        ]
    )
    assert found == {
        ("Contact", "Email"): ["a", "c"],
        ("Contact", "Phone"): ["b"],
        ("Lead", "Email"): ["d"],
    }
