"""What the bus tells, row by row: each side of a pair by its own version, and what may differ.

Several handlers share the transaction of a batch, so each may come back for more pairs while
pending work is locked. Hence whoever else needs a pair never waits for it (see `locking`), and a
batch touches no row that all of them share: who is to be woken is appended to `wakes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmlink_sync_outbound.storage.sql import Statements, Values

WORKSPACES = """
insert into workspaces as w (workspace_id, revision, crm_salesforce, default_region, deleted_at)
select workspace_id, revision, crm_salesforce, default_region, case when deleted then now() end
from jsonb_to_recordset(cast(:rows as jsonb)) as s(
  workspace_id text, revision bigint, crm_salesforce boolean, default_region text, deleted boolean)
order by workspace_id
on conflict (workspace_id) do update set revision = excluded.revision,
  crm_salesforce = excluded.crm_salesforce, default_region = excluded.default_region,
  deleted_at = excluded.deleted_at
where w.revision < excluded.revision
"""
CONNECTIONS = """
insert into connections as c (workspace_id, revision, usable, org_id, epoch, deleted_at, ended_at)
select workspace_id, revision, usable, org_id, epoch, case when deleted then now() end,
  case when deleted then least(ended_at, now()) end
from jsonb_to_recordset(cast(:rows as jsonb)) as s(
  workspace_id text, revision bigint, usable boolean, org_id text, epoch bigint, deleted boolean,
  ended_at timestamptz)
order by workspace_id
on conflict (workspace_id) do update set revision = excluded.revision, usable = excluded.usable,
  org_id = excluded.org_id, epoch = excluded.epoch, deleted_at = excluded.deleted_at,
  ended_at = coalesce(excluded.ended_at, c.ended_at)
where c.revision < excluded.revision
"""
WAKE = """
insert into wakes (workspace_id, unpark)
select workspace_id, :unpark from unnest(cast(:workspaces as text[])) as s(workspace_id)
"""
MEMBERS = """
insert into pairs as p
  (workspace_id, entity, member_id, member, member_version, member_updated_at, member_deleted)
select workspace_id, 'member', member_id, member, version, updated_at, deleted
from jsonb_to_recordset(cast(:rows as jsonb)) as s(workspace_id text, member_id text,
  member jsonb, version bigint, updated_at timestamptz, deleted boolean)
order by workspace_id, member_id
on conflict (workspace_id, entity, member_id) do update set member = excluded.member,
  member_version = excluded.member_version, member_updated_at = excluded.member_updated_at,
  member_deleted = excluded.member_deleted, changed_at = now(),
  record = case when excluded.member_deleted then '{}' else p.record end,
  base = case when excluded.member_deleted then '{}' else p.base end,
  awaiting = case when excluded.member_deleted then '{}' else p.awaiting end,
  observed_at = case when excluded.member_deleted then null else p.observed_at end
where p.member_version < excluded.member_version
returning workspace_id, entity, member_id
"""
LINKS = """
insert into pairs as p (workspace_id, entity, member_id, link_state, link_reason, link_revision,
  record_id, object, org_id)
select workspace_id, 'member', member_id, state, reason, revision,
  case when state = 'linked' then record_id else '' end, object, org_id
from jsonb_to_recordset(cast(:rows as jsonb)) as s(workspace_id text, member_id text, state text,
  reason text, revision bigint, record_id text, object text, org_id text)
order by workspace_id, member_id
on conflict (workspace_id, entity, member_id) do update set
  link_state = excluded.link_state, link_reason = excluded.link_reason,
  link_revision = excluded.link_revision, record_id = excluded.record_id,
  object = excluded.object, org_id = excluded.org_id, changed_at = now(), expected_record_id = '',
  outcome = case excluded.link_state when 'refused' then 'skipped' else p.outcome end,
  outcome_code = case excluded.link_state when 'refused' then excluded.link_reason
    else p.outcome_code end,
  (record, base, awaiting, swings, record_fate, record_modified_at, observed_at, confirmed_at,
   last_write_at, reread) = (
    select case when same then p.record else '{}' end, case when same then p.base else '{}' end,
      case when same then p.awaiting else '{}' end, case when same then p.swings else '{}' end,
      case when same then p.record_fate else '' end,
      case when same then p.record_modified_at end, case when same then p.observed_at end,
      case when same then p.confirmed_at end, case when same then p.last_write_at end,
      case when same then p.reread else false end
    from (select excluded.record_id <> '' and (
      (p.record_id = excluded.record_id and p.org_id = excluded.org_id)
      or (p.record_id = '' and p.expected_record_id = excluded.record_id)) as same) as judged)
