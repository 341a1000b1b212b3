"""Kafka in: which topic goes to which use case, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import Event
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection
from crmlink_common.messaging.consume import Route, route
from crmlink_gateway.service import Intake


def routes(intake: Callable[[AsyncSession], Intake]) -> list[Route]:
    async def on_connections(session: AsyncSession, events: Sequence[Event[Connection]]) -> None:
        await intake(session).connections(events)

    async def on_activity(session: AsyncSession, events: Sequence[Event[Activity]]) -> None:
        await intake(session).activity(events)

    return [route(CONNECTIONS_V1, on_connections), route(ACTIVITY_V1, on_activity)]
