"""What is kept for a time alone, deleted some rows at a time; nobody ever waits for it."""

from __future__ import annotations

from datetime import timedelta

from crmlink_common.runs.store import runs
from crmlink_sync_outbound.storage.sql import Statements
from crmlink_sync_outbound.storage.tables import metadata

KEPT = timedelta(days=30)  # runs with their items, conflicts, ended intents
GRACE = timedelta(days=45)  # of a removed workspace, of a deleted member
ENDED = "r.status not in ('queued', 'running', 'waiting_for_budget', 'cancelling')"
UNCLEARED = f"""
select r.workspace_id, r.id from runs r where {ENDED} and exists (
  select from run_marks m where m.workspace_id = r.workspace_id and m.run_id = r.id)
order by r.finished_at limit 1
"""  # noqa: S608 - our own text
ITEMS = f"""
delete from run_items i where (i.workspace_id, i.run_id, i.entity, i.member_id) in (
  select one.workspace_id, one.run_id, one.entity, one.member_id
  from runs r join run_items one on one.workspace_id = r.workspace_id and one.run_id = r.id
  where {ENDED} and r.finished_at < now() - :kept
  limit :many for update of one skip locked)
returning i.member_id
"""  # noqa: S608 - our own text
RUNS = f"""
delete from runs where id in (
  select r.id from runs r where {ENDED} and r.finished_at < now() - :kept
    and not exists (select from run_items i
      where i.workspace_id = r.workspace_id and i.run_id = r.id)
    and not exists (select from run_marks m
      where m.workspace_id = r.workspace_id and m.run_id = r.id)
  limit :many for update skip locked)
returning id
"""  # noqa: S608 - our own text
CONFLICTS = """
delete from conflicts c using (
  select workspace_id, conflict_id from conflicts where at < now() - :kept
  order by at limit :many for update skip locked
) as old where c.workspace_id = old.workspace_id and c.conflict_id = old.conflict_id
returning c.conflict_id
"""
INTENTS = """
delete from create_intents i using (
  select workspace_id, intent_id from create_intents
  where state in ('done', 'released') and created_at < now() - :kept
  order by created_at limit :many for update skip locked
) as old where i.workspace_id = old.workspace_id and i.intent_id = old.intent_id
returning i.intent_id
"""
MEMBERS = """
delete from pairs p using (
  select p.workspace_id, p.entity, p.member_id from pairs p
  where p.member_deleted and p.changed_at < now() - :grace and p.link_state <> 'linked'
    and not exists (select from pending q where q.workspace_id = p.workspace_id
      and q.entity = p.entity and q.member_id = p.member_id)
  order by p.changed_at limit :many for update of p skip locked
) as old where p.workspace_id = old.workspace_id and p.entity = old.entity
  and p.member_id = old.member_id
returning p.member_id
"""
SETTLED = """
update create_intents i set state = 'released', reason = 'settled otherwise', sought = ''
from (
  select i.workspace_id, i.intent_id from create_intents i
  join pairs p on p.workspace_id = i.workspace_id and p.entity = i.entity
    and p.member_id = i.member_id
  where i.state in ('reserved', 'sending', 'unknown')
    and (p.link_state in ('linked', 'excluded') or p.member_deleted)
    and greatest(i.created_at, i.sending_since) < now() - :patience
  limit :many for update of i skip locked
) as over where i.workspace_id = over.workspace_id and i.intent_id = over.intent_id
returning i.workspace_id, i.member_id, i.intent_id
"""
PATIENCE = timedelta(minutes=15)
OLD = (ITEMS, RUNS, CONFLICTS, INTENTS, MEMBERS)
REMOVED = """
select workspace_id from workspaces
where deleted_at < now() - :grace order by deleted_at limit 1
"""
OWNED = [table.name for table in (*metadata.sorted_tables, runs) if table.name != "workspaces"]


class Tidying:
    """Each call is one page; False when nothing was left of it."""

    def __init__(self, statements: Statements) -> None:
        self._sql = statements

    async def uncleared(self) -> tuple[str, str] | None:
        """Find an ended run that still has marks: workspace and id."""
        row = (await self._sql.run(UNCLEARED)).first()
        return None if row is None else (row.workspace_id, str(row.id))

    async def old(self, sql: str, many: int) -> bool:
        """Delete a page of what one of ``OLD`` finds."""
        times = {"kept": KEPT} if ":kept" in sql else {"grace": GRACE}
        return bool(await self._sql.all(sql, many=many, **times))

    async def settled_otherwise(self, many: int) -> list[tuple[str, str, str]]:
        """End intents of members that need no record any more: workspace, member, intent."""
        rows = await self._sql.all(SETTLED, many=many, patience=PATIENCE)
        return [(row.workspace_id, row.member_id, str(row.intent_id)) for row in rows]

    async def removed(self) -> str | None:
        """Find a workspace whose grace is over."""
        row = (await self._sql.run(REMOVED, grace=GRACE)).first()
        return None if row is None else str(row.workspace_id)

    async def purge(self, workspace_id: str, many: int) -> bool:
        """Delete a page of a workspace's rows; its own row goes with the last of them."""
        for name in OWNED:
            sql = f"""delete from {name} where ctid in (select ctid from {name}
              where workspace_id = :workspace_id limit :many for update skip locked)
              returning workspace_id"""  # noqa: S608 - our own table names
            if await self._sql.all(sql, workspace_id=workspace_id, many=many):
                return True
        await self._sql.run(
            "delete from workspaces where workspace_id = :workspace_id and deleted_at is not null",
            workspace_id=workspace_id,
        )
        return False