where p.link_revision < excluded.link_revision
returning workspace_id, entity, member_id, link_state
"""
CHANGES = """
with s as (
  select * from jsonb_to_recordset(cast(:rows as jsonb)) as s(workspace_id text, record_id text,
    org_id text, seen jsonb, modified_at timestamptz, observed_at timestamptz, fate text)
), judged as (
  select p.workspace_id, p.entity, p.member_id, s.seen, s.modified_at, s.observed_at, s.fate,
    (p.last_write_at is null or s.observed_at > p.last_write_at)
      and (p.observed_at is null or s.observed_at >= p.observed_at) as fresh,
    not (p.record @> s.seen and p.record_fate = s.fate) as differs
  from pairs p join s on s.workspace_id = p.workspace_id and s.record_id = p.record_id
    and s.org_id = p.org_id
  where p.link_state = 'linked' and p.record_id <> ''
  order by p.workspace_id, p.member_id
  for update of p
)
update pairs p set
  record = case when j.fresh then p.record || j.seen else p.record end,
  record_fate = case when j.fresh then j.fate else p.record_fate end,
  record_modified_at = case when j.fresh
    then coalesce(j.modified_at, p.record_modified_at) else p.record_modified_at end,
  observed_at = case when j.fresh then j.observed_at else p.observed_at end,
  confirmed_at = case when j.fresh then j.observed_at else p.confirmed_at end,
  reread = p.reread or (j.differs and not j.fresh),
  changed_at = case when j.differs then now() else p.changed_at end
from judged j
where p.workspace_id = j.workspace_id and p.entity = j.entity and p.member_id = j.member_id
  and (j.fresh or j.differs)
returning p.workspace_id, p.entity, p.member_id, j.differs
"""
MARK = """
with s as (
  select c.workspace_id, c.entity, c.member_id
  from jsonb_to_recordset(cast(:rows as jsonb)) as c(workspace_id text, entity text, member_id text)
  join sync_configs f on f.workspace_id = c.workspace_id and f.entity = c.entity
  join pairs p on p.workspace_id = c.workspace_id and p.entity = c.entity
    and p.member_id = c.member_id
  where p.member_version >= 0 and not p.member_deleted
    and case when p.link_state = 'linked' then f.outbound_enabled or f.inbound_enabled
      else f.outbound_enabled and not f.linked_only end
), marked as (
  insert into pending as q (workspace_id, entity, member_id, due_at, reason, class)
  select workspace_id, entity, member_id, now(), :reason, 'event' from s
  order by workspace_id, entity, member_id
  on conflict (workspace_id, entity, member_id) do update set generation = q.generation + 1,
    due_at = least(q.due_at, now()), attempts = 0, reason = excluded.reason, class = 'event'
  returning workspace_id
)
select distinct workspace_id from marked order by workspace_id
"""
RETURNED = """
update pairs p set outcome = '', outcome_code = ''
from (
  select p.workspace_id, p.entity, p.member_id from pairs p
  join connections c on c.workspace_id = p.workspace_id and c.org_id = p.org_id and c.usable
  where p.outcome_code = 'other_org'
  order by p.workspace_id, p.entity, p.member_id
  limit :many for update of p skip locked
) as back
where p.workspace_id = back.workspace_id and p.entity = back.entity
  and p.member_id = back.member_id
returning p.workspace_id, p.entity, p.member_id
"""
FIRED = """
update sync_configs c set event_fired_at = now()
from (
  select workspace_id, entity from sync_configs
  where workspace_id = any(:workspaces) and outbound_enabled
    and (event_fired_at is null or event_fired_at < now() - interval '1 second')
  for update skip locked
) as these
where c.workspace_id = these.workspace_id and c.entity = these.entity
"""


class Projections:
    """Each method is a few statements, however many rows there are."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    async def workspaces(self, rows: Sequence[Values]) -> None:
        await self._sql.over(WORKSPACES, rows)
        await self._unpark(rows)

    async def connections(self, rows: Sequence[Values]) -> None:
        """Keep them; that one was deleted is not forgotten when another takes its place."""
        await self._sql.over(CONNECTIONS, rows)
        await self._unpark(rows)

    async def members(self, rows: Sequence[Values]) -> None:
        changed = (await self._sql.over(MEMBERS, rows)).all()
        woken = await self._mark([_key(row) for row in changed], "member")
        if woken:
            await self._sql.run(FIRED, workspaces=woken)

    async def links(self, rows: Sequence[Values]) -> None:
        changed = (await self._sql.over(LINKS, rows)).all()
        await self._mark([_key(row) for row in changed if row.link_state == "linked"], "link")

    async def changes(self, rows: Sequence[Values]) -> None:
        changed = (await self._sql.over(CHANGES, rows)).all()
        await self._mark([_key(row) for row in changed if row.differs], "record")

    async def returned(self, many: int) -> bool:
        """Mark pairs that were left alone while their workspace was on another org."""
        back = await self._sql.all(RETURNED, many=many)
        await self._mark([_key(row) for row in back], "org")
        return bool(back)

    async def _mark(self, keys: Sequence[Values], reason: str) -> list[str]:
        if not keys:
            return []
        marked = await self._sql.over(MARK, keys, reason=reason)
        woken = [row.workspace_id for row in marked]
        if woken:
            await self._sql.run(WAKE, workspaces=woken, unpark=False)
        return woken

    async def _unpark(self, rows: Sequence[Values]) -> None:
        workspaces = sorted({row["workspace_id"] for row in rows})
        await self._sql.run(WAKE, workspaces=workspaces, unpark=True)


def _key(row: Any) -> Values:  # noqa: ANN401 - a row of RETURNING
    return {"workspace_id": row.workspace_id, "entity": row.entity, "member_id": row.member_id}
