"""The heart: what must move so that both sides of a pair agree."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import JsonValue

from crmlink_common.mapping.errors import FilterError
from crmlink_common.mapping.fields import member_value
from crmlink_common.mapping.values import same_value
from crmlink_sync_outbound.domain.awaiting import (
    asked,
    outdated,
    put,
    still_awaited,
    with_awaited,
)
from crmlink_sync_outbound.domain.decisions import Decision, Move, Times, decide
from crmlink_sync_outbound.domain.pair import Awaiting, Base, Bases, Pair, Swing, Swings
from crmlink_sync_outbound.domain.views import Terms, View, views

SWINGS_AT_MOST = 6
RESTLESS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Ask:
    """A change asked of upstream."""

    field: str
    expected: JsonValue
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Contest:
    """A difference that a policy decided."""

    rule_id: str
    kind: Literal["", "conflict", "first_agreement"]
    winner: str
    member: JsonValue
    record: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do for one pair, and what the pair holds once that is done."""

    reread: bool = False  # read the record first, then plan again
    write: dict[str, JsonValue] = field(default_factory=dict)
    asks: list[Ask] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)  # rule id -> code
    contests: list[Contest] = field(default_factory=list)
    base: Bases = field(default_factory=dict)
    unwritten_base: Bases = field(default_factory=dict)  # if the write fails
    awaiting: Awaiting = field(default_factory=dict)
    swings: Swings = field(default_factory=dict)
    code: str = ""  # why the pair as a whole is left alone

    @property
    def empty(self) -> bool:
        return not self.write and not self.asks and not self.reread


@dataclass(slots=True)
class _Draft:
    """What has been decided so far."""

    member: dict[str, Any]
    record: dict[str, Any]
    awaiting: Awaiting
    swings: Swings
    asks: list[Ask] = field(default_factory=list)
    write: dict[str, JsonValue] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    contests: list[Contest] = field(default_factory=list)
    written: set[str] = field(default_factory=set)  # rule ids
    open: set[str] = field(default_factory=set)  # rules that keep their base


def reconcile_pair(pair: Pair, terms: Terms, now: datetime) -> Plan:
    """Decide for every rule; values move only as its direction and the switches allow."""
    if pair.reread:
        return Plan(reread=True)
    awaiting = still_awaited(pair.member, pair.awaiting)
    member = with_awaited(pair.member, awaiting)
    draft = _Draft(member, dict(pair.record), dict(awaiting), dict(pair.swings))
    blocked = _blocked(pair, terms, member)
    for view in _views(terms, pair, draft):
        base = _known_base(pair, terms, view)
        decision = decide(view, base, Times(pair.member_updated_at, pair.record_modified_at))
        _take(draft, view, decision, pair=pair, terms=terms, blocked=blocked, now=now)
    for name, one in outdated(pair.member, awaiting).items():
        if draft.awaiting.get(name) == awaiting[name]:
            draft.awaiting[name] = one
            draft.asks.append(Ask(name, one.expected, one.value))
    return _finished(draft, pair, terms, blocked)


def _views(terms: Terms, pair: Pair, draft: _Draft) -> list[View]:
    return views(
        terms,
        draft.member,
        draft.record,
        member_at=pair.member_updated_at,
        record_at=pair.record_modified_at,
    )


def _known_base(pair: Pair, terms: Terms, view: View) -> Base | None:
    base = pair.base.get(view.rule.id)
    same = base is not None and base.revision == terms.revisions.get(view.rule.id)
    return base if same else None


def _blocked(pair: Pair, terms: Terms, member: dict[str, Any]) -> dict[Move, str]:
    """Say which way nothing goes for this pair, and why."""
    config, blocked = terms.config, {}
    workspace = {"default_region": terms.region}
    if not config.outbound_enabled:
        blocked[Move.TO_SALESFORCE] = "outbound_off"
    else:
        try:
            if not terms.compiled.outbound_filter(member, pair.record, workspace=workspace):
                blocked[Move.TO_SALESFORCE] = "filtered"
        except FilterError as exc:
            blocked[Move.TO_SALESFORCE] = exc.code
    if not config.inbound_enabled:
        blocked[Move.TO_MEMBER] = "inbound_off"
    else:
        try:
            if not terms.compiled.inbound_filter(pair.record, member, workspace=workspace):
                blocked[Move.TO_MEMBER] = "filtered"
        except FilterError as exc:
            blocked[Move.TO_MEMBER] = exc.code
    return blocked


