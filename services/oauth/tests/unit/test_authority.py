from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crmlink_common.contracts.connections import ConnectionStatus as Status
from crmlink_oauth.domain.authority import (
    LEASE,
    LONGEST_PAUSE,
    Give,
    Lost,
    Refresh,
    Refuse,
    Sealed,
    Verdict,
    Wait,
    begin,
    judge,
    refreshed,
    refusal_code,
    still_stands,
    unanswered,
)
from crmlink_oauth.domain.connection import Connection

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
UP = Connection(
    workspace_id="w1",
    status=Status.CONNECTED,
    epoch=3,
    fingerprint="f5",
    token_serial=5,
    instance_url="https://acme.my.salesforce.com",
    refresh_token="old",
)
SEALED = Sealed(
    access_token="a6",
    refresh_token="",
    refresh_hash="",
    fingerprint="f6",
    instance_url=UP.instance_url,
)


def verdict(
    connection: Connection,
    failed: str | None = "f5",
    *,
    allowed: bool = True,
    seen_serial: int = 5,
    now: datetime = NOON,
) -> Verdict:
    return judge(connection, allowed=allowed, failed=failed, seen_serial=seen_serial, now=now)


@pytest.mark.parametrize(
    ("connection", "allowed", "code"),
    [
        (replace(UP, status=Status.NOT_CONNECTED), True, "not_connected"),
        (replace(UP, status=Status.AWAITING_OAUTH), True, "not_connected"),
        (replace(UP, status=Status.ERROR), True, "connection_error"),
        (replace(UP, enabled=False), True, "disabled"),
        (UP, False, "disabled"),
    ],
)
def test_an_unusable_connection_gives_nothing(
    connection: Connection, *, allowed: bool, code: str
) -> None:
    assert verdict(connection, None, allowed=allowed) == Refuse(code)


@pytest.mark.parametrize("failed", [None, "f4", "anything"])
def test_a_token_that_did_not_fail_is_given(failed: str | None) -> None:
    assert verdict(UP, failed) == Give()


def test_a_token_that_failed_is_refreshed() -> None:
    assert verdict(UP) == Refresh()


def test_a_token_stored_since_the_caller_asked_is_fresh_even_with_the_same_text() -> None:
    assert verdict(UP, seen_serial=4) == Give()


def test_while_one_refreshes_others_wait() -> None:
    intent = begin(UP, "me", NOON)
    assert verdict(intent) == Wait(NOON + LEASE, busy=True)
    assert verdict(intent, "f4") == Give()


def test_an_intent_nobody_settled_is_taken_over_after_its_lease() -> None:
    assert verdict(begin(UP, "me", NOON), now=NOON + LEASE) == Refresh()


def test_a_rotated_connection_gets_one_more_try_and_only_alone() -> None:
    once = begin(replace(UP, ever_rotated=True), "me", NOON)
    assert verdict(once, now=NOON + LEASE) == Refresh(only_if_alone=True)
    twice = begin(once, "you", NOON + LEASE)
    assert verdict(twice, now=NOON + 2 * LEASE) == Lost()


@pytest.mark.parametrize("consumed", [True, False])
def test_without_an_answer_the_pauses_grow_and_end_at_a_minute(*, consumed: bool) -> None:
    connection, now, pauses = UP, NOON, []
    for _ in range(9):
        assert verdict(connection, now=now) == Refresh()
        connection = unanswered(begin(connection, "me", now), consumed=consumed, now=now)
        assert connection.refresh_until is not None
        assert verdict(connection, now=now) == Wait(connection.refresh_until, busy=False)
        pauses.append(connection.refresh_until - now)
        now = connection.refresh_until
    assert pauses[:5] == [timedelta(seconds=2**n) for n in range(1, 6)]
    assert pauses[-1] == LONGEST_PAUSE


def test_what_was_never_sent_counts_as_no_lost_answer() -> None:
    rotated = replace(UP, ever_rotated=True)
    after = unanswered(begin(rotated, "me", NOON), consumed=False, now=NOON)
    assert after.refreshes_unanswered == 0
    assert verdict(after, now=NOON + LEASE) == Refresh()


def test_an_answer_ends_the_intent_and_numbers_the_token() -> None:
    after = refreshed(begin(UP, "me", NOON), SEALED)
    assert (after.fingerprint, after.token_serial, after.access_token) == ("f6", 6, "a6")
    assert (after.refresh_token, after.ever_rotated, after.refresh_until) == ("old", False, None)
    assert after.revision == UP.revision


def test_a_rotated_refresh_token_replaces_the_old() -> None:
    after = refreshed(UP, replace(SEALED, refresh_token="new"))
    assert (after.refresh_token, after.ever_rotated) == ("new", True)
    assert refreshed(after, SEALED).ever_rotated


def test_a_moved_instance_is_news() -> None:
    moved = replace(SEALED, instance_url="https://acme2.my.salesforce.com")
    assert refreshed(UP, moved).revision == UP.revision + 1


@pytest.mark.parametrize(
    "change",
    [{"epoch": 4}, {"token_serial": 6}, {"fingerprint": "f6"}, {"status": Status.ERROR}],
)
def test_an_answer_for_what_is_no_more_does_not_stand(change: dict[str, object]) -> None:
    intent = begin(UP, "me", NOON)
    assert still_stands(intent, intent)
    assert not still_stands(replace(intent, **change), intent)  # type: ignore[arg-type]


def test_a_rotated_token_stands_as_long_as_the_authority_does() -> None:
    intent = begin(UP, "me", NOON)
    later = replace(intent, token_serial=6, fingerprint="f6")
    assert still_stands(later, intent, rotated=True)
    assert not still_stands(replace(later, epoch=4), intent, rotated=True)
    assert not still_stands(replace(later, status=Status.ERROR), intent, rotated=True)


def test_refused_after_a_lost_answer_means_rotated_away() -> None:
    first = begin(UP, "me", NOON)
    assert refusal_code(first, "token_revoked") == "token_revoked"
    assert refusal_code(begin(first, "you", NOON), "token_revoked") == "rotated_token_lost"
    assert refusal_code(begin(first, "you", NOON), "inactive_user") == "inactive_user"
