"""What is asked of upstream, until it shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crmlink_sync_outbound.domain.awaiting import (
    PATIENCE,
    asked,
    not_applied,
    outdated,
    put,
    still_awaited,
    with_awaited,
)
from crmlink_sync_outbound.domain.pair import Awaited

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ASKED = Awaited("new", "old", NOON, ("older",))


@pytest.mark.parametrize(
    ("held", "kept", "stale"),
    [
        ("old", True, False),  # not yet
        ("new", False, True),  # there
        (" new ", False, True),  # as Salesforce would store it
        ("older", True, True),  # an earlier request came through
        ("mine", False, True),  # a person overruled it
        ("", False, True),
    ],
)
def test_a_request_is_awaited_until_the_member_shows_it_or_something_else(
    *, held: str, kept: bool, stale: bool
) -> None:
    member, awaiting = {"phone": held}, {"phone": ASKED}
    assert bool(still_awaited(member, awaiting)) is kept
    again = outdated(member, awaiting)
    assert bool(again) is stale
    if stale:
        assert again["phone"].expected == held


def test_a_blank_is_shown_by_a_field_that_is_not_there() -> None:
    assert still_awaited({}, {"fields.tier": Awaited(None, "gold", NOON)}) == {}


def test_the_last_five_requests_are_remembered() -> None:
    one = asked(None, "0", "x", NOON)
    assert one == Awaited("0", "x", NOON)
    for n in range(1, 9):
        one = asked(one, str(n), "x", NOON)
    assert (one.value, one.earlier) == ("8", ("3", "4", "5", "6", "7"))


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("phone", {"phone": "new", "fields": {"a": 1}}),
        ("fields.tier", {"phone": "1", "fields": {"a": 1, "tier": "new"}}),
    ],
)
def test_the_member_is_seen_as_it_will_be_and_the_original_stays(
    field: str, expected: dict[str, object]
) -> None:
    member = {"phone": "1", "fields": {"a": 1}}
    assert with_awaited(member, {field: ASKED}) == expected
    assert member == {"phone": "1", "fields": {"a": 1}}


def test_a_first_field_makes_the_fields() -> None:
    member: dict[str, object] = {}
    put(member, "fields.tier", "gold")
    assert member == {"fields": {"tier": "gold"}}


def test_after_a_day_it_is_told_by_name() -> None:
    late = Awaited("v", "o", NOON - PATIENCE)
    early = Awaited("v", "o", NOON - PATIENCE + timedelta(seconds=1))
    assert not_applied({"b": late, "a": late, "c": early}, NOON) == ["a", "b"]
