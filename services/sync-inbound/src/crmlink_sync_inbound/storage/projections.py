"""What the compacted topics say, as far as capture needs it; an older revision changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, and_, case, func, or_, select, update
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
        """Keep configurations; a field that is new to capture makes every link be read again."""
        configs = table(ConfigRow)
        known = {
            (row.workspace_id, row.entity): set(row.fields)
            for row in await self._session.execute(
                select(configs.c.workspace_id, configs.c.entity, configs.c.fields).where(
                    configs.c.workspace_id.in_({row["workspace_id"] for row in rows})
                )
            )
        }
        widened = {
            row["workspace_id"]
            for row in rows
            if set(row["fields"]) - known.get((row["workspace_id"], row["entity"]), set())
        }
        await self._upsert(configs, rows)
        links = table(LinkRow)
        await self._session.execute(
            update(links)
            .where(links.c.workspace_id.in_(widened), links.c.linked)
            .values(reread_due=True)
        )
        await self._wake({row["workspace_id"] for row in rows})

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
        await self._wake({row["workspace_id"] for row in rows if row["linked"]})

    async def _upsert(self, target: Table, rows: Sequence[Values]) -> None:
        """Insert or replace in key order, so that two batches never wait for each other."""
        statement = insert(target)
        statement = statement.on_conflict_do_update(
            index_elements=[c.name for c in target.primary_key],
            set_={c.name: statement.excluded[c.name] for c in target.c if not c.primary_key},
            where=target.c.revision < statement.excluded.revision,
        )
        await self._session.execute(statement, sorted(rows, key=_key))

    async def _wake(self, workspaces: Collection[str]) -> None:
        """Make them due at once, but leave a longer wait after trouble to itself."""
        if not workspaces:
            return
        due = table(CaptureRow)
        statement = insert(due)
        statement = statement.on_conflict_do_update(
            index_elements=["workspace_id"],
            set_={"due_at": func.least(due.c.due_at, func.now()), "wait_seconds": 0},
        )
        await self._session.execute(
            statement, [{"workspace_id": one} for one in sorted(workspaces)]
        )


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["workspace_id"], str(row.get("member_id") or row.get("entity") or "")
