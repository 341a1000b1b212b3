"""What people ask and start: runs, exceptions, conflicts, one pair explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.errors import ConflictError, NotFoundError
from crmlink_common.messaging.outbox import Outbox
from crmlink_common.runs.model import Run
from crmlink_common.runs.store import Runs
from crmlink_sync_outbound.service.configuring import UnknownEntityError
from crmlink_sync_outbound.service.runs import KIND
from crmlink_sync_outbound.service.telling import Telling
from crmlink_sync_outbound.storage.configs import Configs
from crmlink_sync_outbound.storage.reads import Reads
from crmlink_sync_outbound.storage.sql import Statements

Json = dict[str, Any]


class PairNotFoundError(NotFoundError):
    """Nothing is known of this member."""

    code = "member_not_found"


class DirectionOffError(ConflictError):
    """The direction is switched off, or was never configured."""

    code = "direction_off"


class Wish(Protocol):
    """What a person asks for with *Run Sync*."""

    @property
    def entity(self) -> str: ...
    @property
    def direction(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def group_id(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish of our own making."""

    entity: str = "member"
    direction: str = "outbound"
    scope: str = "changed"
    group_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    sessions: async_sessionmaker[AsyncSession]
    telling: Telling
    new_id: Callable[[], UUID] = uuid4

    async def start_run(self, workspace_id: str, wish: Wish, actor: str) -> Run:
        """Start a run; the error of a second one names the first."""
        entity, direction = wish.entity, wish.direction
        async with self.sessions.begin() as session:
            if entity != "member":
                raise UnknownEntityError("There is no such entity type.")
            saved = await Configs(Statements(session)).find(workspace_id, entity)
            on = saved is not None and (
                saved.config.outbound_enabled
                if direction == "outbound"
                else saved.config.inbound_enabled
            )
            if not on:
                raise DirectionOffError(f"Switch {direction} sync on and save, then run it.")
            run = await Runs(session).start(
                self.new_id(),
                workspace_id=workspace_id,
                entity=entity,
                kind=KIND,
                direction=direction,
                group_id=wish.group_id,
                params={"scope": wish.scope},
                requested_by=actor,
            )
            started = self.telling.activity(
                workspace_id,
                "run.started",
                actor=actor,
                run_id=str(run.id),
                details={"kind": KIND, "direction": direction, "scope": wish.scope},
            )
            await Outbox(session).add([started])
        return run

    async def run(self, workspace_id: str, run_id: UUID) -> Run:
        async with self.sessions() as session:
            return await Runs(session).get(workspace_id, run_id)

    async def runs(self, workspace_id: str, page: int, page_size: int) -> Json:
        async with self.sessions() as session:
            items, total = await Runs(session).page(
                workspace_id, KIND, page=page, page_size=page_size
            )
        return {"items": items, "total": total, "page": page, "page_size": page_size}

    async def cancel(self, workspace_id: str, run_id: UUID) -> Run:
        async with self.sessions.begin() as session:
            return await Runs(session).cancel(workspace_id, run_id)

    async def items(
        self, workspace_id: str, run_id: UUID, outcome: str | None, page: int, page_size: int
    ) -> Json:
        async with self.sessions() as session:
            await Runs(session).get(workspace_id, run_id)
            reads = Reads(Statements(session))
            return await reads.items(workspace_id, run_id, outcome, page, page_size)

    async def errors(self, workspace_id: str, page: int, page_size: int) -> Json:
        async with self.sessions() as session:
            return await Reads(Statements(session)).errors(workspace_id, page, page_size)

    async def conflicts(self, workspace_id: str, page: int, page_size: int) -> Json:
        async with self.sessions() as session:
            return await Reads(Statements(session)).conflicts(workspace_id, page, page_size)

    async def summary(self, workspace_id: str) -> Json:
        async with self.sessions() as session:
            return await Reads(Statements(session)).summary(workspace_id)

    async def explain(self, workspace_id: str, member_id: str) -> Json:
        async with self.sessions() as session:
            found = await Reads(Statements(session)).pair(workspace_id, "member", member_id)
        if found is None:
            raise PairNotFoundError("Nothing is known of this member.")
        return found
