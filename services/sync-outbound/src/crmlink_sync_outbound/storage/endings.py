"""What goes with a connection that was deleted; nothing here waits for a pair.

Nothing locks the row of `connections` for longer than a statement: handlers want it while they
hold rows that are wanted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crmlink_common.runs.model import ACTIVE
from crmlink_sync_outbound.storage.sql import Statements

ENDED = """
select workspace_id, ended_at from connections where ended_at is not null
order by ended_at, workspace_id limit 1 offset :skipped
"""
CONFIGS = """
update sync_configs set revision = revision + 1, config = '{}', rule_revisions = '{}',
  outbound_enabled = false, inbound_enabled = false, linked_only = false, event_fired_at = null,
  deleted_at = now()
where workspace_id = :workspace_id and deleted_at is null and saved_at <= :ended_at
returning entity, revision
"""
CHECKPOINTS = "delete from checkpoints where workspace_id = :workspace_id and at <= :ended_at"
RUNS = """
update runs set status = 'cancelled', error_code = :code, error_message = :message,
  finished_at = now(), waits_until = null, lease_until = null, lease_holder = '',
  fence = fence + 1, revision = revision + 1
where workspace_id = :workspace_id and status = any(:active) and created_at <= :ended_at
returning id, kind, direction, counts
"""
PENDING = """
delete from pending q using (
  select workspace_id, entity, member_id from pending p
  where p.workspace_id = :workspace_id and not exists (select from sync_configs c
    where c.workspace_id = p.workspace_id and c.entity = p.entity and c.deleted_at is null)
  order by entity, member_id limit :many for update of p skip locked
) as these where q.workspace_id = these.workspace_id and q.entity = these.entity
  and q.member_id = these.member_id
returning q.member_id
"""
STANDS = """
  p.workspace_id = :workspace_id and (p.outcome_at is null or p.outcome_at <= :ended_at)
  and (p.base <> '{}' or p.awaiting <> '{}' or p.swings <> '{}' or p.outcome <> ''
    or p.outcome_at is not null or p.expected_record_id <> ''
    or (p.link_state <> 'linked' and (p.record <> '{}' or p.observed_at is not null)))
"""
PAIRS = f"""
update pairs p set record = '{{}}', record_modified_at = null, record_fate = '',
  observed_at = null, confirmed_at = null, last_write_at = null, expected_record_id = '',
  reread = p.link_state = 'linked', base = '{{}}', awaiting = '{{}}', swings = '{{}}',
  outcome = '', outcome_code = '', outcome_fields = '{{}}', outcome_at = null
from (
  select p.workspace_id, p.entity, p.member_id from pairs p where {STANDS}
  order by p.entity, p.member_id limit :many for update of p skip locked
) as these where p.workspace_id = these.workspace_id and p.entity = these.entity
  and p.member_id = these.member_id
returning p.member_id
"""  # noqa: S608 - our own text
LEFT = f"""
select exists (select from pairs p where {STANDS}) or exists (select from pending p
  where p.workspace_id = :workspace_id and not exists (select from sync_configs c
    where c.workspace_id = p.workspace_id and c.entity = p.entity and c.deleted_at is null))
  as anything
"""  # noqa: S608 - our own text
OVER = """
update connections set ended_at = null
where workspace_id = :workspace_id and ended_at = :ended_at returning workspace_id
"""
WAKE = "insert into wakes (workspace_id, unpark) values (:workspace_id, true)"


@dataclass(frozen=True, slots=True)
class Ended:
    """A connection that was deleted, and when."""

    workspace_id: str
    ended_at: datetime


class Endings:
    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    async def next(self, skipped: int = 0) -> Ended | None:
        """Find a deleted connection that is not done with, after so many others."""
        row = (await self._sql.run(ENDED, skipped=skipped)).first()
        return None if row is None else Ended(row.workspace_id, row.ended_at)

    async def configs(self, of: Ended) -> list[Any]:
        """Drop configurations saved before; their revisions go on: entity, revision."""
        await self._sql.run(CHECKPOINTS, **_where(of))
        return list(await self._sql.all(CONFIGS, **_where(of)))

    async def runs(self, of: Ended, code: str, message: str) -> list[Any]:
        """Cancel runs asked for before: id, kind, direction, counts."""
        told = {"code": code, "message": message, "active": [str(one) for one in ACTIVE]}
        return list(await self._sql.all(RUNS, **_where(of), **told))

    async def forget(self, of: Ended, many: int) -> bool:
        """Drop a page of pending work, then of what pairs have come to; False for nothing.

        Pending work first: a worker that still holds some of it then settles nothing.
        """
        if await self._sql.all(PENDING, workspace_id=of.workspace_id, many=many):
            return True
        return bool(await self._sql.all(PAIRS, **_where(of), many=many))

    async def over(self, of: Ended) -> bool:
        """Let work go on once nothing is left; False while somebody holds some of it."""
        if (await self._sql.run(LEFT, **_where(of))).scalar_one():
            return False
        if await self._sql.all(OVER, **_where(of)):
            await self._sql.run(WAKE, workspace_id=of.workspace_id)
        return True


def _where(of: Ended) -> dict[str, Any]:
    return {"workspace_id": of.workspace_id, "ended_at": of.ended_at}
