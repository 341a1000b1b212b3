"""Deletes what was kept long enough, and takes up what lay dormant, page by page."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.messaging.outbox import Outbox
from crmlink_common.messaging.workers import keep_working
from crmlink_common.runs.store import Runs
from crmlink_sync_outbound.domain.pair import Pair
from crmlink_sync_outbound.service.telling import Telling
from crmlink_sync_outbound.storage.marks import cleared
from crmlink_sync_outbound.storage.projections import Projections
from crmlink_sync_outbound.storage.sql import Statements
from crmlink_sync_outbound.storage.tidying import OLD, Tidying

PAGE = 1_000
REST = 60.0  # seconds, once nothing is left


@dataclass(frozen=True, slots=True)
class Tidy:
    """Several may run; none waits for another's rows."""

    sessions: async_sessionmaker[AsyncSession]
    telling: Telling

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop."""
        await keep_working(stopping, self.once, name="tidy", idle=REST)

    async def once(self) -> bool:
        """Delete a page of each; False when there was nothing."""
        found = [await self._clear_run(), await self._purge(), await self._release()]
        async with self.sessions.begin() as session:
            found.append(await Projections(Statements(session)).returned(PAGE))
        for sql in OLD:
            async with self.sessions.begin() as session:
                found.append(await Tidying(Statements(session)).old(sql, PAGE))
        return any(found)

    async def _clear_run(self) -> bool:
        """Go on where the end of a run was cut short."""
        async with self.sessions.begin() as session:
            sql = Statements(session)
            if (found := await Tidying(sql).uncleared()) is None:
                return False
            workspace_id, run_id = found
            run = await Runs(session).get(workspace_id, UUID(run_id))
            return await cleared(sql, run, PAGE)

    async def _release(self) -> bool:
        """Linked by hand, unlinked or deleted meanwhile: let the reservation go."""
        async with self.sessions.begin() as session:
            found = await Tidying(Statements(session)).settled_otherwise(PAGE)
            messages = [
                self.telling.released(
                    Pair(workspace_id=workspace_id, member_id=member_id), intent_id, "not_needed"
                )
                for workspace_id, member_id, intent_id in found
            ]
            await Outbox(session).add(messages)
            return bool(found)

    async def _purge(self) -> bool:
        async with self.sessions.begin() as session:
            tidying = Tidying(Statements(session))
            workspace_id = await tidying.removed()
            if workspace_id is None:
                return False
            await tidying.purge(workspace_id, PAGE)
            return True
