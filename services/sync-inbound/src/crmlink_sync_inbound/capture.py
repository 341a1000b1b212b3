"""One turn of capture: read again what is new to us, poll, and now and then look back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.cloudevents import Record as Message
from crmlink_common.contracts.cloudevents import encode
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1, SalesforceChange
from crmlink_common.errors import CrmLinkError, LimitError, NotConnectedError
from crmlink_common.salesforce.client import Org, SalesforceError
from crmlink_common.salesforce.limits import ApiBudget, WorkClass
from crmlink_sync_inbound.domain import (
    PAGE,
    SAFETY_EVERY,
    SAFETY_WINDOW,
    Cursor,
    advanced,
    fast_edge,
    kind_of,
    next_wait,
    poll_query,
    read_time,
    safety_query,
    stretched,
    successor_of,
    watched_fields,
)
from crmlink_sync_inbound.storage.capture import CaptureRepository, Plan, Turn

log = logging.getLogger(__name__)
INACTIVE = timedelta(hours=1)  # a connection, a link or a flag wakes it before
TROUBLE = timedelta(seconds=5)
PARKED = timedelta(minutes=5)
IDS_IN_QUERY = 400  # a record id takes 21 characters of the 100,000 a statement may have
Origin = Literal["poll", "safety", "reread"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Visit:
    """One turn's workspace, what to watch in it, and its org."""

    turn: Turn
    plan: Plan
    org: Org

    @property
    def where(self) -> tuple[str, str]:
        return self.turn.workspace_id, self.plan.org_id

    @property
    def time(self) -> datetime | None:
        """The org's clock at its last answer."""
        return self.org.server_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Sees every change of a linked record at least once, in the order of its stamps."""

    sessions: async_sessionmaker[AsyncSession]
    open_org: Callable[[str], Awaitable[Org]]
    publish: Callable[[Sequence[Message]], Awaitable[None]]
    holder: str
    budget: ApiBudget = field(default_factory=ApiBudget)
    now: Callable[[], datetime] = _now
    new_id: Callable[[], UUID] = uuid4

    async def take_turn(self) -> bool:
        """Work on the workspace that has been due longest; say whether there was one."""
        async with self.sessions.begin() as session:
            turn = await CaptureRepository(session).claim(self.holder)
        if turn is None:
            return False
        try:
            wait, safety_at = await self._work(turn)
        except CrmLinkError as exc:
            log.warning("capture put off", extra={"error_code": exc.code})
            await self._settle(turn, _wait_after(exc, turn.wait), error_code=exc.code)
        else:
            await self._settle(turn, wait, safety_at=safety_at)
        return True

    async def _settle(self, turn: Turn, wait: timedelta, **told: Any) -> None:  # noqa: ANN401
        async with self.sessions.begin() as session:
            await CaptureRepository(session).settle(turn, wait, **told)

    async def _work(self, turn: Turn) -> tuple[timedelta, datetime | None]:
        async with self.sessions.begin() as session:
            plan = await CaptureRepository(session).plan(turn.workspace_id)
        if not plan.active or not plan.has_links:
            return INACTIVE, None
        org = await self.open_org(turn.workspace_id)
        if org.org_id != plan.org_id:  # the event of a new connection is still on its way
            return TROUBLE, None
        visit = Visit(turn, plan, org)
        cursors = await self._cursors(visit)  # first: a change after the re-read is polled
        reread = await self._reread(visit)
        polled = False
        for sobject, cursor in cursors.items():
            polled |= await self._poll_object(visit, sobject, cursor)
        safety_at = await self._look_back(visit) if not reread else None
        wait = next_wait(
            turn.wait,
            busy=reread or polled,
            shortest=plan.interval_min,
            longest=plan.interval_max,
        )
        return self._within_budget(org, wait), safety_at

    def _within_budget(self, org: Org, wait: timedelta) -> timedelta:
        if org.usage is None:
            return wait
        left = self.budget.remaining(WorkClass.EVENT, org.usage)
        return stretched(wait, left / max(1, org.usage.limit)) if left else PARKED

    async def _fields(self, visit: Visit, sobject: str) -> list[str]:
        described = await visit.org.describe(sobject)
        names = [str(field["name"]) for field in described["fields"]]
        return watched_fields(names, visit.plan.fields)

    async def _cursors(self, visit: Visit) -> dict[str, Cursor]:
        async with self.sessions.begin() as session:
            known = await CaptureRepository(session).cursors(*visit.where)
        return {
            sobject: known.get(sobject) or await self._begin(visit, sobject)
            for sobject in visit.plan.objects
        }

    async def _begin(self, visit: Visit, sobject: str) -> Cursor:
        """Start from now, by the org's clock: what is linked is read again anyway."""
        if visit.time is None:
            await visit.org.limits()
        start = Cursor(fast_edge(visit.time or self.now()))
        async with self.sessions.begin() as session:
            await CaptureRepository(session).save_cursor(
                visit.turn, visit.plan.org_id, sobject, start
            )
        return start

    async def _poll_object(self, visit: Visit, sobject: str, cursor: Cursor) -> bool:
        fields = await self._fields(visit, sobject)
        news = False
        while True:
            if visit.time is None:
                await visit.org.limits()
            edge = fast_edge(visit.time or self.now())
            page = await visit.org.query(
                poll_query(sobject, fields, cursor, edge), include_deleted=True
            )
            records = page.records
            news |= await self._tell(visit, sobject, records, "poll") > 0
            cursor = advanced(cursor, records)
            if records:
                async with self.sessions.begin() as session:
                    await CaptureRepository(session).save_cursor(
                        visit.turn, visit.plan.org_id, sobject, cursor
                    )
            if len(records) < PAGE:
                return news

    async def _tell(
        self,
        visit: Visit,
        sobject: str,
        records: Sequence[Mapping[str, Any]],
        origin: Origin,
    ) -> int:
        """Publish what is linked and not yet told; a crash after it repeats harmlessly."""
        if not records:
            return 0
        async with self.sessions.begin() as session:
            linked = await CaptureRepository(session).linked(
                *visit.where, [str(record["Id"]) for record in records]
            )
        stamps: dict[str, datetime] = {}
        messages: list[Message] = []
        for record in records:
            key, stamp = str(record["Id"]), read_time(record.get("SystemModstamp"))
            if key not in linked or stamp is None:
                continue
            known = linked[key]
            if origin == "safety" and known is not None and stamp <= known:
                continue
            messages.append(self._message(visit, sobject, record, origin))
            stamps[key] = stamp
        await self.publish(messages)
        async with self.sessions.begin() as session:
            await CaptureRepository(session).mark_published(*visit.where, stamps)
        return len(messages)

    def _message(
        self, visit: Visit, sobject: str, record: Mapping[str, Any], origin: Origin
    ) -> Message:
        kind = kind_of(record)
        change = SalesforceChange(
            workspace_id=visit.turn.workspace_id,
            record_id=str(record["Id"]),
            object=sobject,
            org_id=visit.org.org_id,
            kind="reread" if origin == "reread" and kind == "updated" else kind,
            values=dict(record),
            last_modified_date=read_time(record.get("LastModifiedDate")),
            system_modstamp=read_time(record.get("SystemModstamp")),
            observed_at=visit.time or self.now(),
            successor_id=successor_of(record),
            origin=origin,
        )
        return encode(
            SALESFORCE_CHANGES_V1,
            change,
            event_id=str(self.new_id()),
            source="/sync-inbound",
            time=self.now(),
        )

    async def _reread(self, visit: Visit) -> bool:
        """Read what was linked, or watched more closely, since: it may have changed unseen."""
        async with self.sessions.begin() as session:
            todo = await CaptureRepository(session).to_reread(*visit.where)
        for sobject in dict.fromkeys(row[2] for row in todo):
            ids = [record_id for _, record_id, name, _ in todo if name == sobject]
            fields = await self._fields(visit, sobject)
            found = await self._read_with_deleted(visit.org, sobject, fields, ids)
            await self._tell(visit, sobject, found, "reread")
        async with self.sessions.begin() as session:
            repository = CaptureRepository(session)
            await repository.hold(visit.turn)
            await repository.reread_done(
                visit.turn.workspace_id, [(row[0], row[3]) for row in todo]
            )
        return bool(todo)

    async def _read_with_deleted(
        self, org: Org, sobject: str, fields: Sequence[str], ids: Sequence[str]
    ) -> list[dict[str, Any]]:
        found = await org.retrieve(sobject, ids, fields)
        records = list(found.values())
        missing = [record_id for record_id in ids if record_id not in found]
        for some in _chunks(missing, IDS_IN_QUERY):
            listed = ", ".join(f"'{record_id}'" for record_id in some)
            soql = f"SELECT {', '.join(fields)} FROM {sobject} WHERE Id IN ({listed})"  # noqa: S608
            async for page in org.query_pages(soql, include_deleted=True, max_records=PAGE):
                records += page
        return records

    async def _look_back(self, visit: Visit) -> datetime | None:
        """Find what became visible after the cursor had passed its stamp (late commits)."""
        now = visit.time or self.now()
        if visit.turn.last_safety_at is not None and now - visit.turn.last_safety_at < SAFETY_EVERY:
            return None
        for sobject in visit.plan.objects:
            cursor, end = Cursor(now - SAFETY_WINDOW), fast_edge(now)
            while True:
                page = await visit.org.query(
                    safety_query(sobject, cursor, end), include_deleted=True
                )
                unseen = await self._unseen(visit, page.records)
                if unseen:
                    fields = await self._fields(visit, sobject)
                    found = await self._read_with_deleted(visit.org, sobject, fields, unseen)
                    await self._tell(visit, sobject, found, "safety")
                cursor = advanced(cursor, page.records)
                if len(page.records) < PAGE:
                    break
        return now

    async def _unseen(self, visit: Visit, records: Sequence[Mapping[str, Any]]) -> list[str]:
        stamps = {str(r["Id"]): read_time(r.get("SystemModstamp")) for r in records}
        async with self.sessions.begin() as session:
            linked = await CaptureRepository(session).linked(*visit.where, list(stamps))
        return [
            key
            for key, known in linked.items()
            if (stamp := stamps[key]) is not None and (known is None or stamp > known)
        ]


def _wait_after(error: CrmLinkError, previous: timedelta) -> timedelta:
    """Park on a used-up limit, rest long without a connection, else try again ever later."""
    if isinstance(error, NotConnectedError):
        return INACTIVE
    if isinstance(error, LimitError):
        return PARKED
    asked = error.retry_after if isinstance(error, SalesforceError) else None
    return min(asked or max(TROUBLE, previous * 2), PARKED)


def _chunks(ids: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
