"""What connections.v1 last said of each workspace; an older revision changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_gateway.ports import Values
from crmlink_gateway.storage.tables import ConnectionRow, table

connections = table(ConnectionRow)
UNKNOWN: Values = {"revision": 0, "status": "not_connected", "enabled": True, "error_code": ""}


class ConnectionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def learn(self, rows: Sequence[Values]) -> None:
        """Insert or replace in key order, so that two batches never wait for each other."""
        statement = insert(connections)
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=["workspace_id"],
            set_={c.name: new[c.name] for c in connections.c if not c.primary_key},
            where=connections.c.revision < new.revision,
        )
        if rows:
            ordered = sorted(rows, key=lambda row: str(row["workspace_id"]))
            await self._session.execute(statement, ordered)

    async def forget_before(self, moment: datetime) -> int:
        """Drop tombstones that no late message can contradict any more; return how many."""
        old = delete(connections).where(connections.c.deleted_at < moment)
        gone = await self._session.execute(old.returning(connections.c.workspace_id))
        return len(gone.all())

    async def find(self, workspace_id: str) -> Values:
        columns = [connections.c[name] for name in UNKNOWN]
        wanted = select(*columns).where(connections.c.workspace_id == workspace_id)
        row = (await self._session.execute(wanted)).first()
        return dict(UNKNOWN) if row is None else dict(row._mapping)  # noqa: SLF001 - its public API
