"""What a run waits for, and what it has come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

from crmlink_common.runs.model import Run, RunStatus
from crmlink_sync_outbound.storage.locking import lock_pairs
from crmlink_sync_outbound.storage.sql import Statements

SCOPE = """p.workspace_id = :workspace_id and p.entity = :entity and not p.member_deleted
  and p.member_version >= 0
  and case when cast(:linked_only as boolean) then p.link_state = 'linked' else true end
  and (cast(:since as timestamptz) is null or p.changed_at >= cast(:since as timestamptz)
    or p.outcome_at is null)"""
TOTAL = f"select count(*) from pairs p where {SCOPE}"  # noqa: S608 - our own text
PAGE = f"""
select p.member_id from pairs p where {SCOPE} and p.member_id > :after
order by p.member_id limit :many
"""  # noqa: S608 - our own text
FRESH = """
insert into run_marks (workspace_id, run_id, entity, member_id, generation)
select :workspace_id, :run_id, :entity, member_id, 0 from unnest(cast(:members as text[]))
  as s(member_id) order by member_id
on conflict do nothing returning member_id
"""
REREAD = """
update pairs set reread = true where workspace_id = :workspace_id and entity = :entity
  and member_id = any(:members) and link_state = 'linked' and not reread
"""
PENDING = """
insert into pending as q (workspace_id, entity, member_id, due_at, reason, class)
select :workspace_id, :entity, member_id, now(), 'run', 'batch'
from unnest(cast(:members as text[])) as s(member_id) order by member_id
on conflict (workspace_id, entity, member_id) do update set generation = q.generation + 1,
  due_at = least(q.due_at, now()), attempts = 0
returning q.member_id, q.generation
"""
GENERATIONS = """
update run_marks m set generation = s.generation
from jsonb_to_recordset(cast(:rows as jsonb)) as s(member_id text, generation bigint)
where m.workspace_id = :workspace_id and m.run_id = :run_id and m.entity = :entity
  and m.member_id = s.member_id
"""
WAKE = "insert into wakes (workspace_id) values (:workspace_id)"
STATE = """
select exists (select from run_marks where workspace_id = :workspace_id and run_id = :run_id
    and not counted) as open,
  (select coalesce(jsonb_object_agg(name, n), '{}') from run_tallies
    where workspace_id = :workspace_id and run_id = :run_id) as tallies,
  q.parked_until, q.parked_code
from (select) as nothing left join (
  select case when parked_until > now() then parked_until else due_at end as parked_until,
    parked_code from workspace_queue where workspace_id = :workspace_id
    and (parked_until > now() or (parked_code <> '' and due_at > now()))) as q on true
"""
ALIVE = "select from runs where id = :run_id and fence = :fence for share"
UNWANTED = """
with these as (
  select m.entity, m.member_id, m.generation from run_marks m
  where m.workspace_id = :workspace_id and m.run_id = :run_id and not m.counted
  order by m.entity, m.member_id limit :many for update skip locked
), free as (
  select q.entity, q.member_id from pending q join these on q.workspace_id = :workspace_id
    and q.entity = these.entity and q.member_id = these.member_id
    and q.generation = these.generation and q.class = 'batch' and q.lease_holder = ''
  for update of q skip locked
), taken_back as (
  delete from pending q using free where q.workspace_id = :workspace_id
    and q.entity = free.entity and q.member_id = free.member_id
)
delete from run_marks m using these where m.workspace_id = :workspace_id and m.run_id = :run_id
  and m.entity = these.entity and m.member_id = these.member_id
returning m.member_id
"""
FORGET = """
delete from run_marks m using (
  select entity, member_id from run_marks
  where workspace_id = :workspace_id and run_id = :run_id limit :many for update skip locked
) as these where m.workspace_id = :workspace_id and m.run_id = :run_id
  and m.entity = these.entity and m.member_id = these.member_id
returning m.member_id
"""
FORGET_TALLIES = "delete from run_tallies where workspace_id = :workspace_id and run_id = :run_id"
CHECKPOINT = """
insert into checkpoints as c (workspace_id, entity, direction, at, run_id)
values (:workspace_id, :entity, :direction, :at, :run_id)
on conflict (workspace_id, entity, direction) do update set at = excluded.at,
  run_id = excluded.run_id where c.at < excluded.at
