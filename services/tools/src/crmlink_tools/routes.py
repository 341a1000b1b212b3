"""HTTP in, from our own services alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from crmlink_common.internal.auth import Callers
from crmlink_tools.domain import CATALOGUE


def router(callers: Callers) -> APIRouter:
    routes = APIRouter(prefix="/internal/v1/workspaces/{workspace_id}")

    @routes.get("/tools", dependencies=[callers.required("gateway")])
    async def tools(workspace_id: str) -> dict[str, Any]:  # noqa: ARG001 - the same for all, so far
        return {"items": [asdict(tool) for tool in CATALOGUE.values()]}

    return routes
