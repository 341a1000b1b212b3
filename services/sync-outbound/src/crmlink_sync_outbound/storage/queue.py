"""Fair turns between workspaces, and leases on their pending work."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from crmlink_common.salesforce.limits import ApiUsage
from crmlink_sync_outbound.domain.work import Turn, Work
from crmlink_sync_outbound.storage.rows import COLUMNS, read_pair
from crmlink_sync_outbound.storage.sql import Statements

LEASE = timedelta(seconds=60)  # renewed while the work goes on
MANY = 1000
WOKEN = """
delete from wakes w using (
  select workspace_id, wake_id from wakes order by workspace_id limit :many for update skip locked
) as these where w.workspace_id = these.workspace_id and w.wake_id = these.wake_id
returning w.workspace_id, w.unpark
"""
WAKE = """
insert into workspace_queue as q (workspace_id, due_at)
select workspace_id, now() from unnest(cast(:workspaces as text[])) as s(workspace_id)
order by workspace_id
on conflict (workspace_id) do update set due_at = least(q.due_at, now())
"""
UNPARK = """
update workspace_queue set parked_until = null, parked_code = '', parkings = 0
where workspace_id = any(:workspaces)
"""
CLAIM = """
with due as (
  select workspace_id from workspace_queue
  where due_at <= now() and (parked_until is null or parked_until <= now())
    and (lease_until is null or lease_until < now())
  order by due_at limit 1 for update skip locked
)
update workspace_queue q set lease_holder = :holder, lease_until = now() + :lease
from due left join workspaces w on w.workspace_id = due.workspace_id and w.deleted_at is null
  left join connections c on c.workspace_id = due.workspace_id and c.deleted_at is null
where q.workspace_id = due.workspace_id
returning q.workspace_id, q.parkings, q.usage_used, q.usage_limit, q.usage_at,
  coalesce(w.crm_salesforce and c.usable and c.ended_at is null, false) as active,
  coalesce(c.org_id, '') as org_id
"""
RENEW_TURN = """
update workspace_queue set lease_until = now() + :lease
where workspace_id = :workspace_id and lease_holder = :holder
"""
RENEW = """
with mine as (
  select workspace_id, entity, member_id from pending
  where workspace_id = :workspace_id and lease_holder = :holder for update skip locked
)
update pending q set lease_until = now() + :lease from mine
where q.workspace_id = mine.workspace_id and q.entity = mine.entity
  and q.member_id = mine.member_id
"""
LOCK_TURN = """
select from workspace_queue where workspace_id = :workspace_id and lease_holder = :holder
for update
"""
END = """
with next as (
  select min(greatest(due_at, coalesce(lease_until, due_at))) as due_at
  from pending where workspace_id = :workspace_id
)
update workspace_queue q set lease_holder = '', lease_until = null, parkings = 0, parked_code = '',
  due_at = greatest(coalesce(next.due_at, now() + interval '1 hour'), now()),
  usage_used = :used, usage_limit = :limit, usage_at = :at
from next where q.workspace_id = :workspace_id and q.lease_holder = :holder
"""
DEFER = """
update workspace_queue set lease_holder = '', lease_until = null, parked_code = :code,
  due_at = now() + :wait
where workspace_id = :workspace_id and lease_holder = :holder
"""
PARK = """
update workspace_queue set lease_holder = '', lease_until = null, parkings = parkings + 1,
  parked_until = now() + :wait, parked_code = :code, usage_used = null, usage_limit = null
where workspace_id = :workspace_id and lease_holder = :holder
"""
GIVE_BACK = """
with mine as (
  select workspace_id, entity, member_id from pending
  where workspace_id = :workspace_id and lease_holder = :holder
  order by entity, member_id for update
)
update pending q set lease_holder = '', lease_until = null, last_code = :code,
  attempts = greatest(q.attempts - 1, 0)
from mine where q.workspace_id = mine.workspace_id and q.entity = mine.entity
  and q.member_id = mine.member_id
"""
TAKE = f"""
with due as (
  select workspace_id, entity, member_id from pending
  where workspace_id = :workspace_id and due_at <= now() and class = any(:classes)
    and (lease_until is null or lease_until < now())
  order by class desc, due_at, member_id limit :many for update skip locked
), leased as (
  update pending q set lease_holder = :holder, lease_until = now() + :lease,
    leased_generation = q.generation, attempts = q.attempts + 1
  from due where q.workspace_id = due.workspace_id and q.entity = due.entity
    and q.member_id = due.member_id
  returning q.workspace_id, q.entity, q.member_id, q.generation, q.attempts, q.class
)
select l.generation, l.attempts, l.class, {COLUMNS}
from leased l join pairs p on p.workspace_id = l.workspace_id and p.entity = l.entity
  and p.member_id = l.member_id
