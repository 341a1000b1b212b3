"""HTTP in, from our own services alone."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.internal.auth import Callers
from crmlink_sync_inbound.storage.capture import CaptureRepository


def router(callers: Callers, sessions: async_sessionmaker[AsyncSession]) -> APIRouter:
    routes = APIRouter(prefix="/internal/v1/workspaces/{workspace_id}")

    @routes.get("/capture", dependencies=[callers.required("gateway")])
    async def capture(workspace_id: str) -> dict[str, Any]:
        async with sessions() as session:
            return await CaptureRepository(session, workspace_id).shown()

    return routes
