"""Whose turn it is: one poller works on a workspace at a time. The caller owns the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.errors import TransientError
from crmlink_sync_inbound.domain import News, news_of
from crmlink_sync_inbound.storage.tables import CaptureRow, table

LEASE = timedelta(minutes=3)  # longer than one call with all its tries
NOT_WOKEN = timedelta(days=1)  # longer than any wait


class LeaseLostError(TransientError):
    """Another poller has taken over: nothing may be saved."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class Turn:
    """A workspace that this poller, and until the lease ends no other, works on."""

    workspace_id: str
    fence: int
    wait: timedelta
    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended: when the next is due, and what went wrong, if anything."""

    wait: timedelta
    error_code: str = ""
    parked: bool = False  # by a limit: only a connection wakes it before
    idle: bool = False  # nothing was to be read: that says nothing of errors


class Turns:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def claim(self, holder: str, lease: timedelta = LEASE) -> Turn | None:
        """Take the workspace that has been due longest."""
        due = table(CaptureRow)
        waiting = and_(due.c.lease_until.is_(None), due.c.due_at <= func.now())
        first = (
            select(due.c.workspace_id)
            .where(or_(waiting, due.c.lease_until < func.now()))
            .order_by(due.c.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
            .cte("first")  # in a subquery it could be run, and lock, more than once
        )
        taken = (
            update(due)
            .where(due.c.workspace_id == first.c.workspace_id)
            .values(
                lease_holder=holder,
                lease_until=func.now() + lease,
                fence=due.c.fence + 1,
                due_at=func.now() + NOT_WOKEN,
            )
            .returning(due)
        )
        row = (await self._session.execute(taken)).first()
        if row is None:
            return None
        return Turn(row.workspace_id, row.fence, timedelta(seconds=row.wait_seconds), lease)

    async def hold(self, turn: Turn) -> None:
        """Extend the lease, and keep others from taking it until this transaction ends.

        Raises:
            LeaseLostError: another poller has this workspace now.
        """
        due = table(CaptureRow)
        held = await self._session.execute(
            update(due)
            .where(due.c.workspace_id == turn.workspace_id, due.c.fence == turn.fence)
            .values(lease_until=func.now() + turn.lease)
            .returning(due.c.workspace_id)
        )
        if held.first() is None:
            raise LeaseLostError("another poller has this workspace")

    async def settle(self, turn: Turn, outcome: Outcome) -> News | None:
        """End a turn, unless it was lost; a wake-up that came meanwhile makes it due at once.

        Return what people should hear of it, if anything.
        """
        due = table(CaptureRow)
        held = (due.c.workspace_id == turn.workspace_id, due.c.fence == turn.fence)
        row = (await self._session.execute(select(due).where(*held).with_for_update())).first()
        if row is None:
            return None
        now = outcome.error_code
        news = None if outcome.idle else news_of(row.error_code, row.told_error, now)
        told = "" if outcome.idle or not now else row.told_error
        values: dict[str, Any] = {
            "lease_until": None,
            "lease_holder": "",
            # a wake-up during the turn has set due_at back from NOT_WOKEN
            "due_at": func.least(due.c.due_at, func.now() + outcome.wait),
            "wait_seconds": outcome.wait.total_seconds(),
            "error_code": outcome.error_code,
            "parked": outcome.parked,
            "told_error": news.code if news and now else told,
        }
        if not now and not outcome.idle:
            values["last_poll_at"] = func.now()
        await self._session.execute(update(due).where(*held).values(values))
        return news
