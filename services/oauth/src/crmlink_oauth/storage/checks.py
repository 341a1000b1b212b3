"""What the last look at each org found."""

from __future__ import annotations

from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_oauth.domain.checks import Findings
from crmlink_oauth.storage.tables import checks


class CheckRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, workspace_id: str) -> Findings | None:
        """Read it; what an older release wrote and nobody understands any more is nothing."""
        text = await self._session.scalar(
            select(checks.c.found).where(checks.c.workspace_id == workspace_id)
        )
        try:
            return Findings.model_validate_json(text) if text else None
        except ValidationError:
            return None

    async def save(self, workspace_id: str, found: Findings) -> None:
        statement = insert(checks).values(workspace_id=workspace_id, found=found.model_dump_json())
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id"], set_={"found": statement.excluded.found}
            )
        )

    async def forget(self, workspace_id: str) -> None:
        await self._session.execute(delete(checks).where(checks.c.workspace_id == workspace_id))
