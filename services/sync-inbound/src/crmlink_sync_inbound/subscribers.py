"""Kafka in: which topic goes to which use case, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.cloudevents import Event
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, MemberLink
from crmlink_common.contracts.sync_configs import SYNC_CONFIGS_V1, SyncConfig
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.messaging.consume import Route, route
from crmlink_sync_inbound.service import State


def routes(state: Callable[[AsyncSession], State]) -> list[Route]:
    async def on_workspaces(session: AsyncSession, events: Sequence[Event[Workspace]]) -> None:
        await state(session).workspaces(events)

    async def on_connections(session: AsyncSession, events: Sequence[Event[Connection]]) -> None:
        await state(session).connections(events)

    async def on_configs(session: AsyncSession, events: Sequence[Event[SyncConfig]]) -> None:
        await state(session).configs(events)

    async def on_links(session: AsyncSession, events: Sequence[Event[MemberLink]]) -> None:
        await state(session).links(events)

    return [
        route(WORKSPACES_V1, on_workspaces),
        route(CONNECTIONS_V1, on_connections),
        route(SYNC_CONFIGS_V1, on_configs),
        route(MEMBER_LINKS_V1, on_links),
    ]
