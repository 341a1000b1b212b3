"""What the compacted topics say, as far as it is used; an older revision changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.errors import LimitError
from crmlink_common.runs.model import RunStatus
from crmlink_common.runs.store import runs
from crmlink_common.salesforce.budget import Reason
from crmlink_reconciler.service.ports import WorkspaceState
from crmlink_reconciler.storage.statements import upsert
from crmlink_reconciler.storage.tables import (
    ConfigRow,
    ConnectionRow,
    Row,
    WorkspaceRow,
    table,
)

Values = dict[str, Any]
workspaces, connections, configs = table(WorkspaceRow), table(ConnectionRow), table(ConfigRow)


class Projections:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def save_workspaces(self, rows: Sequence[Values]) -> None:
        await self._save(WorkspaceRow, rows)
        await self._wake(rows)

    async def save_connections(self, rows: Sequence[Values]) -> None:
        """Keep them; that one was deleted is not forgotten when another takes its place."""
        statement = insert(connections)
        new = statement.excluded
        changed = {c.name: new[c.name] for c in connections.c if not c.primary_key}
        statement = statement.on_conflict_do_update(
            index_elements=["workspace_id"],
            set_={**changed, "ended_at": func.coalesce(new.deleted_at, connections.c.ended_at)},
            where=connections.c.revision < new.revision,
        )
        ended = [{**row, "ended_at": row["deleted_at"]} for row in rows]
        await self._session.execute(statement, sorted(ended, key=lambda row: row["workspace_id"]))
        await self._wake(rows)

    async def save_configs(self, rows: Sequence[Values]) -> None:
        await self._save(ConfigRow, rows)

    async def standing(self, workspace_id: str) -> WorkspaceState:
        """Say how a workspace stands; one we never heard of is not active."""
        found = await self._session.execute(
            select(
                workspaces.c.crm_salesforce,
                workspaces.c.default_region,
                connections.c.usable,
                connections.c.org_id,
                connections.c.org_confirmed,
                configs.c.target_object,
            )
            .select_from(
                workspaces.outerjoin(
                    connections, connections.c.workspace_id == workspaces.c.workspace_id
                ).outerjoin(
                    configs,
                    (configs.c.workspace_id == workspaces.c.workspace_id)
                    & (configs.c.entity == "member"),
                )
            )
            .where(workspaces.c.workspace_id == workspace_id, workspaces.c.deleted_at.is_(None))
        )
        row = found.first()
        if row is None:
            return WorkspaceState()
        return WorkspaceState(
            active=bool(row.crm_salesforce and row.usable),
            region=row.default_region,
            org_id=row.org_id or "",
            org_confirmed=row.org_confirmed is not False,
            target_object=row.target_object or "Contact",
        )

    async def _wake(self, rows: Sequence[Values]) -> None:
        """Let runs that wait for a connection look again at once; those over a limit wait on."""
        await self._session.execute(
            update(runs)
            .where(
                runs.c.workspace_id.in_({row["workspace_id"] for row in rows}),
                runs.c.status == RunStatus.WAITING_FOR_BUDGET,
                runs.c.error_code.not_in([LimitError.code, *Reason]),
            )
            .values(waits_until=None)
        )

    async def _save(self, model: type[Row], rows: Sequence[Values]) -> None:
        ordered = sorted(rows, key=lambda row: (row["workspace_id"], row.get("entity", "")))
        if ordered:
            await self._session.execute(upsert(table(model), newer="revision"), ordered)
