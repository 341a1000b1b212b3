"""Kafka in: which topic goes to which use case, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.cloudevents import Event
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1, RecordMatch
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1, SalesforceChange
from crmlink_common.contracts.sync_configs import SYNC_CONFIGS_V1, SyncConfig
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.messaging.consume import Route, route
from crmlink_reconciler.service.changes import RecordChanges
from crmlink_reconciler.service.confirms import Confirms
from crmlink_reconciler.service.members import Members
from crmlink_reconciler.service.ports import Work
from crmlink_reconciler.service.projected import WorkspaceStates


def routes(work: Callable[[AsyncSession], Work]) -> list[Route]:
    async def on_workspaces(session: AsyncSession, events: Sequence[Event[Workspace]]) -> None:
        await WorkspaceStates(work(session)).workspaces(events)

    async def on_connections(session: AsyncSession, events: Sequence[Event[Connection]]) -> None:
        await WorkspaceStates(work(session)).connections(events)

    async def on_configs(session: AsyncSession, events: Sequence[Event[SyncConfig]]) -> None:
        await WorkspaceStates(work(session)).configs(events)

    async def on_members(session: AsyncSession, events: Sequence[Event[Member]]) -> None:
        await Members(work(session)).observe(events)

    async def on_matches(session: AsyncSession, events: Sequence[Event[RecordMatch]]) -> None:
        await Confirms(work(session)).settle(events)

    async def on_changes(session: AsyncSession, events: Sequence[Event[SalesforceChange]]) -> None:
        await RecordChanges(work(session)).observe(events)

    return [
        route(WORKSPACES_V1, on_workspaces),
        route(CONNECTIONS_V1, on_connections),
        route(SYNC_CONFIGS_V1, on_configs),
        route(MEMBERS_V1, on_members),
        route(RECORD_MATCHES_V1, on_matches),
        route(SALESFORCE_CHANGES_V1, on_changes),
    ]
