"""Turns, cursors and linked records; the caller owns the transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, any_, bindparam, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.errors import TransientError
from crmlink_sync_inbound.domain import PAGE, Cursor
from crmlink_sync_inbound.storage.tables import (
    CaptureRow,
    ConfigRow,
    ConnectionRow,
    CursorRow,
    LinkRow,
    WorkspaceRow,
    table,
)

LEASE = timedelta(minutes=3)  # longer than the calls of one turn
NOT_WOKEN = timedelta(days=1)  # longer than any wait


@dataclass(frozen=True, slots=True)
class Turn:
    """A workspace that this poller, and until the lease ends no other, works on."""

    workspace_id: str
    fence: int
    wait: timedelta
    last_safety_at: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to watch for a workspace, as its projections say."""

    active: bool
    org_id: str
    objects: list[str]
    fields: list[str]
    interval_min: int
    interval_max: int
    has_links: bool


class LeaseLostError(TransientError):
    """Another poller has taken over: nothing may be saved."""


class CaptureRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def claim(self, holder: str) -> Turn | None:
        """Take the workspace that has been due longest."""
        due = table(CaptureRow)
        waiting = and_(due.c.lease_until.is_(None), due.c.due_at <= func.now())
        first = (
            select(due.c.workspace_id)
            .where(or_(waiting, due.c.lease_until < func.now()))
            .order_by(due.c.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        taken = (
            update(due)
            .where(due.c.workspace_id.in_(first))
            .values(
                lease_holder=holder,
                lease_until=func.now() + LEASE,
                fence=due.c.fence + 1,
                due_at=func.now() + NOT_WOKEN,
            )
            .returning(due)
        )
        row = (await self._session.execute(taken)).first()
        if row is None:
            return None
        wait = timedelta(seconds=row.wait_seconds)
        return Turn(row.workspace_id, row.fence, wait, row.last_safety_at)

    async def settle(
        self,
        turn: Turn,
        wait: timedelta,
        *,
        error_code: str = "",
        safety_at: datetime | None = None,
    ) -> None:
        """End a turn; a wake-up that came meanwhile makes the workspace due at once."""
        due = table(CaptureRow)
        values: dict[str, Any] = {
            "lease_until": None,
            "lease_holder": "",
            # a wake-up during the turn has set due_at back from NOT_WOKEN
            "due_at": func.least(due.c.due_at, func.now() + wait),
            "wait_seconds": wait.total_seconds(),
            "error_code": error_code,
        }
        if not error_code:
            values["last_poll_at"] = func.now()
        if safety_at is not None:
            values["last_safety_at"] = safety_at
        await self._session.execute(
            update(due)
            .where(due.c.workspace_id == turn.workspace_id, due.c.fence == turn.fence)
            .values(values)
        )

    async def plan(self, workspace_id: str) -> Plan:
        """Read what to watch."""
        workspace = await self._session.get(WorkspaceRow, workspace_id)
        connection = await self._session.get(ConnectionRow, workspace_id)
        config = await self._session.get(ConfigRow, (workspace_id, "member"))
        links = table(LinkRow)
        some = select(links.c.member_id).where(links.c.workspace_id == workspace_id, links.c.linked)
        has_links = (await self._session.execute(some.limit(1))).first() is not None
        known = config is not None and config.deleted_at is None
        target = config.target_object if config is not None and known else "Contact"
        return Plan(
            active=bool(
                workspace and workspace.crm_salesforce and connection and connection.usable
            ),
            org_id=connection.org_id if connection else "",
            objects=list(dict.fromkeys(["Contact", "Lead", target])),
            fields=list(config.fields) if config is not None and known else [],
            interval_min=config.interval_min if config is not None and known else 60,
            interval_max=config.interval_max if config is not None and known else 300,
            has_links=has_links,
        )

    async def cursors(self, workspace_id: str, org_id: str) -> dict[str, Cursor]:
        rows = table(CursorRow)
        found = await self._session.execute(
            select(rows).where(rows.c.workspace_id == workspace_id, rows.c.org_id == org_id)
        )
        return {row.object: Cursor(row.modstamp, row.record_id) for row in found}

    async def save_cursor(self, turn: Turn, org_id: str, sobject: str, cursor: Cursor) -> None:
        """Move a cursor.

        Raises:
            LeaseLostError: another poller has this workspace now.
        """
        await self.hold(turn)
        row = {
            "workspace_id": turn.workspace_id,
            "org_id": org_id,
            "object": sobject,
            "modstamp": cursor.modstamp,
            "record_id": cursor.record_id,
        }
        statement = insert(table(CursorRow)).values(row)
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id", "org_id", "object"],
                set_={"modstamp": cursor.modstamp, "record_id": cursor.record_id},
            )
        )

    async def hold(self, turn: Turn) -> None:
        """Extend the lease, or raise LeaseLostError."""
        due = table(CaptureRow)
        held = await self._session.execute(
            update(due)
            .where(due.c.workspace_id == turn.workspace_id, due.c.fence == turn.fence)
            .values(lease_until=func.now() + LEASE)
            .returning(due.c.workspace_id)
        )
        if held.first() is None:
            raise LeaseLostError("another poller has this workspace")

    async def linked(
        self, workspace_id: str, org_id: str, ids: Collection[str]
    ) -> dict[str, datetime | None]:
        """Of these records, give the linked ones with their newest published stamp."""
        links = table(LinkRow)
        rows = await self._session.execute(
            select(links.c.record_id, links.c.published).where(
                links.c.workspace_id == workspace_id,
                links.c.org_id == org_id,
                links.c.record_id == any_(literal(list(ids), ARRAY(TEXT))),
                links.c.linked,
            )
        )
        return {row.record_id: row.published for row in rows}

    async def mark_published(
        self, workspace_id: str, org_id: str, stamps: Mapping[str, datetime]
    ) -> None:
        """Remember the newest stamp of each record that went out."""
        links = table(LinkRow)
        if not stamps:
            return
        statement = (
            update(links)
            .where(
                links.c.workspace_id == workspace_id,
                links.c.org_id == org_id,
                links.c.record_id == bindparam("b_record_id"),
            )
            .values(published=func.greatest(links.c.published, bindparam("b_stamp")))
        )
        rows = [{"b_record_id": key, "b_stamp": stamps[key]} for key in sorted(stamps)]
        connection = await self._session.connection()
        await connection.execute(statement, rows)

    async def to_reread(
        self, workspace_id: str, org_id: str
    ) -> Sequence[tuple[str, str, str, int]]:
        """List linked records that must be read again: member, record, object, link revision."""
        links = table(LinkRow)
        rows = await self._session.execute(
            select(links.c.member_id, links.c.record_id, links.c.object, links.c.revision)
            .where(
                links.c.workspace_id == workspace_id,
                links.c.org_id == org_id,
                links.c.linked,
                links.c.reread_due,
            )
            .order_by(links.c.member_id)
            .limit(PAGE)
        )
        return [(row.member_id, row.record_id, row.object, row.revision) for row in rows]

    async def reread_done(self, workspace_id: str, done: Sequence[tuple[str, int]]) -> None:
        """Clear the mark, unless the link has changed since."""
        links = table(LinkRow)
        statement = (
            update(links)
            .where(
                links.c.workspace_id == workspace_id,
                links.c.member_id == bindparam("b_member_id"),
                links.c.revision == bindparam("b_revision"),
            )
            .values(reread_due=False)
        )
        rows = [
            {"b_member_id": member, "b_revision": revision} for member, revision in sorted(done)
        ]
        if rows:
            connection = await self._session.connection()
            await connection.execute(statement, rows)

    async def shown(self, workspace_id: str) -> dict[str, Any]:
        """Tell a person how capture stands."""
        due = await self._session.get(CaptureRow, workspace_id)
        plan = await self.plan(workspace_id)
        cursors = await self.cursors(workspace_id, plan.org_id)
        state = "polling" if plan.active else "waiting_for_connection"
        if due is not None and due.error_code:
            state = "error"
        return {
            "state": state,
            "cursor": {
                sobject: {"modstamp": cursor.modstamp, "id": cursor.record_id}
                for sobject, cursor in cursors.items()
            },
            "last_poll_at": due.last_poll_at if due else None,
            "next_poll_at": due.due_at if due else None,
            "verified_at": due.last_safety_at if due else None,
            "error": due.error_code or None if due else None,
        }
