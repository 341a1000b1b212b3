"""One rule's decision, from both sides and what they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crmlink_common.contracts.sync_configs import Direction, Policy, Rule
from crmlink_common.mapping.rules import Plan, Planned, Skipped
from crmlink_sync_outbound.domain.decisions import Decision, Move, Times, decide
from crmlink_sync_outbound.domain.pair import Base
from crmlink_sync_outbound.domain.views import View

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NEVER = Times(None, None)
BOTH, OUT, IN = Direction.BOTH, Direction.OUTBOUND, Direction.INBOUND
MEMBER, SALESFORCE, BLANK, LATEST = (
    Policy.MEMBER,
    Policy.SALESFORCE,
    Policy.SALESFORCE_UNLESS_BLANK,
    Policy.LATEST,
)
THERE, BACK = Move.TO_SALESFORCE, Move.TO_MEMBER


def view(
    member: str | None,
    record: str | None,
    direction: Direction = BOTH,
    policy: Policy | None = None,
    *,
    out: Plan | None = None,
    into: Plan | None = None,
) -> View:
    rule = Rule(
        id="r", member_field="phone", remote_field="Phone", direction=direction, policy=policy
    )
    return View(
        rule=rule,
        out=None if direction is IN else out or Planned(member),
        into=None if direction is OUT else into or Planned(record),
        held_member=member,
        held_record=record,
    )


def base(member: str, record: str) -> Base:
    return Base(member, record, 1)


@pytest.mark.parametrize(
    ("direction", "policy", "before", "member", "record", "move", "contest"),
    [
        # agreed, or nothing new
        (BOTH, None, None, "a", "a", Move.NONE, ""),
        (BOTH, None, None, "", None, Move.NONE, ""),
        (BOTH, None, ("a", "b"), "a", "b", Move.SETTLED, ""),
        # one side changed
        (BOTH, None, ("a", "a"), "b", "a", THERE, ""),
        (BOTH, None, ("a", "a"), "a", "b", BACK, ""),
        (OUT, None, ("a", "a"), "a", "b", THERE, ""),
        (IN, None, ("a", "a"), "b", "a", BACK, ""),
        (OUT, SALESFORCE, ("a", "a"), "a", "b", Move.SETTLED, ""),
        (IN, MEMBER, ("a", "a"), "b", "a", Move.SETTLED, ""),
        # both changed
        (BOTH, MEMBER, ("a", "a"), "b", "c", THERE, "conflict"),
        (BOTH, SALESFORCE, ("a", "a"), "b", "c", BACK, "conflict"),
        (BOTH, BLANK, ("a", "a"), "b", "c", BACK, "conflict"),
        (BOTH, BLANK, ("a", "a"), "b", "", THERE, "conflict"),
        (OUT, None, ("a", "a"), "b", "c", THERE, "conflict"),
        (OUT, SALESFORCE, ("a", "a"), "b", "c", Move.SETTLED, "conflict"),
        # first seen
        (BOTH, SALESFORCE, None, "a", "", THERE, ""),
        (BOTH, MEMBER, None, "", "b", BACK, ""),
        (BOTH, MEMBER, None, "a", "b", THERE, "first_agreement"),
        (BOTH, None, None, "a", "b", BACK, "first_agreement"),
        (OUT, None, None, "", "b", Move.SETTLED, "first_agreement"),
        (IN, None, None, "a", "", Move.SETTLED, "first_agreement"),
    ],
)
def test_which_way_a_value_moves(
    *,
    direction: Direction,
    policy: Policy | None,
    before: tuple[str, str] | None,
    member: str,
    record: str | None,
    move: Move,
    contest: str,
) -> None:
    known = None if before is None else base(*before)
    got = decide(view(member, record, direction, policy), known, NEVER)
    assert (got.move, got.contest) == (move, contest)
    if move in (THERE, BACK):
        assert got.value == (member if move is THERE else record)


@pytest.mark.parametrize(
    ("member", "record", "move"),
    [
        (NOON + timedelta(seconds=6), NOON, THERE),
        (NOON + timedelta(seconds=5), NOON, BACK),
        (NOON, NOON + timedelta(hours=1), BACK),
        (None, NOON, BACK),
        (NOON, None, THERE),
        (None, None, BACK),
    ],
)
def test_the_latest_wins_and_salesforce_a_tie(
    member: datetime | None, record: datetime | None, move: Move
) -> None:
    got = decide(view("b", "c", policy=LATEST), base("a", "a"), Times(member, record))
    assert got.move is move


@pytest.mark.parametrize("code", ["evaluation_error", "empty"])
def test_a_rule_that_gives_nothing_is_skipped_with_its_reason(code: str) -> None:
    got = decide(view("b", "a", OUT, out=Skipped(code)), base("x", "a"), NEVER)
    assert got == Decision(Move.SKIPPED, code=code)


def test_a_winner_that_is_empty_gives_way_in_a_contest() -> None:
    one = view("", "c", policy=MEMBER, out=Skipped("empty"))
    got = decide(one, base("a", "a"), NEVER)
    assert (got.move, got.value, got.winner) == (BACK, "c", "salesforce")


def test_what_only_the_other_side_changed_is_told_as_overwriting() -> None:
    assert decide(view("a", "b", OUT), base("a", "a"), NEVER).overwrites
    assert not decide(view("b", "a", OUT), base("a", "a"), NEVER).overwrites
