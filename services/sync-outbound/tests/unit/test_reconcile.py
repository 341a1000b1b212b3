"""The plan of a pair, case by case and for any values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.contracts.sync_configs import Direction, EntityConfig, Policy, Rule
from crmlink_common.mapping.rules import compile_rules
from crmlink_sync_outbound.domain.pair import Awaited, Base, Pair, Swing
from crmlink_sync_outbound.domain.reconcile import Ask, Plan, reconcile_pair
from crmlink_sync_outbound.domain.views import Terms

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BOTH, OUT, IN = Direction.BOTH, Direction.OUTBOUND, Direction.INBOUND


def terms(*rules: Rule, **changed: object) -> Terms:
    given: dict[str, Any] = {"outbound_enabled": True, "inbound_enabled": True, "rules": rules}
    config = EntityConfig(**(given | changed))
    return Terms(compiled=compile_rules(config), revisions={rule.id: 1 for rule in rules})


def rule(direction: Direction = BOTH, **changed: object) -> Rule:
    given: dict[str, Any] = {"id": "r", "member_field": "phone", "remote_field": "Phone"}
    return Rule(**(given | {"direction": direction} | changed))


def pair(member: str, record: str, base: tuple[str, str] | None = None, **changed: object) -> Pair:
    given: dict[str, Any] = {
        "workspace_id": "w",
        "member_id": "m",
        "member": {"phone": member},
        "record": {"Phone": record},
        "link_state": "linked",
        "record_id": "003",
        "member_updated_at": NOON,
        "record_modified_at": NOON,
    }
    if base is not None:
        given["base"] = {"r": Base(base[0], base[1], 1)}
    return Pair(**(given | changed))


def after(one: Pair, plan: Plan, now: datetime, *, upstream: bool = True) -> Pair:
    """Carry a plan out on both sides."""
    member = dict(one.member)
    if upstream:
        member |= {ask.field: ask.value for ask in plan.asks}
    return replace(
        one,
        member=member,
        record={**one.record, **plan.write},
        base=plan.base,
        awaiting=plan.awaiting,
        swings=plan.swings,
        last_write_at=now,
    )


MEMBER, SALESFORCE, NOTHING = "to salesforce", "to member", "nothing"


def came(plan: Plan) -> str:
    assert not (plan.write and plan.asks)
    return MEMBER if plan.write else SALESFORCE if plan.asks else NOTHING


@pytest.mark.parametrize(
    ("direction", "policy", "member", "record", "base", "expected"),
    [
        (BOTH, None, "1", "1", None, NOTHING),
        (BOTH, None, "1", "", None, MEMBER),
        (BOTH, None, "", "2", None, SALESFORCE),
        (BOTH, None, "1", "2", None, SALESFORCE),
        (BOTH, Policy.MEMBER, "1", "2", None, MEMBER),
        (BOTH, None, "1", "2", ("0", "2"), MEMBER),
        (BOTH, None, "1", "2", ("1", "0"), SALESFORCE),
        (BOTH, None, "1", "2", ("0", "0"), SALESFORCE),
        (BOTH, Policy.MEMBER, "1", "2", ("0", "0"), MEMBER),
        (BOTH, Policy.SALESFORCE, "1", "2", ("0", "0"), SALESFORCE),
        (BOTH, None, "1", "", ("0", "0"), MEMBER),
        (BOTH, None, "1", "2", ("1", "2"), NOTHING),
        (OUT, None, "1", "2", None, MEMBER),
        (OUT, None, "1", "2", ("1", "1"), MEMBER),
        (OUT, None, "", "2", ("1", "1"), NOTHING),
        (OUT, Policy.SALESFORCE_UNLESS_BLANK, "1", "2", None, NOTHING),
        (OUT, Policy.SALESFORCE_UNLESS_BLANK, "1", "", None, MEMBER),
        (IN, None, "1", "2", None, SALESFORCE),
        (IN, None, "1", "2", ("2", "2"), SALESFORCE),
        (IN, None, "1", "", None, NOTHING),
    ],
)
def test_which_side_gives_way(
    *,
    direction: Direction,
    policy: Policy | None,
    member: str,
    record: str,
    base: tuple[str, str] | None,
    expected: str,
) -> None:
    one = pair(member, record, base)
    plan = reconcile_pair(one, terms(rule(direction, policy=policy)), NOON)
    assert came(plan) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(6, MEMBER), (5, SALESFORCE), (0, SALESFORCE), (-60, SALESFORCE)]
)
def test_latest_is_a_tie_within_five_seconds_and_salesforce_wins_it(
    seconds: int, expected: str
) -> None:
    one = pair("1", "2", ("0", "0"), member_updated_at=NOON + timedelta(seconds=seconds))
    plan = reconcile_pair(one, terms(rule(policy=Policy.LATEST)), NOON)
    assert came(plan) == expected
    assert [contest.kind for contest in plan.contests] == ["conflict"]


def test_a_difference_at_first_sight_is_told_as_first_agreement() -> None:
    plan = reconcile_pair(pair("1", "2"), terms(rule()), NOON)
    [contest] = plan.contests
    assert (contest.kind, contest.winner) == ("first_agreement", "salesforce")


def test_a_changed_rule_alone_forgets_its_base() -> None:
    one = pair("1", "2", ("1", "2"))
    other = Rule(id="r2", member_field="email", remote_field="Email", direction=BOTH)
    both = terms(rule(), other)
    changed = replace(both, revisions={"r": 2, "r2": 1})
    assert reconcile_pair(one, both, NOON).empty
    assert came(reconcile_pair(one, changed, NOON)) == SALESFORCE


def test_a_doubtful_observation_is_read_again_before_it_is_believed() -> None:
    plan = reconcile_pair(pair("1", "2", ("1", "1"), reread=True), terms(rule()), NOON)
    assert plan.reread
    assert not plan.write
    assert not plan.asks


def test_while_a_value_is_awaited_the_old_one_is_no_change() -> None:
    waiting = {"phone": Awaited("2", "1", NOON)}
    one = pair("1", "2", ("2", "2"), awaiting=waiting)
    plan = reconcile_pair(one, terms(rule()), NOON)
    assert plan.empty
    assert plan.awaiting == waiting


def test_a_person_may_overrule_what_is_awaited() -> None:
    one = pair("3", "2", ("2", "2"), awaiting={"phone": Awaited("2", "1", NOON)})
    plan = reconcile_pair(one, terms(rule()), NOON)
    assert plan.write == {"Phone": "3"}
    assert plan.awaiting == {}


def test_an_earlier_request_that_comes_through_is_no_change_of_the_member() -> None:
    waiting = {"phone": Awaited("3", "1", NOON, ("2",))}
    one = pair("2", "3", ("3", "3"), awaiting=waiting)
    plan = reconcile_pair(one, terms(rule()), NOON)
    assert plan.write == {}
    assert plan.asks == [Ask("phone", "2", "3")]


def test_an_equal_observation_confirms_what_was_assumed() -> None:
    base = {"r": Base("1", "1", 1, assumed=True)}
    later = NOON + timedelta(seconds=1)
    unseen = pair("1", "1", base=None, last_write_at=NOON, confirmed_at=NOON)
    seen = replace(unseen, base=base, confirmed_at=later)
    assert reconcile_pair(replace(unseen, base=base), terms(rule()), NOON).base["r"].assumed
    assert not reconcile_pair(seen, terms(rule()), NOON).base["r"].assumed


def test_automation_that_rewrites_our_value_each_time_is_left_alone_in_the_end() -> None:
    one, rules = pair("1", "x", ("1", "1")), terms(rule(OUT))
    writes = 0
    for minute in range(30):
        now = NOON + timedelta(seconds=minute)
        plan = reconcile_pair(one, rules, now)
        writes += bool(plan.write)
        one = replace(after(one, plan, now), record={"Phone": "x"})
    assert 2 < writes < 10
    assert plan.skipped == {"r": "does_not_settle"}


def test_a_rule_at_rest_is_counted_anew() -> None:
    old = Swing(3, "to_salesforce", NOON - timedelta(hours=1), 1)
    one = pair("1", "x", ("1", "1"), swings={"r": old})
    assert reconcile_pair(one, terms(rule(OUT)), NOON).swings["r"].count == 0


def test_a_direction_that_is_off_moves_nothing_and_forgets_nothing() -> None:
    one = pair("1", "2", ("0", "2"))
    plan = reconcile_pair(one, terms(rule(), outbound_enabled=False), NOON)
    assert plan.empty
    assert plan.base == one.base
    assert came(reconcile_pair(replace(one, base=plan.base), terms(rule()), NOON)) == MEMBER


def test_a_member_that_stops_matching_the_filter_is_not_written() -> None:
    filtered = terms(rule(OUT), outbound_filter="source.email != ''")
    plan = reconcile_pair(pair("1", "2", ("0", "2")), filtered, NOON)
    assert plan.empty
    assert plan.skipped == {"r": "filtered"}


def test_a_field_that_the_object_lacks_is_skipped() -> None:
    lead = replace(terms(rule(OUT)), object_fields=frozenset({"email"}))
    plan = reconcile_pair(pair("1", ""), lead, NOON)
    assert plan.skipped == {"r": "field_not_on_object"}


def test_a_failed_write_leaves_the_base_so_that_it_is_tried_again() -> None:
    one = pair("1", "2", ("0", "2"))
    plan = reconcile_pair(one, terms(rule()), NOON)
    assert plan.unwritten_base == one.base
    assert reconcile_pair(replace(one, base=plan.unwritten_base), terms(rule()), NOON).write


def test_clearing_is_sent_only_by_a_rule_that_clears() -> None:
    one = pair("", "2", ("2", "2"))
    assert reconcile_pair(one, terms(rule(OUT)), NOON).write == {}
    assert reconcile_pair(one, terms(rule(OUT, on_empty="clear")), NOON).write == {"Phone": None}


def test_identity_keys_are_never_asked_of_upstream() -> None:
    own = rule(BOTH, member_field="fields.plan", remote_field="Plan__c")
    member = {"fields": {"plan": "a", "salesforce:id": "003"}}
    one = replace(pair("", ""), member=member, record={"Plan__c": "b"})
    plan = reconcile_pair(one, terms(own), NOON)
    assert plan.asks == [Ask("fields.plan", "a", "b")]


texts = st.sampled_from(["", "1", "2", "3", " 2 "])
directions = st.sampled_from([BOTH, OUT, IN])
policies = st.sampled_from([None, *Policy])
bases = st.one_of(st.none(), st.tuples(texts, texts))
empties = st.sampled_from(["skip", "clear"])


@given(
    member=texts,
    record=texts,
    base=bases,
    direction=directions,
    policy=policies,
    on_empty=empties,
    upstream=st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_repeated_application_converges_and_values_move_only_as_directed(
    *,
    member: str,
    record: str,
    base: tuple[str, str] | None,
    direction: Direction,
    policy: Policy | None,
    on_empty: str,
    upstream: bool,
) -> None:
    rules = terms(rule(direction, policy=policy, on_empty=on_empty))
    one = pair(member, record, base)
    plan = reconcile_pair(one, rules, NOON)
    assert not (direction is OUT and plan.asks)
    assert not (direction is IN and plan.write)
    one = after(one, plan, NOON, upstream=upstream)
    again = reconcile_pair(one, rules, NOON)
    assert again.empty
    assert reconcile_pair(after(one, again, NOON, upstream=True), rules, NOON).empty


@given(texts, directions, policies)
@settings(deadline=None)
def test_the_plan_of_an_agreed_pair_is_empty(
    value: str, direction: Direction, policy: Policy | None
) -> None:
    plan = reconcile_pair(pair(value, value), terms(rule(direction, policy=policy)), NOON)
    assert plan.empty
    assert not plan.contests
