"""Linked members: plan, read where it must be known, write by id, remember what was sent."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from crmlink_common.contracts.sync_configs import Direction
from crmlink_common.errors import NotFoundError
from crmlink_common.salesforce.records import Record
from crmlink_common.salesforce.writes import Outcome as Written
from crmlink_sync_outbound.domain.awaiting import not_applied
from crmlink_sync_outbound.domain.outcomes import (
    Kind,
    Outcome,
    backoff,
    failed,
    of_refusal,
    retry,
    skipped,
)
from crmlink_sync_outbound.domain.pair import Pair
from crmlink_sync_outbound.domain.reconcile import Plan, reconcile_pair
from crmlink_sync_outbound.domain.views import Terms
from crmlink_sync_outbound.domain.work import Settlement, Turn, Work
from crmlink_sync_outbound.service.holding import unexpected
from crmlink_sync_outbound.service.ports import Org
from crmlink_sync_outbound.service.standing import Standing
from crmlink_sync_outbound.service.telling import Telling

BREATH = 20  # members
MODIFIED = "LastModifiedDate"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Planned:
    """A leased row with its pair as read by now, and what to do."""

    work: Work
    pair: Pair
    plan: Plan
    read: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Makes both sides of linked pairs agree."""

    standing: Standing
    telling: Telling
    now: Callable[[], datetime] = _now

    async def settle(
        self, turn: Turn, org: Org, terms: Terms, work: Sequence[Work]
    ) -> list[Settlement]:
        """Give every row an outcome."""
        done: list[Settlement] = []
        by_object: dict[str, list[Work]] = defaultdict(list)
        for one in work:
            if (why := _left_alone(one.pair, org.org_id)) is not None:
                done.append(Settlement(work=one, outcome=why))
            else:
                by_object[one.pair.object].append(one)
        for sobject, some in sorted(by_object.items()):
            fitting = await _terms_of(org, terms, sobject)
            planned, gone = await self._plan(turn, org, fitting, sobject, some)
            done += gone
            done += await self._carry_out(turn, org, fitting, sobject, planned)
        return done

    async def _plan(
        self, turn: Turn, org: Org, terms: Terms, sobject: str, work: Sequence[Work]
    ) -> tuple[list[Planned], list[Settlement]]:
        records: dict[str, Record] = {}
        to_read = [one for one in work if _must_read(one.pair, terms)]
        if to_read:
            ids = [one.pair.record_id for one in to_read]
            fields = [*terms.read_fields(), MODIFIED]
            records = await org.retrieve(sobject, ids, list(dict.fromkeys(fields)))
        planned: list[Planned] = []
        gone: list[Settlement] = []
        asked = {one.pair.member_id for one in to_read}
        for n, one in enumerate(work):
            if n % BREATH == 0:
                await asyncio.sleep(0)  # planning is all computing; let others have a turn
            read = one.pair.member_id in asked
            record = records.get(one.pair.record_id)
            if read and record is None:
                gone.append(Settlement(work=one, outcome=skipped("record_deleted")))
                continue
            pair = one.pair if record is None else _as_read(one.pair, record, org.server_time)
            try:
                plan = reconcile_pair(pair, terms, self.now())
            except Exception as exc:  # noqa: BLE001 - one member's trouble, and it is told
                gone.append(Settlement(work=one, outcome=unexpected(turn, exc)))
            else:
                planned.append(Planned(one, pair, plan, read))
        return planned, gone

    async def _carry_out(
        self, turn: Turn, org: Org, terms: Terms, sobject: str, planned: Sequence[Planned]
    ) -> list[Settlement]:
        if terms.config.mode == "observe":
            return [_observed(one) for one in planned]
        moving = [one for one in planned if not one.plan.empty]
        still = await self.standing.of(turn, [one.work for one in moving]) if moving else set()
        done = [self._settled(one, None, org) for one in planned if one.plan.empty] + [
            Settlement(work=one.work, outcome=retry("link_changed", backoff(one.work.attempts)))
            for one in moving
            if one.pair.member_id not in still
        ]
        standing = [one for one in moving if one.pair.member_id in still]
        writing = [one for one in standing if one.plan.write]
        outcomes = await _write(org, sobject, writing)
        return done + [
            self._settled(one, outcomes.get(one.pair.member_id), org) for one in standing
        ]

    def _settled(self, one: Planned, written: Written | None, org: Org) -> Settlement:
        pair, plan = one.pair, one.plan
        ok = written is None or written.ok
        outcome = self._outcome(one, written)
        again = outcome.kind is Kind.RETRY  # all of it is planned anew: tell nothing twice
        asks = [self.telling.asks(pair, plan.asks)] if plan.asks and not again else []
        sent = dict(plan.write) if written is not None and written.ok else {}
        seen = {**(pair.record if one.read else {}), **sent}
        return Settlement(
            work=one.work,
            outcome=outcome,
            base=plan.base if ok else plan.unwritten_base,
            awaiting=plan.awaiting,
            swings=plan.swings if ok else pair.swings,
            seen=seen or None,
            record_modified_at=org.server_time if sent else pair.record_modified_at,
            record_fate="" if one.read else None,
            observed_at=org.server_time if sent else (pair.observed_at if one.read else None),
            read=one.read,
            wrote_at=org.server_time if sent else None,
            contests=[] if again else plan.contests,
            messages=asks,
        )

    def _outcome(self, one: Planned, written: Written | None) -> Outcome:
        plan = one.plan
        if written is not None:
            if written.error is None:
                return Outcome(Kind.WRITTEN, fields=tuple(sorted(plan.write)))
            if isinstance(written.error, NotFoundError):
                return skipped("record_deleted")
            return of_refusal(written.error, one.work.attempts)
        if plan.asks:
            return Outcome(Kind.ASKED, fields=tuple(sorted(ask.field for ask in plan.asks)))
        if late := not_applied(plan.awaiting, self.now()):
            return failed("upstream_not_applied", *late)
        return _quiet(plan)


