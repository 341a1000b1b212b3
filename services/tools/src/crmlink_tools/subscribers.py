"""Kafka in: which topic goes to which use case, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.cloudevents import Event
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection
from crmlink_common.contracts.tools import TOOL_REQUESTS_V1, ToolRequest
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.messaging.consume import Route, route
from crmlink_tools.service import Intake


def routes(intake: Callable[[AsyncSession], Intake]) -> list[Route]:
    async def on_requests(session: AsyncSession, events: Sequence[Event[ToolRequest]]) -> None:
        await intake(session).requests(events)

    async def on_workspaces(session: AsyncSession, events: Sequence[Event[Workspace]]) -> None:
        await intake(session).workspaces(events)

    async def on_connections(session: AsyncSession, events: Sequence[Event[Connection]]) -> None:
        await intake(session).connections(events)

    return [
        route(WORKSPACES_V1, on_workspaces),
        route(CONNECTIONS_V1, on_connections),
        route(TOOL_REQUESTS_V1, on_requests),
    ]
