"""HTTP in: the gateway tells that somebody looks at a connection."""

from __future__ import annotations

from fastapi import APIRouter, status

from crmlink_common.internal.auth import Callers
from crmlink_oauth.routes import WorkspaceId
from crmlink_oauth.service.watching import Watching


def watch_routes(callers: Callers, watching: Watching) -> APIRouter:
    router = APIRouter(
        prefix="/internal/v1/workspaces/{workspace_id}",
        dependencies=[callers.required("gateway")],
    )

    @router.post("/watched", status_code=status.HTTP_204_NO_CONTENT)
    async def watched(workspace_id: WorkspaceId) -> None:
        """Its page is open: look at the connection every minute for a while."""
        await watching.seen(workspace_id)

    return router
