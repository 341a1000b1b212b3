"""One turn of capture: read again what is new to us, look back now and then, and poll."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.errors import CrmLinkError, LimitError, NotConnectedError, PermanentError
from crmlink_common.messaging.outbox import Outbox
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.client import Org, SalesforceError
from crmlink_common.salesforce.limits import WorkClass
from crmlink_sync_inbound.domain import (
    PAGE,
    Cursor,
    advanced,
    fast_edge,
    look_back_from,
    next_look_back,
    next_wait,
    poll_query,
    read_time,
    safety_query,
    stretched,
)
from crmlink_sync_inbound.storage.capture import CaptureRepository, Plan, Where
from crmlink_sync_inbound.storage.turns import LEASE, Outcome, Turn, Turns
from crmlink_sync_inbound.telling import Records, Seen, Teller
from crmlink_sync_inbound.view import OrgMemory, OrgView

log = logging.getLogger(__name__)
INACTIVE = timedelta(hours=1)  # a connection, a link or a flag wakes it before
TROUBLE = timedelta(seconds=5)
PARKED = timedelta(minutes=5)
AT_ONCE = timedelta(0)
ROUNDS = 10  # calls of one turn that catches up: then other workspaces have theirs


@dataclass(slots=True)
class Visit:
    """One turn's workspace, what to watch in it, and its org."""

    turn: Turn
    plan: Plan
    view: OrgView
    fields: dict[str, list[str]]
    faults: dict[str, str]
    where: dict[str, Where]
    trouble: SalesforceError | None = None

    @property
    def org_id(self) -> str:
        return self.plan.org_id

    def note(self, errors: dict[str, SalesforceError]) -> None:
        """Keep what went wrong with some objects; the others go on."""
        for sobject, error in errors.items():
            if isinstance(error, PermanentError):
                self.faults[sobject] = error.code
                self.view.forget(sobject)
            else:
                self.trouble = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Sees every change of a linked record at least once, in the order of its stamps."""

    sessions: async_sessionmaker[AsyncSession]
    open_org: Callable[[str], Awaitable[Org]]
    teller: Teller
    holder: str
    lease: timedelta = LEASE
    memory: OrgMemory = field(default_factory=OrgMemory)
    budgets: Budgets = field(default_factory=Budgets)

    async def take_turn(self) -> bool:
        """Work on the workspace that has been due longest; say whether there was one."""
        async with self.sessions.begin() as session:
            turn = await Turns(session).claim(self.holder, self.lease)
        if turn is None:
            return False
        try:
            outcome = await self._work(turn)
        except CrmLinkError as exc:
            log.warning("capture put off", extra={"error_code": exc.code})
            outcome = outcome_of(exc, turn.wait)
        async with self.sessions.begin() as session:
            if (news := await Turns(session).settle(turn, outcome)) is not None:
                await Outbox(session).add([self.teller.trace(turn, news)])
        return True

    async def _work(self, turn: Turn) -> Outcome:
        async with self.sessions.begin() as session:
            repository = CaptureRepository(session, turn.workspace_id)
            plan = await repository.plan()
            if plan.active and not plan.has_links:
                await repository.forget_cursors(plan.org_id)
        if not plan.active or not plan.has_links:
            return Outcome(INACTIVE, idle=True)
        org = await self.open_org(turn.workspace_id)
        if org.org_id != plan.org_id:  # the event of a new connection is still on its way
            return Outcome(TROUBLE, idle=True)
        await self.budgets.admit(org, WorkClass.EVENT)
        place = turn.workspace_id, org.org_id
        try:
            with self.budgets.watching(*place, WorkClass.EVENT):
                return await self._visited(turn, plan, org)
        finally:
            self.budgets.heard(*place, org.usage)  # a refusal tells it too

    async def _visited(self, turn: Turn, plan: Plan, org: Org) -> Outcome:
        visit = await self._begin(turn, plan, org)
        reread, more_links = await self._reread(visit)
        await self._look_back(visit)
        news, more_changes = await self._poll(visit)
        if visit.trouble is not None:
            raise visit.trouble
        wait = AT_ONCE
        if not more_links and not more_changes:
            wait = stretched(
                next_wait(
                    turn.wait,
                    busy=reread or news,
                    shortest=plan.interval_min,
                    longest=plan.interval_max,
                ),
                visit.view.remaining_share(),
            )
        return Outcome(wait, error_code=visit.faults.get(plan.target, ""))

    async def _begin(self, turn: Turn, plan: Plan, org: Org) -> Visit:
        """Have every cursor before anything is read: a change after a re-read is then polled."""
        view = OrgView(org=org, memory=self.memory, budgets=self.budgets)
        fields, faults = await view.watched(plan.objects, plan.fields)
        start = Cursor(fast_edge(await view.time()))
        async with self.sessions.begin() as session:
            await Turns(session).hold(turn)
            repository = CaptureRepository(session, turn.workspace_id)
            where = await repository.watch(plan.org_id, fields, start)
        return Visit(turn, plan, view, fields, faults, where)

    async def _reread(self, visit: Visit) -> tuple[bool, bool]:
        """Read what was linked, or watched more closely, since: it may have changed unseen.

        Return whether there was any, and whether there is more.
        """
        any_at_all = more = False
        for sobject, where in visit.where.items():
            async with self.sessions.begin() as session:
                repository = CaptureRepository(session, visit.turn.workspace_id)
                due = await repository.to_reread(visit.org_id, sobject, where.reread_after)
            ids = [one.record_id for one in due]
            if not await self._read_and_tell(visit, sobject, ids, "reread"):
                continue
            full = len(due) == PAGE
            swept = [one.member_id for one in due if not one.marked]
            after = (swept[-1] if swept else where.reread_after) if full else None
            if due or after != where.reread_after:
                async with self.sessions.begin() as session:
                    await Turns(session).hold(visit.turn)
                    repository = CaptureRepository(session, visit.turn.workspace_id)
                    await repository.reread_done(due)
                    await repository.save_sweep(visit.org_id, sobject, after)
            any_at_all |= bool(due)
            more |= full
        return any_at_all, more

    async def _read_and_tell(
        self, visit: Visit, sobject: str, ids: list[str], origin: Literal["safety", "reread"]
    ) -> bool:
        if not ids:
            return True
        at, fields = await visit.view.time(), visit.fields[sobject]
        try:
            found = await visit.view.read(sobject, fields, ids)
        except SalesforceError as exc:
            if not isinstance(exc, PermanentError):
                raise
            visit.note({sobject: exc})
            return False
        await self.teller.tell(visit.turn, visit.org_id, Seen(sobject, fields, found, at, origin))
        if len(found) < len(set(ids)):  # purged, or hidden from the connected user
            log.info("linked records not found", extra={"records": len(set(ids)) - len(found)})
        return True

    async def _look_back(self, visit: Visit) -> None:
        """Find what became visible after the cursor had passed its stamp (late commits)."""
        now = await visit.view.time()
        due = {
            sobject: where
            for sobject, where in visit.where.items()
            if where.look_back_at is None or where.look_back_at <= now
        }
        begins = {name: look_back_from(where.verified_at, now) for name, where in due.items()}
        positions = {
            name: Cursor(begins[name])
            for name, where in due.items()
            if begins[name] < where.cursor.modstamp
        }
        calls = 0
        while positions:
            rows, errors = await visit.view.ask(
                {
                    name: safety_query(name, position, due[name].cursor.modstamp)
                    for name, position in positions.items()
                }
            )
            calls += 1
            visit.note(errors)
            for name, records in rows.items():
                unseen = await self._unseen(visit, records)
                await self._read_and_tell(visit, name, unseen, "safety")
            if visit.trouble is not None:
                return
            positions = _unfinished(positions, rows)
        done = [name for name in due if name not in visit.faults]
        if done:
            async with self.sessions.begin() as session:
                await Turns(session).hold(visit.turn)
                repository = CaptureRepository(session, visit.turn.workspace_id)
                later = next_look_back(now, calls)
                await repository.looked_back(visit.org_id, done, now, later)

    async def _unseen(self, visit: Visit, records: Records) -> list[str]:
        if not records:
            return []
        stamps = {str(r["Id"]): read_time(r.get("SystemModstamp")) for r in records}
        async with self.sessions.begin() as session:
            await Turns(session).hold(visit.turn)
            repository = CaptureRepository(session, visit.turn.workspace_id)
            linked = await repository.linked(visit.org_id, list(stamps))
        return [
            key
            for key, known in linked.items()
            if (stamp := stamps[key]) is not None and (known is None or stamp > known)
        ]

    async def _poll(self, visit: Visit) -> tuple[bool, bool]:
        """Read on from the cursors; say whether there was news, and whether there is more."""
        positions = {
            name: where.cursor for name, where in visit.where.items() if name not in visit.faults
        }
        news = False
        for _ in range(ROUNDS):
            if not positions or visit.trouble is not None:
                break
            at = await visit.view.time()  # before the read: what is younger, the read may lack
            rows, errors = await visit.view.ask(
                {
                    name: poll_query(name, visit.fields[name], cursor, fast_edge(at))
                    for name, cursor in positions.items()
                }
            )
            visit.note(errors)
            for name, records in rows.items():
                seen = Seen(name, visit.fields[name], records, at, "poll")
                news |= await self.teller.tell(visit.turn, visit.org_id, seen) > 0
                if records:
                    await self._save(visit, name, advanced(positions[name], records))
            positions = _unfinished(positions, rows)
        return news, bool(positions)

    async def _save(self, visit: Visit, sobject: str, cursor: Cursor) -> None:
        async with self.sessions.begin() as session:
            await Turns(session).hold(visit.turn)
            repository = CaptureRepository(session, visit.turn.workspace_id)
            await repository.save_cursor(visit.org_id, sobject, cursor)


def _unfinished(positions: dict[str, Cursor], rows: dict[str, list[Any]]) -> dict[str, Cursor]:
    """Move to the end of each full page: there may be another."""
    return {
        name: advanced(positions[name], page) for name, page in rows.items() if len(page) == PAGE
    }


def outcome_of(error: CrmLinkError, previous: timedelta) -> Outcome:
    """Park at a limit, wait for the connection, else try again ever later."""
    asked: timedelta | None = getattr(error, "retry_after", None)
    if isinstance(error, LimitError):
        return Outcome(asked or PARKED, error.code, parked=True)
    if isinstance(error, NotConnectedError):  # oauth says so: its event wakes us
        return Outcome(PARKED, error.code)
    return Outcome(min(asked or max(TROUBLE, previous * 2), PARKED), error.code)
