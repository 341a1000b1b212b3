"""Settling: what the lease still holds is written in one transaction, and counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from crmlink_common.messaging.outbox import Outbox
from crmlink_sync_outbound.domain.outcomes import EXCEPTIONS, PATIENT_ATTEMPTS, Kind
from crmlink_sync_outbound.domain.pair import AWAITING, BASES, SWINGS
from crmlink_sync_outbound.domain.work import Settlement, Turn
from crmlink_sync_outbound.storage.locking import lock_pairs
from crmlink_sync_outbound.storage.sql import Statements, Values

KEYS = "jsonb_to_recordset(cast(:rows as jsonb)) as s(entity text, member_id text)"
HELD = f"""
select q.entity, q.member_id from pending q
join {KEYS} on s.entity = q.entity and s.member_id = q.member_id
where q.workspace_id = :workspace_id and q.lease_holder = :holder
order by q.entity, q.member_id for update of q
"""  # noqa: S608 - our own text
PAIRS = """
update pairs p set
  outcome = case when refused then p.outcome else s.outcome end,
  outcome_code = case when refused then p.outcome_code else s.code end,
  outcome_fields = case when refused then '{}' else s.fields end, outcome_at = now(),
  base = case when same then coalesce(s.base, p.base) else p.base end,
  awaiting = case when same then coalesce(s.awaiting, p.awaiting) else p.awaiting end,
  swings = case when same then coalesce(s.swings, p.swings) else p.swings end,
  record = case when same and fresh then p.record || coalesce(s.seen, '{}') else p.record end,
  record_modified_at = case when same and fresh
    then coalesce(s.modified_at, p.record_modified_at) else p.record_modified_at end,
  record_fate = case when same and fresh
    then coalesce(s.fate, p.record_fate) else p.record_fate end,
  observed_at = case when same then greatest(p.observed_at, s.observed_at) else p.observed_at end,
  confirmed_at = case when same and s.read and s.wrote_at is null
    then greatest(p.confirmed_at, s.observed_at) else p.confirmed_at end,
  last_write_at = case when same
    then greatest(p.last_write_at, s.wrote_at) else p.last_write_at end,
  reread = case when not same then p.reread
    when moved and s.observed_at is not null then true
    when s.read then false else p.reread end
from (
  select s.*, p.workspace_id,
    p.record_id = s.record_id and p.org_id = s.org_id as same,
    p.link_state = 'refused' and p.link_revision > s.link_revision as refused,
    p.observed_at is not distinct from s.was_observed_at as fresh,
    p.observed_at is distinct from s.was_observed_at as moved
  from jsonb_to_recordset(cast(:rows as jsonb)) as s(entity text, member_id text, record_id text,
    org_id text, link_revision bigint, outcome text, code text, fields text[], base jsonb,
    awaiting jsonb, swings jsonb,
    seen jsonb, modified_at timestamptz, fate text, observed_at timestamptz,
    was_observed_at timestamptz, read boolean, wrote_at timestamptz)
  join pairs p on p.workspace_id = :workspace_id and p.entity = s.entity
    and p.member_id = s.member_id
) s
where p.workspace_id = s.workspace_id and p.entity = s.entity and p.member_id = s.member_id
"""
IN_DOUBT = """
update pairs p set reread = true
from jsonb_to_recordset(cast(:rows as jsonb))
  as s(entity text, member_id text, record_id text, org_id text)
where p.workspace_id = :workspace_id and p.entity = s.entity and p.member_id = s.member_id
  and p.record_id = s.record_id and p.org_id = s.org_id
"""
COUNTED = """
update run_marks m set counted = true
from jsonb_to_recordset(cast(:rows as jsonb)) as s(entity text, member_id text, generation bigint)
where m.workspace_id = :workspace_id and m.entity = s.entity and m.member_id = s.member_id
  and m.generation <= s.generation and not m.counted
returning m.run_id, m.entity, m.member_id
"""
TALLY = """
insert into run_tallies as t (workspace_id, run_id, name, n)
select :workspace_id, run_id, name, n
from jsonb_to_recordset(cast(:rows as jsonb)) as s(run_id uuid, name text, n bigint)
order by run_id, name
on conflict (workspace_id, run_id, name) do update set n = t.n + excluded.n
"""
ITEMS = """
insert into run_items (workspace_id, run_id, entity, member_id, outcome, code, fields, record_id)
select :workspace_id, run_id, entity, member_id, outcome, code, fields, record_id
from jsonb_to_recordset(cast(:rows as jsonb)) as s(run_id uuid, entity text, member_id text,
  outcome text, code text, fields text[], record_id text)
on conflict do nothing
"""
DONE = """
delete from pending q using jsonb_to_recordset(cast(:rows as jsonb))
  as s(entity text, member_id text, retry_in double precision)
where q.workspace_id = :workspace_id and q.entity = s.entity and q.member_id = s.member_id
  and q.lease_holder = :holder and q.generation = q.leased_generation and s.retry_in is null
"""
LATER = """
update pending q set lease_holder = '', lease_until = null, last_code = s.code,
  attempts = case when q.generation = q.leased_generation then q.attempts else 0 end,
  due_at = case when q.generation = q.leased_generation and s.retry_in is not null
    then now() + s.retry_in * interval '1 second' else now() end
from jsonb_to_recordset(cast(:rows as jsonb))
  as s(entity text, member_id text, retry_in double precision, code text)
