"""Workspaces: the gateway is their one writer."""

from __future__ import annotations

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.workspaces import Workspace
from crmlink_gateway.storage.tables import WorkspaceRow, table

workspaces = table(WorkspaceRow)


class WorkspaceRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, workspace_id: str) -> Workspace | None:
        return await self._one(self._living().where(workspaces.c.workspace_id == workspace_id))

    async def lock(self, workspace_id: str) -> Workspace | None:
        wanted = self._living().where(workspaces.c.workspace_id == workspace_id)
        return await self._one(wanted.with_for_update())

    async def add(self, workspace: Workspace) -> bool:
        """Add it unless it is there, or was; say whether it was added."""
        statement = insert(workspaces).values(workspace.model_dump()).on_conflict_do_nothing()
        added = await self._session.execute(statement.returning(workspaces.c.revision))
        return added.first() is not None

    async def save(self, workspace: Workspace) -> None:
        await self._session.execute(
            update(workspaces)
            .where(workspaces.c.workspace_id == workspace.workspace_id)
            .values(workspace.model_dump(exclude={"workspace_id"}))
        )

    async def page_after(self, workspace_id: str, size: int) -> list[Workspace]:
        """Lock and give the next ones in order of their ids."""
        wanted = self._living().where(workspaces.c.workspace_id > workspace_id)
        rows = await self._session.execute(
            wanted.order_by(workspaces.c.workspace_id).limit(size).with_for_update()
        )
        return [Workspace.model_validate(row, from_attributes=True) for row in rows]

    def _living(self) -> Select[tuple[object, ...]]:
        return select(workspaces).where(workspaces.c.deleted_at.is_(None))

    async def _one(self, wanted: Select[tuple[object, ...]]) -> Workspace | None:
        row = (await self._session.execute(wanted)).first()
        return None if row is None else Workspace.model_validate(row, from_attributes=True)
