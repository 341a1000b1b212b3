"""HTTP in, from our own services alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, status
from pydantic import BaseModel, ConfigDict

from crmlink_common.contracts.sync_configs import EntityConfig
from crmlink_common.internal.auth import Callers
from crmlink_common.runs.model import Run
from crmlink_sync_outbound.service.configuring import Configuring
from crmlink_sync_outbound.service.desk import Desk

Workspace = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Actor = Annotated[str, Header(alias="X-CRMLink-Actor", max_length=255)]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]
PageSize = Annotated[int, Query(ge=1, le=200)]
Json = dict[str, Any]


class RunBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    entity: str = "member"
    direction: Literal["outbound", "inbound"] = "outbound"
    scope: Literal["changed", "all"] = "changed"
    group_id: UUID | None = None  # runs that one click started together


def router(callers: Callers, configuring: Configuring, desk: Desk) -> APIRouter:
    routes = APIRouter(
        prefix="/internal/v1/workspaces/{workspace_id}/sync",
        dependencies=[callers.required("gateway")],
    )
    _add_configs(routes, configuring)
    _add_runs(routes, desk)
    _add_pages(routes, desk)
    return routes


def _add_configs(routes: APIRouter, configuring: Configuring) -> None:
    @routes.get("/config")
    async def every(workspace_id: Workspace) -> Json:
        return await configuring.shown_all(workspace_id)

    @routes.get("/config/{entity}")
    async def one(workspace_id: Workspace, entity: str) -> Json:
        return await configuring.shown(workspace_id, entity)

    @routes.put("/config/{entity}")
    async def save(
        workspace_id: Workspace, entity: str, body: EntityConfig, actor: Actor = "service:gateway"
    ) -> Json:
        return await configuring.save(workspace_id, entity, body, actor)


def _add_runs(routes: APIRouter, desk: Desk) -> None:
    @routes.post("/runs", status_code=status.HTTP_202_ACCEPTED)
    async def start(
        workspace_id: Workspace, body: RunBody, actor: Actor = "service:gateway"
    ) -> Run:
        return await desk.start_run(workspace_id, body, actor)

    @routes.get("/runs")
    async def listed(
        workspace_id: Workspace, page: PageNumber = 1, page_size: PageSize = 20
    ) -> Json:
        return await desk.runs(workspace_id, page, page_size)

    @routes.get("/runs/{run_id}")
    async def shown(workspace_id: Workspace, run_id: UUID) -> Run:
        return await desk.run(workspace_id, run_id)

    @routes.get("/runs/{run_id}/items")
    async def items(
        workspace_id: Workspace,
        run_id: UUID,
        outcome: Annotated[str | None, Query(max_length=20)] = None,
        page: PageNumber = 1,
        page_size: PageSize = 50,
    ) -> Json:
        return await desk.items(workspace_id, run_id, outcome, page, page_size)

    @routes.post("/runs/{run_id}/cancel")
    async def cancel(workspace_id: Workspace, run_id: UUID) -> Run:
        return await desk.cancel(workspace_id, run_id)


def _add_pages(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/errors")
    async def errors(
        workspace_id: Workspace, page: PageNumber = 1, page_size: PageSize = 50
    ) -> Json:
        return await desk.errors(workspace_id, page, page_size)

    @routes.get("/conflicts")
    async def conflicts(
        workspace_id: Workspace, page: PageNumber = 1, page_size: PageSize = 50
    ) -> Json:
        return await desk.conflicts(workspace_id, page, page_size)

    @routes.get("/pairs/{member_id:path}")
    async def pair(workspace_id: Workspace, member_id: str) -> Json:
        return await desk.explain(workspace_id, member_id)

    @routes.get("/summary")
    async def summary(workspace_id: Workspace) -> Json:
        return await desk.summary(workspace_id)
