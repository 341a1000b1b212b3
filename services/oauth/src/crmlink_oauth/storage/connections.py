"""Connections, one row a workspace."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Text, any_, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_oauth.domain.connection import Connection
from crmlink_oauth.storage.tables import connections as table


class ConnectionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, workspace_id: str) -> Connection:
        """Return the row, or what a workspace without one has."""
        rows = await self._session.execute(
            select(table).where(table.c.workspace_id == workspace_id)
        )
        row = rows.mappings().first()
        return _read(row) if row else Connection(workspace_id=workspace_id)

    async def lock(self, workspace_id: str) -> Connection:
        """Lock the row; a first one is made, so that there is something to lock."""
        return (await self.lock_all([workspace_id]))[workspace_id]

    async def try_lock(self, workspace_id: str) -> Connection | None:
        """Lock the row unless somebody else holds it, or there is none."""
        rows = await self._session.execute(
            select(table)
            .where(table.c.workspace_id == workspace_id)
            .with_for_update(skip_locked=True)
        )
        row = rows.mappings().first()
        return _read(row) if row else None

    async def lock_some(self, workspace_ids: Collection[str]) -> dict[str, Connection]:
        """Lock those that have a row, in key order: two batches never wait for each other."""
        wanted = any_(literal(list(workspace_ids), ARRAY(Text)))
        rows = await self._session.execute(
            select(table)
            .where(table.c.workspace_id == wanted)
            .order_by(table.c.workspace_id)
            .with_for_update()
        )
        return {row["workspace_id"]: _read(row) for row in rows.mappings()}

    async def lock_all(self, workspace_ids: Collection[str]) -> dict[str, Connection]:
        """Lock them in key order; the missing ones are made."""
        fresh = [_row(Connection(workspace_id=one)) for one in sorted(workspace_ids)]
        if fresh:
            await self._session.execute(insert(table).on_conflict_do_nothing(), fresh)
        return await self.lock_some(workspace_ids)

    async def save(self, connection: Connection) -> None:
        statement = insert(table).values(_row(connection))
        new = {c.name: statement.excluded[c.name] for c in table.c if not c.primary_key}
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=["workspace_id"], set_=new)
        )

    async def has_sibling(self, connection: Connection) -> bool:
        """Say whether another workspace lives on the same org, app and user."""
        theirs = func.coalesce(func.nullif(table.c.pending_org_id, ""), table.c.org_id)
        sibling = exists().where(
            theirs == connection.authorized_org_id,
            table.c.client_id == connection.client_id,
            table.c.user_id == connection.user_id,
            table.c.workspace_id != connection.workspace_id,
            table.c.status == ConnectionStatus.CONNECTED.value,
        )
        return await self._session.scalar(select(sibling)) is True

    async def holds(self, refresh_hash: str) -> bool:
        """Say whether some connection, of whichever workspace, lives on this refresh token."""
        held = exists().where(
            table.c.refresh_hash == refresh_hash,
            table.c.status == ConnectionStatus.CONNECTED.value,
        )
        return await self._session.scalar(select(held)) is True

    async def page_after(self, workspace_id: str, size: int) -> list[str]:
        """List workspaces with a row, in order."""
        found = await self._session.scalars(
            select(table.c.workspace_id)
            .where(table.c.workspace_id > workspace_id)
            .order_by(table.c.workspace_id)
            .limit(size)
        )
        return list(found)


def _row(connection: Connection) -> dict[str, Any]:
    return {**asdict(connection), "status": connection.status.value}


def _read(row: Mapping[Any, Any]) -> Connection:
    return Connection(**{**row, "status": ConnectionStatus(row["status"])})
