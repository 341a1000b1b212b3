from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.errors import InvalidInputError
from crmlink_sync_inbound.domain import (
    SAFETY_EVERY,
    SAFETY_WINDOW,
    Cursor,
    News,
    advanced,
    capture_state,
    fast_edge,
    kind_of,
    look_back_from,
    news_of,
    next_look_back,
    next_wait,
    plain_values,
    poll_query,
    read_time,
    safety_query,
    stretched,
    successor_of,
    watched_fields,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ID = "003000000000001AAA"


def text_of(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def a_record(second: int, number: int) -> dict[str, Any]:
    return {
        "Id": f"003{number:015d}",
        "SystemModstamp": text_of(NOON + timedelta(seconds=second)),
    }


def next_page(
    org: list[dict[str, Any]], cursor: Cursor, edge: datetime, size: int
) -> list[dict[str, Any]]:
    """Answer as Salesforce answers ``poll_query``."""

    def after(record: dict[str, Any]) -> bool:
        stamp = read_time(record["SystemModstamp"])
        assert stamp is not None
        later = stamp > cursor.modstamp
        same = cursor.record_id != "" and stamp == cursor.modstamp
        return (later or (same and record["Id"] > cursor.record_id)) and stamp <= edge

    return sorted(filter(after, org), key=lambda one: (one["SystemModstamp"], one["Id"]))[:size]


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 40)), unique=True),
    st.integers(1, 4),
    st.integers(0, 6),
)
def test_paging_meets_every_record_once_however_many_share_a_second(
    stamped: list[tuple[int, int]], size: int, edge: int
) -> None:
    org = [a_record(second, number) for second, number in stamped]
    cursor, met = Cursor(NOON), []
    while page := next_page(org, cursor, NOON + timedelta(seconds=edge), size):
        met += page
        cursor = advanced(cursor, page)
    assert met == [a_record(*one) for one in sorted(stamped) if one[0] <= edge]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 40)), unique=True), st.integers(1, 4))
def test_what_appears_behind_no_cursor_is_met_by_a_later_poll(
    stamped: list[tuple[int, int]], size: int
) -> None:
    org: list[dict[str, Any]] = []
    cursor, met, edge = Cursor(NOON), [], NOON + timedelta(minutes=1)
    for one in sorted(stamped):  # each poll reads one page; records appear in their order
        org.append(a_record(*one))
        page = next_page(org, cursor, edge, size)
        met += page
        cursor = advanced(cursor, page)
    while page := next_page(org, cursor, edge, size):
        met += page
        cursor = advanced(cursor, page)
    assert [one["Id"] for one in met] == [a_record(*one)["Id"] for one in sorted(stamped)]


def test_an_empty_page_moves_no_cursor() -> None:
    assert advanced(Cursor(NOON, ID), []) == Cursor(NOON, ID)


def test_the_first_poll_asks_for_what_is_later_than_the_start() -> None:
    assert poll_query("Contact", ["Id", "Email"], Cursor(NOON), NOON + timedelta(minutes=1)) == (
        "SELECT Id, Email FROM Contact WHERE SystemModstamp > 2026-11-24T12:00:00.000Z"
        " AND SystemModstamp <= 2026-11-24T12:01:00.000Z ORDER BY SystemModstamp, Id LIMIT 2000"
    )


def test_a_later_poll_goes_on_within_the_second_where_the_last_one_ended() -> None:
    assert safety_query("Lead", Cursor(NOON, ID), NOON) == (
        "SELECT Id, SystemModstamp FROM Lead WHERE (SystemModstamp > 2026-11-24T12:00:00.000Z"
        " OR (SystemModstamp = 2026-11-24T12:00:00.000Z AND Id > '003000000000001AAA'))"
        " AND SystemModstamp <= 2026-11-24T12:00:00.000Z ORDER BY SystemModstamp, Id LIMIT 2000"
    )


@pytest.mark.parametrize("name", ["Contact WHERE Id != ''", "", "1Contact", "Contact,Lead"])
def test_what_is_no_object_never_gets_into_a_query(name: str) -> None:
    with pytest.raises(InvalidInputError):
        poll_query(name, ["Id"], Cursor(NOON), NOON)


@given(st.text())
def test_no_record_id_ends_its_literal(record_id: str) -> None:
    query = poll_query("Contact", ["Id"], Cursor(NOON, f"'{record_id}"), NOON)
    assert "Id > '\\'" in query


def test_the_edge_is_held_back_and_on_a_whole_second() -> None:
    assert fast_edge(NOON + timedelta(seconds=7.4)) == NOON + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T12:00:00.000+0000", NOON),
        ("2026-11-24T13:00:00.000+0100", NOON),
        ("2026-11-24", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_times_are_read_or_none(text: object, expected: datetime | None) -> None:
    assert read_time(text) == expected


def a_description(**types: str) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]


