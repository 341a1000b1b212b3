"""The audit trail: what people and services did or refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_gateway.ports import Values
from crmlink_gateway.storage.tables import ActivityRow, table

activity = table(ActivityRow)
SHOWN = [
    activity.c[name]
    for name in ("at", "action", "actor", "member_id", "record_id", "run_id", "code", "details")
]


class TrailRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, rows: Sequence[Values]) -> None:
        """Write down what is new; the same message again is no news."""
        if rows:
            ordered = sorted(rows, key=_key)
            await self._session.execute(insert(activity).on_conflict_do_nothing(), ordered)

    async def page(
        self, workspace_id: str, *, page: int, page_size: int, member_id: str = ""
    ) -> Values:
        """Show the newest first; ``member_id`` narrows it to one member."""
        theirs = activity.c.workspace_id == workspace_id
        if member_id:
            theirs = and_(theirs, activity.c.member_id == member_id)
        total = await self._session.scalar(select(func.count()).select_from(activity).where(theirs))
        rows = await self._session.execute(
            select(*SHOWN)
            .where(theirs)
            .order_by(activity.c.at.desc(), activity.c.event_id)
            .limit(page_size)
            .offset((page - 1) * page_size)
        )
        items = [dict(row) for row in rows.mappings()]
        return {"items": items, "total": total or 0, "page": page, "page_size": page_size}

    async def forget_before(self, moment: datetime, most: int) -> int:
        """Remove at most ``most`` entries older than ``moment``; return how many."""
        keys = tuple_(*activity.primary_key.columns)
        old = select(*activity.primary_key.columns).where(activity.c.at < moment).limit(most)
        gone = delete(activity).where(keys.in_(old)).returning(activity.c.event_id)
        return len((await self._session.execute(gone)).all())


def _key(row: Values) -> tuple[str, str, str]:
    return row["workspace_id"], row["source"], row["event_id"]
