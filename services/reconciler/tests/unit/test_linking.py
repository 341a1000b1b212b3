from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crmlink_common.contracts.member_changes import FieldChange
from crmlink_common.contracts.member_links import LinkState
from crmlink_reconciler.domain.linking import (
    Link,
    Standing,
    Target,
    asked,
    confirm,
    contradicts,
    dissolve,
    end,
    exclude,
    refresh,
    relink,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TARGET = Target("003A", "Contact", "00D", "001A", "005A")
FREE = Standing(deleted=False, taken=False)
NONE = Link("w1", "m1")
LINKED = Link("w1", "m1", 1, LinkState.LINKED, "003A", "Contact", "001A", "005A", "00D")


def test_an_adoption_links_a_member_whose_record_is_free() -> None:
    link = confirm(NONE, TARGET, "", FREE, NOON)
    assert link == replace(LINKED, linked_at=NOON)


def test_a_confirm_of_what_is_linked_already_is_nothing_new() -> None:
    assert confirm(LINKED, TARGET, "i1", FREE, NOON) is None


@pytest.mark.parametrize(
    ("standing", "intent", "reason"),
    [
        (Standing(deleted=True, taken=False), "", "member_deleted"),
        (Standing(deleted=False, taken=True), "", "record_linked_elsewhere"),
        (Standing(deleted=False, taken=True, reserved="i1"), "i1", "record_linked_elsewhere"),
        (Standing(deleted=False, taken=False, reserved="i2"), "i1", "not_reserved"),
    ],
)
def test_a_confirm_that_loses_is_refused_by_name(
    standing: Standing, intent: str, reason: str
) -> None:
    refused = confirm(NONE, TARGET, intent, standing, NOON)
    assert refused is not None
    assert (refused.state, refused.reason, refused.intent_id) == (LinkState.REFUSED, reason, intent)
    again = confirm(refused, TARGET, intent, standing, NOON)
    assert again == replace(refused, revision=refused.revision + 1)


@pytest.mark.parametrize(
    ("now", "expected"),
    [("00E", LinkState.LINKED), ("00D", None), ("", None)],
)
def test_a_link_of_an_org_that_was_left_gives_way_and_a_live_one_does_not(
    now: str, expected: LinkState | None
) -> None:
    """A confirmation for the other org: ``now`` is the org that the data is bound to."""
    elsewhere = replace(TARGET, org_id="00E")
    standing = Standing(deleted=False, taken=False, org_id=now)
    after = confirm(LINKED, elsewhere, "", standing, NOON)
    assert (after.state if after else None) is expected
    if after is not None:
        assert (after.org_id, after.revision) == ("00E", 2)


@pytest.mark.parametrize(("org_id", "live"), [("00D", True), ("", True), ("00E", False)])
def test_a_link_counts_in_its_own_org(org_id: str, *, live: bool) -> None:
    assert LINKED.live_in(org_id) is live
    assert LINKED.matchable_in(org_id) is not live
    assert not replace(LINKED, state=LinkState.EXCLUDED).matchable_in("00E")


def test_a_refused_member_may_be_linked_later() -> None:
    refused = confirm(NONE, TARGET, "", Standing(deleted=False, taken=True), NOON)
    assert refused is not None
    linked = confirm(refused, TARGET, "", FREE, NOON)
    assert linked is not None
    assert (linked.state, linked.revision) == (LinkState.LINKED, 2)


def test_a_refusal_never_replaces_a_link_or_an_exclusion() -> None:
    other = replace(TARGET, record_id="003B")
    told = confirm(LINKED, other, "i1", Standing(deleted=False, taken=False, reserved="i1"), NOON)
    assert told == replace(LINKED, revision=2, reason="member_linked_elsewhere", intent_id="i1")
    excluded = exclude(LINKED)
    assert excluded is not None
    again = confirm(excluded, other, "i1", FREE, NOON)
    assert again is not None
    assert (again.state, again.intent_id) == (LinkState.EXCLUDED, "i1")
    assert confirm(again, other, "i1", FREE, NOON) is None
    assert confirm(excluded, other, "", FREE, NOON) is None


def test_a_link_ends_once_and_still_names_its_record() -> None:
    ended = end(LINKED, "member_deleted")
    assert ended is not None
    assert (ended.state, ended.revision, ended.record_id) == (LinkState.UNLINKED, 2, "003A")
    assert end(ended, "member_deleted") is None


def test_an_exclusion_is_taken_away_once() -> None:
    excluded = exclude(LINKED)
    assert excluded is not None
    assert excluded.state is LinkState.EXCLUDED
    back = relink(excluded)
    assert back is not None
    assert (back.state, back.revision) == (LinkState.UNLINKED, 3)
    assert relink(back) is None


def test_with_its_connection_a_link_ends_and_an_exclusion_too() -> None:
    excluded = exclude(LINKED)
    assert excluded is not None
    for before in (LINKED, excluded):
        after = dissolve(before)
        assert after is not None
        assert (after.state, after.reason) == (LinkState.UNLINKED, "connection_deleted")
        assert dissolve(after) is None
    assert dissolve(NONE) is None


def test_account_and_owner_are_followed() -> None:
    moved = refresh(LINKED, {"AccountId": "001B", "Email": "ignored"})
    assert moved is not None
    assert (moved.account_id, moved.owner_id, moved.revision) == ("001B", "005A", 2)
    assert refresh(LINKED, {"AccountId": "001A", "OwnerId": "005A"}) is None
    assert refresh(replace(LINKED, state=LinkState.UNLINKED), {"AccountId": "001B"}) is None
    emptied = refresh(LINKED, {"AccountId": None})
    assert emptied is not None
    assert emptied.account_id == ""


def test_upstream_is_asked_for_what_differs_from_what_it_shows() -> None:
    shown = {"salesforce:id": "003A", "salesforce:owner_id": "005Z"}
    assert asked(LINKED, shown) == [
        FieldChange(field="fields.salesforce:account_id", expected=None, value="001A"),
        FieldChange(field="fields.salesforce:owner_id", expected="005Z", value="005A"),
    ]


def test_the_account_of_a_lead_is_unset() -> None:
    lead = replace(LINKED, object="Lead", account_id="")
    [change] = asked(
        lead,
        {"salesforce:id": "003A", "salesforce:owner_id": "005A", "salesforce:account_id": "001Z"},
    )
    assert change == FieldChange(field="fields.salesforce:account_id", expected="001Z", unset=True)


def test_an_ended_link_asks_to_unset_all_three() -> None:
    ended = exclude(LINKED)
    assert ended is not None
    changes = asked(ended, {"salesforce:id": "003A"})
    assert [(one.expected, one.unset) for one in changes] == [
        ("003A", True),
        (None, True),
        (None, True),
    ]


def test_what_upstream_shows_of_an_ended_link_is_a_contradiction_and_nothing_else() -> None:
    ended = end(LINKED, "record_deleted")
    assert ended is not None
    assert contradicts(ended, {"salesforce:id": "003A"})
    assert not contradicts(ended, {"salesforce:id": "003Z"})
    assert not contradicts(NONE, {"salesforce:id": "003Z"})
    assert contradicts(LINKED, {"salesforce:id": "003Z"})
