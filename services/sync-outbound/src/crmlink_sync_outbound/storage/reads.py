"""What people look at: exceptions, conflicts, one pair explained, numbers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from crmlink_sync_outbound.domain.pair import AWAITING, BASES
from crmlink_sync_outbound.domain.sentences import sentence
from crmlink_sync_outbound.storage.sql import Statements, Values

ITEMS = """
select member_id, entity, outcome, code, fields, record_id, at, count(*) over () as total
from run_items where workspace_id = :workspace_id and run_id = :run_id
  and (cast(:outcome as text) is null or outcome = :outcome)
order by at desc, member_id limit :limit offset :offset
"""
ERRORS = """
with late as (
  select p.workspace_id, p.entity, p.member_id, array_agg(a.key order by a.key) as fields
  from pairs p, jsonb_each(p.awaiting) a
  where p.workspace_id = :workspace_id and p.awaiting <> '{}'
    and cast(a.value ->> 'since' as timestamptz) < now() - interval '24 hours'
  group by p.workspace_id, p.entity, p.member_id
), listed as (
  select member_id, entity, outcome, outcome_code as code, outcome_fields as fields, record_id,
    outcome_at as at
  from pairs where workspace_id = :workspace_id and outcome in ('skipped', 'failed', 'unknown')
    and outcome_code <> 'upstream_not_applied'
  union all
  select p.member_id, p.entity, 'failed', 'upstream_not_applied', late.fields, p.record_id,
    p.outcome_at
  from late join pairs p on p.workspace_id = late.workspace_id and p.entity = late.entity
    and p.member_id = late.member_id
)
select l.*, q.due_at as retry_at, count(*) over () as total
from listed l left join pending q on q.workspace_id = :workspace_id and q.entity = l.entity
  and q.member_id = l.member_id
order by l.at desc, l.member_id limit :limit offset :offset
"""
CONFLICTS = """
select conflict_id as id, member_id, entity, record_id, rule_id, kind, winner, sides, at,
  count(*) over () as total
from conflicts where workspace_id = :workspace_id
order by at desc, conflict_id limit :limit offset :offset
"""
PAIR = """
select p.*, q.generation, q.due_at, q.attempts, q.reason, q.class, q.last_code, q.lease_until
from pairs p left join pending q on q.workspace_id = p.workspace_id and q.entity = p.entity
  and q.member_id = p.member_id
where p.workspace_id = :workspace_id and p.entity = :entity and p.member_id = :member_id
"""
OUTCOMES = """
select outcome, outcome_code, count(*) as n, count(*) filter (where link_state = 'linked') as linked
from pairs where workspace_id = :workspace_id and not member_deleted and member_version >= 0
group by outcome, outcome_code
"""
PENDING = "select count(*) from pending where workspace_id = :workspace_id"
SHOWN = ("due_at", "attempts", "reason", "class", "last_code", "lease_until")


class Reads:
    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    async def items(
        self, workspace_id: str, run_id: UUID, outcome: str | None, page: int, page_size: int
    ) -> Values:
        """List a run's exceptions."""
        where = {"workspace_id": workspace_id, "run_id": run_id, "outcome": outcome}
        return _told(await self._page(ITEMS, page, page_size, where))

    async def errors(self, workspace_id: str, page: int, page_size: int) -> Values:
        """List members whose last outcome is an exception, each with a sentence."""
        return _told(await self._page(ERRORS, page, page_size, {"workspace_id": workspace_id}))

    async def conflicts(self, workspace_id: str, page: int, page_size: int) -> Values:
        """List what a policy had to decide."""
        return await self._page(CONFLICTS, page, page_size, {"workspace_id": workspace_id})

    async def pair(self, workspace_id: str, entity: str, member_id: str) -> Values | None:
        """Explain one pair: both sides, what they last agreed on, what is to be done."""
        row = (
            await self._sql.run(PAIR, workspace_id=workspace_id, entity=entity, member_id=member_id)
        ).first()
        return None if row is None else _explained(row)

    async def summary(self, workspace_id: str) -> Values:
        """Count pairs by what became of them."""
        rows = await self._sql.all(OUTCOMES, workspace_id=workspace_id)
        pending = await self._sql.run(PENDING, workspace_id=workspace_id)
        skipped: dict[str, int] = {}
        totals: dict[str, int] = {}
        for row in rows:
            totals[row.outcome] = totals.get(row.outcome, 0) + row.n
            if row.outcome == "skipped":
                skipped[row.outcome_code] = skipped.get(row.outcome_code, 0) + row.n
        names = ("written", "asked", "created", "adopted", "unchanged", "failed", "unknown")
        return {
            "pairs": sum(row.linked for row in rows),
            "members": sum(totals.values()),
            "pending": pending.scalar_one(),
            "skipped": skipped,
            **{name: totals.get(name, 0) for name in names},
        }

    async def _page(self, sql: str, page: int, page_size: int, where: Values) -> Values:
        offset = (page - 1) * page_size
        rows = await self._sql.all(sql, limit=page_size, offset=offset, **where)
        items = [
            {name: value for name, value in row._mapping.items() if name != "total"}  # noqa: SLF001 - SQLAlchemy's name
            for row in rows
        ]
        total = rows[0].total if rows else await self._total(sql, where)
        return {"items": items, "total": total, "page": page, "page_size": page_size}

    async def _total(self, sql: str, where: Values) -> int:
        row = (await self._sql.run(sql, limit=1, offset=0, **where)).first()
        return 0 if row is None else int(row.total)


def _told(page: Values) -> Values:
    items = [{**one, "message": sentence(one["code"])} for one in page["items"]]
    return {**page, "items": items}


def _explained(row: Any) -> Values:  # noqa: ANN401 - a row of PAIR
    waiting = {name: getattr(row, name) for name in SHOWN}
    base = BASES.validate_python(row.base)
    return {
        "member_id": row.member_id,
        "entity": row.entity,
        "member": {
            "values": row.member,
            "version": row.member_version,
            "updated_at": row.member_updated_at,
            "deleted": row.member_deleted,
        },
        "link": {
            "state": row.link_state or "none",
            "reason": row.link_reason,
            "record_id": row.record_id,
            "object": row.object,
            "org_id": row.org_id,
            "revision": max(row.link_revision, 0),
            "expected_record_id": row.expected_record_id,
        },
        "record": {
            "values": row.record,
            "modified_at": row.record_modified_at,
            "observed_at": row.observed_at,
            "last_write_at": row.last_write_at,
            "fate": row.record_fate,
        },
        "base": BASES.dump_python(base, mode="json"),
        "awaiting": AWAITING.dump_python(AWAITING.validate_python(row.awaiting), mode="json"),
        "pending": None if row.generation is None else waiting,
        "last_outcome": {
            "outcome": row.outcome,
            "code": row.outcome_code,
            "message": sentence(row.outcome_code) if row.outcome_code else "",
            "fields": row.outcome_fields,
            "at": row.outcome_at,
        }
        if row.outcome
        else None,
    }