def _quiet(plan: Plan) -> Outcome:
    """Nothing moved: because all agrees, or because something forbids it."""
    codes = [code for code in plan.skipped.values() if code not in ("outbound_off", "inbound_off")]
    worst = [code for code in codes if code != "empty"]
    if worst:
        rules = sorted(rule for rule, code in plan.skipped.items() if code in worst)
        return skipped(worst[0], *rules)
    return Outcome(Kind.UNCHANGED)


def _left_alone(pair: Pair, org_id: str) -> Outcome | None:
    if pair.member_deleted:
        return skipped("member_deleted")
    if pair.org_id and pair.org_id != org_id:
        return skipped("other_org")
    if pair.record_fate == "deleted":
        return skipped("record_deleted")
    return skipped("waiting_for_link") if pair.record_fate else None


def _must_read(pair: Pair, terms: Terms) -> bool:
    """Two-way rules read just before they write; else what was never seen, or is in doubt."""
    config = terms.config
    both = config.outbound_enabled and any(
        rule.enabled and rule.direction is Direction.BOTH for rule in config.rules
    )
    unseen = pair.observed_at is None or any(
        name not in pair.record for name in terms.read_fields() if "." not in name
    )
    return both or unseen or pair.reread


def _as_read(pair: Pair, record: Record, at: datetime | None) -> Pair:
    values = {name: value for name, value in record.items() if name != "Id"}
    modified = values.pop(MODIFIED, None)
    when = datetime.fromisoformat(modified) if isinstance(modified, str) else None
    return replace(
        pair,
        record={**pair.record, **values},
        record_modified_at=when or pair.record_modified_at,
        observed_at=at or pair.observed_at,
        confirmed_at=at or pair.confirmed_at,
        reread=False,
    )


async def _terms_of(org: Org, terms: Terms, sobject: str) -> Terms:
    """A Lead has not all fields of a Contact: leave alone what is not there."""
    if sobject == terms.config.entity_params.target_object:
        return terms
    described: Mapping[str, Any] = await org.describe(sobject)
    names = frozenset(str(field["name"]).lower() for field in described.get("fields", []))
    return replace(terms, object_fields=names)


async def _write(org: Org, sobject: str, writing: Sequence[Planned]) -> dict[str, Written]:
    if not writing:
        return {}
    records = [{"Id": one.pair.record_id, **one.plan.write} for one in writing]
    outcomes = await org.update(sobject, records)
    return {one.pair.member_id: outcome for one, outcome in zip(writing, outcomes, strict=True)}


def _observed(one: Planned) -> Settlement:
    """Report what would move, and move nothing: the base stays as it was."""
    fields = {*one.plan.write, *(ask.field for ask in one.plan.asks)}
    outcome = skipped("observe", *sorted(fields)) if fields else _quiet(one.plan)
    seen = dict(one.pair.record) if one.read else None
    return Settlement(
        work=one.work,
        outcome=outcome,
        seen=seen,
        record_modified_at=one.pair.record_modified_at,
        observed_at=one.pair.observed_at if one.read else None,
        read=one.read,
    )
