"""HTTP in, from our own services alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, status
from pydantic import BaseModel, ConfigDict, Field, model_validator

from crmlink_common.contracts.cloudevents import Id
from crmlink_common.internal.auth import Callers
from crmlink_common.runs.model import Run
from crmlink_common.salesforce.ids import to_18
from crmlink_reconciler.desk import AT_ONCE, Desk
from crmlink_reconciler.service.linking import Linked, wishes
from crmlink_reconciler.service.matching import MATCH
from crmlink_reconciler.service.reservations import Wish

Workspace = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Actor = Annotated[str, Header(alias="X-CRMLink-Actor", max_length=255)]
PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]
PageSize = Annotated[int, Query(ge=1, le=200)]
Json = dict[str, Any]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LinkBody(Body):
    """One member (to a candidate, if named), several, or all that are proposed."""

    member_id: Id | None = None
    record_id: str | None = Field(None, min_length=15, max_length=18)
    member_ids: list[Id] | None = Field(None, min_length=1, max_length=AT_ONCE)
    all: bool = False

    @model_validator(mode="after")
    def one_way(self) -> Self:
        ways = (self.member_id is not None, self.member_ids is not None, self.all)
        if sum(ways) != 1 or (self.record_id is not None and self.member_id is None):
            raise ValueError("give member_id (with record_id), member_ids, or all")
        return self


class Reservation(Body):
    member_id: Id
    intent_id: Id


class ReservationsBody(Body):
    items: list[Reservation] = Field(max_length=1_000)


def router(callers: Callers, desk: Desk) -> APIRouter:
    routes = APIRouter(prefix="/internal/v1/workspaces/{workspace_id}")
    _add_runs(routes, callers, desk)
    _add_links(routes, callers, desk)
    _add_pages(routes, callers, desk)

    @routes.post("/reservations", dependencies=[callers.required("sync-outbound")])
    async def reserve(workspace_id: Workspace, body: ReservationsBody) -> Json:
        wanted = [Wish(one.member_id, one.intent_id) for one in body.items]
        answers = await desk.reserve(workspace_id, wanted)
        return {"items": [_without_none(asdict(answer)) for answer in answers]}

    return routes


def _add_runs(routes: APIRouter, callers: Callers, desk: Desk) -> None:
    allowed = [callers.required("gateway")]

    @routes.post("/match-runs", status_code=status.HTTP_202_ACCEPTED, dependencies=allowed)
    async def start(workspace_id: Workspace, actor: Actor = "") -> Run:
        return await desk.start_run(workspace_id, MATCH, actor)

    @routes.get("/match-runs", dependencies=allowed)
    async def listed(
        workspace_id: Workspace, page: PageNumber = 1, page_size: PageSize = 20
    ) -> Json:
        return await desk.runs(workspace_id, page, page_size)

    @routes.get("/match-runs/{run_id}", dependencies=allowed)
    async def shown(workspace_id: Workspace, run_id: UUID) -> Run:
        return await desk.run(workspace_id, run_id)

    @routes.post("/match-runs/{run_id}/cancel", dependencies=allowed)
    async def cancel(workspace_id: Workspace, run_id: UUID) -> Run:
        return await desk.cancel(workspace_id, run_id)


def _add_links(routes: APIRouter, callers: Callers, desk: Desk) -> None:
    allowed = [callers.required("gateway")]

    @routes.post("/links", dependencies=allowed)
    async def link(workspace_id: Workspace, body: LinkBody, actor: Actor = "") -> Json:
        run = None
        if body.all:
            told, run = await desk.link_all(workspace_id, actor)
        elif body.member_id is not None:
            told = await desk.link(
                workspace_id, {body.member_id: body.record_id and to_18(body.record_id)}, actor
            )
        else:
            told = await desk.link(workspace_id, wishes(body.member_ids or []), actor)
        return _told(told, run)

    @routes.delete("/links/{member_id:path}", dependencies=allowed)
    async def unlink(workspace_id: Workspace, member_id: Id, actor: Actor = "") -> Json:
        return {"state": await desk.unlink(workspace_id, member_id, actor)}

    @routes.post("/links/{member_id:path}/relink", dependencies=allowed)
    async def relink(workspace_id: Workspace, member_id: Id, actor: Actor = "") -> Json:
        return {"state": await desk.relink(workspace_id, member_id, actor)}


def _add_pages(routes: APIRouter, callers: Callers, desk: Desk) -> None:
    allowed = [callers.required("gateway")]

    @routes.get("/matches", dependencies=allowed)
    async def matches(
        workspace_id: Workspace,
        page: PageNumber = 1,
        page_size: PageSize = 50,
        state: Literal["proposed", "ambiguous", "linked"] = "proposed",
    ) -> Json:
        return await desk.show(lambda told: told.matches(workspace_id, state, page, page_size))

    @routes.get("/links", dependencies=allowed)
    async def links(
        workspace_id: Workspace,
        page: PageNumber = 1,
        page_size: PageSize = 50,
        state: Literal["linked", "excluded", "unlinked", "refused", "dormant"] = "linked",
    ) -> Json:
        return await desk.show(lambda told: told.links(workspace_id, state, page, page_size))

    @routes.get("/links/{member_id:path}/history", dependencies=allowed)
    async def history(workspace_id: Workspace, member_id: Id) -> Json:
        return {"items": await desk.show(lambda told: told.history(workspace_id, member_id))}

    @routes.get("/summary", dependencies=allowed)
    async def summary(workspace_id: Workspace) -> Json:
        return await desk.show(lambda told: told.summary(workspace_id))


def _told(told: Linked, run: Run | None) -> Json:
    refused = [
        {"member_id": one.member_id, "code": one.code, "message": one.message}
        for one in told.refused
    ]
    answer: Json = {"linked": told.linked, "refused": refused}
    return {**answer, "run": run} if run else answer


def _without_none(answer: Json) -> Json:
    return {name: value for name, value in answer.items() if value is not None}