where q.workspace_id = :workspace_id and q.entity = s.entity and q.member_id = s.member_id
  and q.lease_holder = :holder
"""
CONFLICTS = """
insert into conflicts
  (workspace_id, conflict_id, entity, member_id, record_id, rule_id, kind, winner, sides)
select :workspace_id, conflict_id, entity, member_id, record_id, rule_id, kind, winner, sides
from jsonb_to_recordset(cast(:rows as jsonb)) as s(conflict_id uuid, entity text, member_id text,
  record_id text, rule_id text, kind text, winner text, sides jsonb)
"""


class Settling:
    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    async def settle(self, turn: Turn, settlements: Sequence[Settlement]) -> list[Settlement]:
        """Write down what the lease still holds; return those whose pair was locked."""
        where = {"workspace_id": turn.workspace_id}
        wanted = [_key(one) for one in settlements]
        locked = await lock_pairs(self._sql, turn.workspace_id, wanted)
        keys = [_key(one) for one in settlements if _name(one) in locked]
        rows = await self._sql.over(HELD, keys, holder=turn.holder, **where)
        mine = {(row.entity, row.member_id) for row in rows}
        held = [one for one in settlements if _name(one) in mine]
        changes = [_pair_row(one) for one in held if one.outcome.kind is not Kind.RETRY]
        await self._sql.over(PAIRS, changes, **where)
        if doubtful := [_record(one) for one in held if one.outcome.reread]:
            await self._sql.over(IN_DOUBT, doubtful, **where)
        await self._log_conflicts(held, where)
        await self._count(held, where)
        waits = [_wait_row(one) for one in held]
        await self._sql.over(DONE, waits, holder=turn.holder, **where)
        await self._sql.over(LATER, waits, holder=turn.holder, **where)
        await Outbox(self._sql.session).add([m for one in held for m in one.messages])
        return [one for one in settlements if _name(one) not in locked]

    async def _count(self, held: Sequence[Settlement], where: Values) -> None:
        """Count for each run that waited for a member; a second time finds nothing to count."""
        final = {_name(one): one for one in held if _is_final(one)}
        rows = [{**_key(one), "generation": one.work.generation} for one in final.values()]
        counted = (await self._sql.over(COUNTED, rows, **where)).all()
        if not counted:
            return
        tally: Counter[tuple[Any, str]] = Counter()
        items = []
        for row in counted:
            one = final[row.entity, row.member_id]
            kind = _told_as(one)
            tally[row.run_id, kind.value] += 1
            if kind in EXCEPTIONS:
                items.append({**_item_row(one), "run_id": row.run_id, "outcome": kind.value})
        tallies = [{"run_id": run, "name": name, "n": n} for (run, name), n in tally.items()]
        await self._sql.over(TALLY, tallies, **where)
        await self._sql.over(ITEMS, items, **where)

    async def _log_conflicts(self, held: Sequence[Settlement], where: Values) -> None:
        rows = [
            {
                **_key(one),
                "conflict_id": uuid4(),
                "record_id": one.work.pair.record_id,
                "rule_id": contest.rule_id,
                "kind": contest.kind,
                "winner": contest.winner,
                "sides": {"member": contest.member, "salesforce": contest.record},
            }
            for one in held
            for contest in one.contests
        ]
        if rows:
            await self._sql.over(CONFLICTS, rows, **where)


def _is_final(one: Settlement) -> bool:
    return one.counts or one.work.attempts >= PATIENT_ATTEMPTS


def _told_as(one: Settlement) -> Kind:
    """Tell a run what it no longer waits for: an update without an answer has not failed."""
    if one.outcome.kind is not Kind.RETRY:
        return one.outcome.kind
    return Kind.UNKNOWN if one.outcome.reread else Kind.FAILED


def _name(one: Settlement) -> tuple[str, str]:
    return one.work.pair.entity, one.work.pair.member_id


def _key(one: Settlement) -> Values:
    return {"entity": one.work.pair.entity, "member_id": one.work.pair.member_id}


def _record(one: Settlement) -> Values:
    return {**_key(one), "record_id": one.work.pair.record_id, "org_id": one.work.pair.org_id}


def _wait_row(one: Settlement) -> Values:
    wait = one.outcome.retry_in
    seconds = None if wait is None else wait.total_seconds()
    return {**_key(one), "retry_in": seconds, "code": one.outcome.code}


def _item_row(one: Settlement) -> Values:
    return {
        **_key(one),
        "code": one.outcome.code,
        "fields": list(one.outcome.fields),
        "record_id": one.work.pair.record_id,
    }


def _pair_row(one: Settlement) -> Values:
    pair = one.work.pair
    return {
        **_key(one),
        "record_id": pair.record_id,
        "org_id": pair.org_id,
        "link_revision": pair.link_revision,
        "outcome": one.outcome.kind.value,
        "code": one.outcome.code,
        "fields": list(one.outcome.fields),
        "base": None if one.base is None else BASES.dump_python(one.base, mode="json"),
        "awaiting": None
        if one.awaiting is None
        else AWAITING.dump_python(one.awaiting, mode="json"),
        "swings": None if one.swings is None else SWINGS.dump_python(one.swings, mode="json"),
        "seen": None if one.seen is None else dict(one.seen),
        "modified_at": one.record_modified_at,
        "fate": one.record_fate,
        "observed_at": one.observed_at,
        "was_observed_at": pair.observed_at,
        "read": one.read,
        "wrote_at": one.wrote_at,
    }