"""


@dataclass(frozen=True, slots=True)
class Marked:
    """How far the marking came; ``busy``: no further, as somebody holds the next member."""

    after: str
    done: bool
    busy: bool = False


class Marks:
    """Of one run."""

    def __init__(
        self, statements: Statements, workspace_id: str, entity: str, run_id: UUID
    ) -> None:
        self._sql = statements
        self._workspace_id = workspace_id
        self._where = {"workspace_id": workspace_id, "run_id": run_id}
        self._entity = entity

    async def is_ours(self, fence: int) -> bool:
        """Say whether this worker still leads the run; it stays so until the transaction ends."""
        found = await self._sql.run(ALIVE, run_id=self._where["run_id"], fence=fence)
        return found.first() is not None

    async def total(self, *, linked_only: bool, since: datetime | None) -> int:
        """Count the members in the run's scope."""
        found = await self._sql.run(
            TOTAL,
            workspace_id=self._where["workspace_id"],
            entity=self._entity,
            linked_only=linked_only,
            since=since,
        )
        return int(found.scalar_one())

    async def count(self) -> int:
        """Count the members that were marked: all there will be, once the marking is done."""
        sql = (
            "select count(*) from run_marks where workspace_id = :workspace_id and run_id = :run_id"
        )
        return int((await self._sql.run(sql, **self._where)).scalar_one())

    async def mark(
        self, after: str, *, linked_only: bool, since: datetime | None, many: int
    ) -> Marked:
        """Make the next members pending for this run, up to the first that is locked."""
        scope = {"workspace_id": self._where["workspace_id"], "entity": self._entity}
        rows = await self._sql.all(
            PAGE, **scope, linked_only=linked_only, since=since, after=after, many=many
        )
        found = [row.member_id for row in rows]
        keys = [{"entity": self._entity, "member_id": one} for one in found]
        locked = await lock_pairs(self._sql, self._workspace_id, keys)
        members = list(takewhile(lambda one: (self._entity, one) in locked, found))
        if not members:
            return Marked(after, done=not found, busy=bool(found))
        given = {**self._where, "entity": self._entity}
        fresh = [row.member_id for row in await self._sql.all(FRESH, **given, members=members)]
        if fresh:
            if since is None:
                await self._sql.run(REREAD, **scope, members=fresh)
            marked = await self._sql.all(PENDING, **scope, members=fresh)
            generations = [
                {"member_id": row.member_id, "generation": row.generation} for row in marked
            ]
            await self._sql.over(GENERATIONS, generations, **given)
        await self._sql.run(WAKE, workspace_id=self._where["workspace_id"])
        done = len(found) < many and len(members) == len(found)
        return Marked(members[-1], done=done)

    async def state(self) -> Any:  # noqa: ANN401 - a row: open, tallies, parked_until, parked_code
        """Tell how far it is."""
        return (await self._sql.run(STATE, **self._where)).one()

    async def drop_unwanted(self, many: int) -> bool:
        """Take back pending work that only this run wanted; False when nothing was left of it."""
        return bool(await self._sql.all(UNWANTED, **self._where, many=many))

    async def forget(self, many: int) -> bool:
        """Nothing waits any more; False when nothing was left."""
        await self._sql.run(FORGET_TALLIES, **self._where)
        return bool(await self._sql.all(FORGET, **self._where, many=many))

    async def checkpoint(self, direction: str, at: datetime) -> None:
        """Let "only changed" start from here."""
        await self._sql.run(
            CHECKPOINT, **self._where, entity=self._entity, direction=direction, at=at
        )


async def checkpoint(
    statements: Statements, workspace_id: str, entity: str, direction: str
) -> datetime | None:
    """Say where "only changed" starts; None: nowhere yet, so all are in."""
    sql = """select at from checkpoints where workspace_id = :workspace_id and entity = :entity
      and direction = :direction"""
    row = (
        await statements.run(sql, workspace_id=workspace_id, entity=entity, direction=direction)
    ).first()
    return None if row is None else row.at


async def cleared(statements: Statements, run: Run, many: int) -> bool:
    """Clear a page of what an ended run waited for; False when nothing was left."""
    marks = Marks(statements, run.workspace_id, run.entity, run.id)
    if run.status is RunStatus.CANCELLED and await marks.drop_unwanted(many):
        return True
    return await marks.forget(many)
