"""Ends what stood on a deleted connection: configuration, runs, pending work, pairs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.messaging.outbox import Outbox
from crmlink_common.messaging.workers import keep_working
from crmlink_sync_outbound.service.telling import Telling
from crmlink_sync_outbound.storage.endings import Ended, Endings
from crmlink_sync_outbound.storage.sql import Statements

CODE = "connection_deleted"
MESSAGE = "The Salesforce connection was deleted."
PAGE = 500
REST = 1.0  # seconds, once nothing is left


@dataclass(frozen=True, slots=True)
class End:
    """Several may run: each statement does again what was done, or finds nothing."""

    sessions: async_sessionmaker[AsyncSession]
    telling: Telling
    page: int = PAGE

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop."""
        await keep_working(stopping, self.once, name="endings", idle=REST)

    async def once(self) -> bool:
        """Do one page of each deleted connection; False when all that is free is done."""
        busy, skipped = False, 0
        while True:
            async with self.sessions.begin() as session:
                ended = await Endings(Statements(session)).next(skipped)
            if ended is None:
                return busy
            await self._stop(ended)
            async with self.sessions.begin() as session:
                more = await Endings(Statements(session)).forget(ended, self.page)
            if more:
                busy, skipped = True, skipped + 1
                continue
            async with self.sessions.begin() as session:
                skipped += not await Endings(Statements(session)).over(ended)

    async def _stop(self, ended: Ended) -> None:
        """Drop the configuration and cancel the runs, and say so once."""
        async with self.sessions.begin() as session:
            endings, workspace_id = Endings(Statements(session)), ended.workspace_id
            said = []
            for run in await endings.runs(ended, CODE, MESSAGE):
                details = {"kind": run.kind, "direction": run.direction, **run.counts}
                said.append(
                    self.telling.activity(
                        workspace_id,
                        "run.finished",
                        run_id=str(run.id),
                        code=CODE,
                        details=details,
                    )
                )
            for row in await endings.configs(ended):
                said.append(self.telling.config_dropped(workspace_id, row.entity, row.revision))
                said.append(
                    self.telling.activity(
                        workspace_id,
                        "sync.dropped",
                        code=CODE,
                        details={"entity": row.entity, "revision": row.revision},
                    )
                )
            await Outbox(session).add(said)