def test_watched_are_the_fields_that_the_object_has_in_its_own_spelling() -> None:
    described = a_description(
        Id="id", SystemModstamp="datetime", OwnerId="reference", Email="email", Name="string"
    )
    assert watched_fields(described, ["email", "Account.Name", "Missing__c", "Email"]) == [
        "Id",
        "SystemModstamp",
        "OwnerId",
        "Email",
    ]


@pytest.mark.parametrize("kind", ["address", "location", "base64", "complexvalue"])
def test_what_has_no_plain_value_is_not_watched(kind: str) -> None:
    described = a_description(Id="id", Odd__c=kind)
    assert watched_fields(described, ["Odd__c"]) == ["Id"]


@pytest.mark.parametrize(
    ("before", "told", "now", "news"),
    [
        ("", "", "X", None),  # it may pass
        ("X", "", "X", News("capture.stopped", "X")),
        ("Y", "", "X", News("capture.stopped", "X")),
        ("X", "X", "X", None),
        ("X", "X", "Y", None),
        ("Y", "X", "Y", News("capture.stopped", "Y")),
        ("X", "X", "", News("capture.resumed", "X")),
        ("X", "", "", None),
        ("", "", "", None),
    ],
)
def test_what_lasts_is_told_once_and_so_is_its_end(
    before: str, told: str, now: str, news: News | None
) -> None:
    assert news_of(before, told, now) == news


@pytest.mark.parametrize(
    ("told", "kind", "successor"),
    [
        ({}, "updated", ""),
        ({"IsDeleted": False, "MasterRecordId": None, "IsConverted": False}, "updated", ""),
        ({"IsDeleted": True}, "deleted", ""),
        ({"IsDeleted": True, "MasterRecordId": ID}, "merged", ID),
        ({"IsDeleted": False, "MasterRecordId": ID}, "updated", ""),
        ({"IsConverted": True, "ConvertedContactId": ID}, "converted", ID),
        ({"IsConverted": True, "ConvertedContactId": None}, "converted", ""),
        ({"IsDeleted": True, "IsConverted": True, "ConvertedContactId": ID}, "deleted", ""),
    ],
)
def test_what_happened_is_told_by_how_the_record_is(
    told: dict[str, Any], kind: str, successor: str
) -> None:
    assert (kind_of(told), successor_of(told)) == (kind, successor)


def test_values_are_the_watched_fields_without_parts_of_their_own() -> None:
    record = {
        "Id": ID,
        "Email": None,
        "Phone": "1",
        "MailingAddress": {"city": "Rome"},
        "attributes": {"type": "Contact"},
    }
    fields = ["Id", "Email", "MailingAddress", "attributes", "Absent__c"]
    assert plain_values(record, fields) == {"Id": ID, "Email": None}


def test_waits_grow_while_nothing_happens_and_shrink_at_once() -> None:
    waits = [timedelta(0)]
    for _ in range(20):
        waits.append(next_wait(waits[-1], busy=False, shortest=5, longest=300))
    assert waits[1:4] == [timedelta(seconds=s) for s in (7.5, 11.25, 16.875)]
    assert waits[-1] == timedelta(seconds=300)
    assert next_wait(waits[-1], busy=True, shortest=5, longest=300) == timedelta(seconds=5)


@pytest.mark.parametrize(("share", "seconds"), [(1, 60), (0.5, 60), (0.4, 120), (0.1, 240)])
def test_polls_are_rarer_as_the_limit_is_used_up(share: float, seconds: int) -> None:
    assert stretched(timedelta(minutes=1), share) == timedelta(seconds=seconds)


@given(st.lists(st.integers(0, 3600), min_size=1, max_size=8), st.integers(0, 40 * 60))
def test_each_late_commit_is_inside_the_window_of_the_first_look_after_it(
    gaps: list[int], wrote: int
) -> None:
    """However far apart the looks are, what a transaction writes is looked at once it is there."""
    verified, now = None, NOON
    written_at = NOON + timedelta(seconds=wrote)
    appears_at = written_at + SAFETY_WINDOW
    for gap in [*gaps, 3600, 3600, 0]:
        start = look_back_from(verified, now)
        if now >= appears_at:
            assert start <= written_at
            return
        verified, now = now, now + timedelta(seconds=gap)
    raise AssertionError("no look came after it")


@pytest.mark.parametrize(
    ("calls", "wait"), [(0, SAFETY_EVERY), (10, SAFETY_EVERY), (1000, SAFETY_WINDOW)]
)
def test_a_long_look_back_comes_more_rarely_but_within_its_window(
    calls: int, wait: timedelta
) -> None:
    assert next_look_back(NOON, calls) == NOON + wait


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ((False, True, True, True), "waiting_for_connection"),
        ((True, False, False, False), "waiting_for_links"),
        ((True, True, True, True), "waiting_for_budget"),
        ((True, True, False, True), "error"),
        ((True, True, False, False), "polling"),
    ],
)
def test_one_word_says_how_capture_stands(told: tuple[bool, ...], state: str) -> None:
    active, has_links, parked, failed = told
    shown = capture_state(active=active, has_links=has_links, parked=parked, failed=failed)
    assert shown == state
