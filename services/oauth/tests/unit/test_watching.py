from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_oauth.domain.watching import (
    IDLE,
    WATCHED,
    Deed,
    Watch,
    done,
    learnt,
    needed,
    next_look,
    put_off,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
WATCH = Watch(workspace_id="w1", due_at=NOON, alive_at=NOON, token_serial=3, token_since=NOON)
OPEN = replace(WATCH, watched_until=NOON + timedelta(days=1))


@pytest.mark.parametrize(
    ("watch", "after", "deed"),
    [
        (WATCH, timedelta(minutes=14), Deed.REST),
        (WATCH, timedelta(minutes=15), Deed.LOOK),
        (OPEN, timedelta(seconds=59), Deed.REST),
        (OPEN, timedelta(seconds=60), Deed.LOOK),
        (replace(WATCH, watched_until=NOON), timedelta(minutes=2), Deed.REST),
        (WATCH, timedelta(days=6, hours=6), Deed.LOOK),
        (WATCH, WEEK, Deed.REFRESH),
    ],
)
def test_what_is_needed(watch: Watch, after: timedelta, deed: Deed) -> None:
    assert needed(watch, NOON + after, WEEK) is deed


def test_whoever_else_calls_spares_us_the_look() -> None:
    later = NOON + timedelta(minutes=20)
    used = learnt(WATCH, 3, later - timedelta(minutes=1), later)
    assert needed(used, later, WEEK) is Deed.REST
    assert learnt(WATCH, 3, NOON - timedelta(hours=1), later) == WATCH
    assert learnt(WATCH, 3, later + timedelta(hours=1), later) == WATCH  # a clock that is ahead


def test_a_renewed_token_begins_anew() -> None:
    later = NOON + timedelta(days=8)
    assert needed(learnt(WATCH, 4, None, later), later, WEEK) is Deed.REST


def test_who_is_refreshed_for_idleness_is_spread_over_the_last_tenth() -> None:
    names = [f"w{n}" for n in range(300)]
    at = NOON + WEEK * 0.95
    deeds = [needed(replace(WATCH, workspace_id=name), at, WEEK) for name in names]
    assert 75 < deeds.count(Deed.REFRESH) < 225


@given(st.floats(0, 1), st.integers(0, 3600), st.sampled_from([WATCH, OPEN]))
def test_the_next_time_is_never_later_than_it_must(jitter: float, since: int, watch: Watch) -> None:
    now = NOON + timedelta(seconds=since)
    planned = done(watch, now, jitter)
    assert now <= planned.due_at <= max(now, next_look(watch, now))
    assert next_look(watch, now) - watch.alive_at == (WATCHED if watch is OPEN else IDLE)
    assert now < put_off(watch, now, jitter).due_at <= now + timedelta(minutes=2)
