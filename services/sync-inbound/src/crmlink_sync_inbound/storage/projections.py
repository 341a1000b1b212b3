"""What the compacted topics say, as far as capture needs it; an older revision changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, and_, case, func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_sync_inbound.storage.tables import (
    CaptureRow,
    ConfigRow,
    ConnectionRow,
    LinkRow,
    WorkspaceRow,
    table,
)

Values = dict[str, Any]


class Projections:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def save_workspaces(self, rows: Sequence[Values]) -> None:
        await self._upsert(table(WorkspaceRow), rows)
        await self._wake({row["workspace_id"] for row in rows})

    async def save_connections(self, rows: Sequence[Values]) -> None:
        await self._upsert(table(ConnectionRow), rows)
        await self._wake({row["workspace_id"] for row in rows})

    async def save_configs(self, rows: Sequence[Values]) -> None:
        await self._upsert(table(ConfigRow), rows)
        await self._wake({row["workspace_id"] for row in rows}, parked=False)

    async def save_links(self, rows: Sequence[Values]) -> None:
        """Keep links. One that is new, or to another record, is to be read again."""
        links = table(LinkRow)
        statement = insert(links)
        new = statement.excluded
        moved = or_(
            links.c.record_id != new.record_id,
            links.c.org_id != new.org_id,
            and_(new.linked, ~links.c.linked),
        )
        changed: dict[str, Any] = {c.name: new[c.name] for c in links.c if not c.primary_key}
        changed["reread_due"] = and_(new.linked, or_(moved, links.c.reread_due))
        changed["published"] = case((moved, None), else_=links.c.published)
        statement = statement.on_conflict_do_update(
            index_elements=["workspace_id", "member_id"],
            set_=changed,
            where=links.c.revision < new.revision,
        )
        await self._session.execute(statement, sorted(rows, key=_key))
        await self._wake({row["workspace_id"] for row in rows if row["linked"]}, parked=False)

    async def _upsert(self, target: Table, rows: Sequence[Values]) -> None:
        """Insert or replace in key order, so that two batches never wait for each other."""
        statement = insert(target)
        statement = statement.on_conflict_do_update(
            index_elements=[c.name for c in target.primary_key],
            set_={c.name: statement.excluded[c.name] for c in target.c if not c.primary_key},
            where=target.c.revision < statement.excluded.revision,
        )
        await self._session.execute(statement, sorted(rows, key=_key))

    async def _wake(self, workspaces: Collection[str], *, parked: bool = True) -> None:
        """Make them due at once; those that rest at a limit, between two turns, only if told."""
        if not workspaces:
            return
        due = table(CaptureRow)
        soon = func.least(due.c.due_at, func.now())
        resting = and_(due.c.parked, due.c.lease_until.is_(None))
        statement = insert(due).on_conflict_do_update(
            index_elements=["workspace_id"],
            set_={
                "due_at": soon if parked else case((resting, due.c.due_at), else_=soon),
                "wait_seconds": 0,
            },
        )
        rows = [{"workspace_id": one} for one in sorted(workspaces)]
        await self._session.execute(statement, rows)


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["workspace_id"], str(row.get("member_id") or row.get("entity") or "")