def _take(
    draft: _Draft,
    view: View,
    decision: Decision,
    *,
    pair: Pair,
    terms: Terms,
    blocked: dict[Move, str],
    now: datetime,
) -> None:
    rule = view.rule
    code = decision.code if decision.move is Move.SKIPPED else blocked.get(decision.move, "")
    if not code and decision.move is Move.TO_SALESFORCE and not terms.has_field(rule.remote_field):
        code = "field_not_on_object"
    if code:
        draft.skipped[rule.id] = code
        draft.open.add(rule.id)
        return
    if decision.move is Move.NONE:
        draft.swings.pop(rule.id, None)
        return
    if decision.move is not Move.SETTLED and not _swings_on(draft, view, decision, terms, now):
        draft.skipped[rule.id] = "does_not_settle"
        draft.open.add(rule.id)
        return
    if decision.contest:
        draft.contests.append(_contest(view, decision))
    _apply(draft, view, decision, pair, now)


def _apply(draft: _Draft, view: View, decision: Decision, pair: Pair, now: datetime) -> None:
    rule = view.rule
    if decision.move is Move.TO_SALESFORCE:
        draft.write[rule.remote_field] = decision.value
        draft.record[rule.remote_field] = decision.value
        draft.written.add(rule.id)
    elif decision.move is Move.TO_MEMBER:
        held = member_value(pair.member, rule.member_field)
        before = draft.awaiting.pop(rule.member_field, None)
        put(draft.member, rule.member_field, decision.value)
        if not same_value(held, decision.value) or before is not None:
            one = asked(before, decision.value, held, now)
            draft.awaiting[rule.member_field] = one
            draft.asks.append(Ask(rule.member_field, held, decision.value))


def _swings_on(draft: _Draft, view: View, decision: Decision, terms: Terms, now: datetime) -> bool:
    """Count values that go to and fro; False once that is enough."""
    revision = terms.revisions.get(view.rule.id, 0)
    before = draft.swings.get(view.rule.id)
    if before is not None and before.revision != revision:
        before = None
    if before is not None and before.count >= SWINGS_AT_MOST:
        return False
    way: Literal["to_salesforce", "to_member"] = (
        "to_salesforce" if decision.move is Move.TO_SALESFORCE else "to_member"
    )
    again = before is not None and now - before.at < RESTLESS
    restless = again and before is not None and (decision.overwrites or before.last != way)
    count = before.count + 1 if before is not None and restless else 0
    draft.swings[view.rule.id] = Swing(count, way, now, revision)
    return True


def _contest(view: View, decision: Decision) -> Contest:
    winner = decision.winner or "nobody"
    return Contest(view.rule.id, decision.contest, winner, view.held_member, view.held_record)


def _finished(draft: _Draft, pair: Pair, terms: Terms, blocked: dict[Move, str]) -> Plan:
    base: Bases = {}
    for view in _views(terms, pair, draft):
        rule_id = view.rule.id
        known = _known_base(pair, terms, view)
        if rule_id in draft.open:
            if known is not None:
                base[rule_id] = known
            continue
        revision = terms.revisions.get(rule_id, 0)
        base[rule_id] = Base(view.member_side, view.record_side, revision)
        if rule_id in draft.written or (known and known.assumed and not _confirmed(pair)):
            base[rule_id] = replace(base[rule_id], assumed=True)
    kept = {i: b for i, b in base.items() if i not in draft.written}
    before = {i: b for i, b in pair.base.items() if i in draft.written}
    return Plan(
        write=draft.write,
        asks=draft.asks,
        skipped=draft.skipped,
        contests=draft.contests,
        base=base,
        unwritten_base={**before, **kept},
        awaiting=draft.awaiting,
        swings=draft.swings,
        code=blocked.get(Move.TO_SALESFORCE, "") if not draft.write and not draft.asks else "",
    )


def _confirmed(pair: Pair) -> bool:
    """An observation younger than our last write has shown what the record holds."""
    if pair.last_write_at is None:
        return True
    return pair.confirmed_at is not None and pair.confirmed_at > pair.last_write_at
