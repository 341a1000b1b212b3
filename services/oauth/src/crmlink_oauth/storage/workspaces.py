"""The projection of workspaces.v1, and what services report of the org's daily limit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Text, any_, delete, exists, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_oauth.domain.workspaces import KnownWorkspace
from crmlink_oauth.service.ports import Usage
from crmlink_oauth.storage.tables import connections, usage, workspaces


class WorkspaceRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def allows(self, workspace_id: str) -> bool:
        """Say whether the feature is on."""
        flag = select(workspaces.c.crm_salesforce).where(workspaces.c.workspace_id == workspace_id)
        return await self._session.scalar(flag) is True

    async def lock(self, workspace_ids: Collection[str]) -> dict[str, KnownWorkspace]:
        wanted = any_(literal(list(workspace_ids), ARRAY(Text)))
        rows = await self._session.execute(
            select(workspaces)
            .where(workspaces.c.workspace_id == wanted)
            .order_by(workspaces.c.workspace_id)
            .with_for_update()
        )
        return {row["workspace_id"]: KnownWorkspace(**row) for row in rows.mappings()}

    async def save(self, known: Sequence[KnownWorkspace]) -> None:
        """Insert or replace; an older row never replaces a newer one."""
        statement = insert(workspaces)
        upsert = statement.on_conflict_do_update(
            index_elements=["workspace_id"],
            set_={
                c.name: statement.excluded[c.name] for c in workspaces.c if c.name != "workspace_id"
            },
            where=workspaces.c.revision < statement.excluded.revision,
        )
        rows = [one.as_row() for one in sorted(known, key=lambda one: one.workspace_id)]
        if rows:
            await self._session.execute(upsert, rows)

    async def removed_before(self, moment: datetime, status: str, size: int) -> list[str]:
        """List removed workspaces whose connection is in another state than ``status``."""
        held = exists().where(
            connections.c.workspace_id == workspaces.c.workspace_id, connections.c.status != status
        )
        found = await self._session.scalars(
            select(workspaces.c.workspace_id)
            .where(workspaces.c.deleted_at < moment, held)
            .limit(size)
        )
        return list(found)

    async def forget_before(self, moment: datetime) -> int:
        """Drop tombstones that no late message can contradict any more."""
        gone = await self._session.execute(
            delete(workspaces)
            .where(workspaces.c.deleted_at < moment)
            .returning(workspaces.c.workspace_id)
        )
        return len(gone.all())


class UsageRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def note(self, workspace_id: str, seen: Usage) -> None:
        """Keep the latest of each client."""
        statement = insert(usage).values(workspace_id=workspace_id, **seen.as_row())
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id", "client"],
                set_={name: statement.excluded[name] for name in ("used", "limit", "at")},
                where=or_(usage.c.at < statement.excluded.at),
            )
        )

    async def latest(self, workspace_id: str) -> Usage | None:
        rows = await self._session.execute(
            select(usage.c.client, usage.c.used, usage.c.limit, usage.c.at)
            .where(usage.c.workspace_id == workspace_id)
            .order_by(usage.c.at.desc())
            .limit(1)
        )
        row = rows.mappings().first()
        return Usage(**row) if row else None

    async def all(self, workspace_id: str) -> list[Usage]:
        rows = await self._session.execute(
            select(usage.c.client, usage.c.used, usage.c.limit, usage.c.at).where(
                usage.c.workspace_id == workspace_id
            )
        )
        return [Usage(**row) for row in rows.mappings()]

    async def forget(self, workspace_id: str) -> None:
        await self._session.execute(delete(usage).where(usage.c.workspace_id == workspace_id))
