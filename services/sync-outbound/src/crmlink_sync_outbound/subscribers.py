"""Kafka in: which topic goes to which use case, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.cloudevents import Event
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, MemberLink
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1, SalesforceChange
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.messaging.consume import Route, route
from crmlink_sync_outbound.service.observing import Observing


def routes(observing: Callable[[AsyncSession], Observing]) -> list[Route]:
    async def on_workspaces(session: AsyncSession, events: Sequence[Event[Workspace]]) -> None:
        await observing(session).workspaces(events)

    async def on_connections(session: AsyncSession, events: Sequence[Event[Connection]]) -> None:
        await observing(session).connections(events)

    async def on_members(session: AsyncSession, events: Sequence[Event[Member]]) -> None:
        await observing(session).members(events)

    async def on_links(session: AsyncSession, events: Sequence[Event[MemberLink]]) -> None:
        await observing(session).links(events)

    async def on_changes(session: AsyncSession, events: Sequence[Event[SalesforceChange]]) -> None:
        await observing(session).changes(events)

    return [
        route(WORKSPACES_V1, on_workspaces),
        route(CONNECTIONS_V1, on_connections),
        route(MEMBERS_V1, on_members),
        route(MEMBER_LINKS_V1, on_links),
        route(SALESFORCE_CHANGES_V1, on_changes),
    ]
