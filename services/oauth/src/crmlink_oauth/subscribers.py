"""Which topic goes where, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.contracts.cloudevents import Event
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.messaging.consume import Route, route
from crmlink_oauth.service.upkeep import FollowWorkspaces
from crmlink_oauth.storage.work import transaction_on


def routes(workspaces: FollowWorkspaces) -> list[Route]:
    async def on_workspaces(session: AsyncSession, events: Sequence[Event[Workspace]]) -> None:
        await workspaces.follow(transaction_on(session), events)

    return [route(WORKSPACES_V1, on_workspaces)]