order by p.member_id
"""  # noqa: S608 - our own column names
DUE = """
select class from (values ('event'), ('batch')) as c(class)
where exists (select from pending q where q.workspace_id = :workspace_id and q.class = c.class
  and q.due_at <= now() and (q.lease_until is null or q.lease_until < now()))
"""
STANDING = """
select p.member_id from pairs p join pending q on q.workspace_id = p.workspace_id
  and q.entity = p.entity and q.member_id = p.member_id
where p.workspace_id = :workspace_id and q.lease_holder = :holder and q.lease_until > now()
  and (p.member_id, p.link_revision) in (
    select member_id, link_revision from jsonb_to_recordset(cast(:rows as jsonb))
      as s(member_id text, link_revision bigint))
"""


class Queue:
    """Every lease names its holder: one that has run out settles nothing."""

    def __init__(self, statements: Statements, lease: timedelta = LEASE) -> None:
        self._sql, self._lease = statements, lease

    async def wake(self) -> None:
        """Make those due that something came in for; handlers leave no lock on the queue."""
        woken = await self._sql.all(WOKEN, many=MANY)
        if not woken:
            return
        await self._sql.run(WAKE, workspaces=sorted({row.workspace_id for row in woken}))
        unparked = sorted({row.workspace_id for row in woken if row.unpark})
        if unparked:
            await self._sql.run(UNPARK, workspaces=unparked)

    async def claim(self, holder: str) -> Turn | None:
        """Take the turn of the workspace that has waited longest."""
        row = (await self._sql.run(CLAIM, holder=holder, lease=self._lease)).first()
        if row is None:
            return None
        told = row.usage_limit is not None
        usage = ApiUsage(row.usage_used, row.usage_limit) if told else None
        return Turn(
            row.workspace_id, holder, row.active, row.org_id, usage, row.parkings, row.usage_at
        )

    async def due(self, turn: Turn) -> set[str]:
        """Name the classes that have work due."""
        rows = await self._sql.all(DUE, workspace_id=turn.workspace_id)
        return {getattr(row, "class") for row in rows}

    async def take(self, turn: Turn, classes: Collection[str], many: int = MANY) -> list[Work]:
        """Lease what is due of these classes, the more urgent first."""
        rows = await self._sql.all(
            TAKE,
            workspace_id=turn.workspace_id,
            holder=turn.holder,
            classes=sorted(classes),
            lease=self._lease,
            many=many,
        )
        return [
            Work(read_pair(row), row.generation, row.attempts, getattr(row, "class") == "event")
            for row in rows
        ]

    async def standing(self, turn: Turn, work: Collection[Work]) -> set[str]:
        """Name the members whose lease and link revision still stand."""
        rows = [
            {"member_id": one.pair.member_id, "link_revision": one.pair.link_revision}
            for one in work
        ]
        found = await self._sql.over(
            STANDING, rows, workspace_id=turn.workspace_id, holder=turn.holder
        )
        return {row.member_id for row in found}

    async def renew(self, turn: Turn) -> None:
        """Hold on to the turn and its work for another lease."""
        where = {"workspace_id": turn.workspace_id, "holder": turn.holder}
        await self._sql.run(RENEW, lease=self._lease, **where)
        await self._sql.run(RENEW_TURN, lease=self._lease, **where)

    async def end(self, turn: Turn, seen: tuple[ApiUsage, datetime] | None) -> None:
        """Give the turn back; the next is when something is due.

        What was seen of the org's limit is kept for whoever takes the next after a restart.

        The row is locked first: what came in while waiting for it is seen in what is due.
        """
        usage, at = seen or (None, None)
        told = {"used": usage and usage.used, "limit": usage and usage.limit, "at": at}
        where = {"workspace_id": turn.workspace_id, "holder": turn.holder}
        await self._sql.run(LOCK_TURN, **where)
        await self._sql.run(END, **told, **where)

    async def defer(self, turn: Turn, code: str, wait: timedelta) -> None:
        """End the turn; what is left waits, but anything new is looked at at once."""
        where = {"workspace_id": turn.workspace_id, "holder": turn.holder}
        await self._sql.run(DEFER, code=code, wait=wait, **where)

    async def park(self, turn: Turn, code: str, wait: timedelta) -> None:
        """Hold the workspace back; its leased work goes back as it was."""
        where = {"workspace_id": turn.workspace_id, "holder": turn.holder}
        await self._sql.run(GIVE_BACK, code=code, **where)
        await self._sql.run(PARK, code=code, wait=wait, **where)
