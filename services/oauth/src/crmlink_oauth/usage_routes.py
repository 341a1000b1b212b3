"""HTTP in, of the API budget: services report, the gateway shows and sets."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Body
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from crmlink_common.internal.auth import Callers
from crmlink_common.salesforce.limits import WorkClass
from crmlink_oauth.domain.usage import Sample, Waiting
from crmlink_oauth.routes import WORKERS, Actor, WorkspaceId
from crmlink_oauth.service.budgeting import Budgeting, Report, UsageShown

Count = Annotated[int, Field(ge=0, le=2**53)]
SharesBody = Annotated[dict[Annotated[str, Field(max_length=64)], int], Body(max_length=16)]


class WaitingBody(BaseModel):
    work: WorkClass = Field(alias="class")
    since: AwareDatetime
    until: AwareDatetime
    reason: str = Field(min_length=1, max_length=64)


class ReportBody(BaseModel):
    """``client`` is for the eye: a report counts as its caller's."""

    used: Count | None = None
    limit: Count | None = None
    at: AwareDatetime | None = None
    client: str = Field("", max_length=64)
    org_id: str = Field("", max_length=18)
    waiting: list[WaitingBody] | None = Field(None, max_length=16)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len({one is None for one in (self.used, self.limit, self.at)}) > 1:
            raise ValueError("used, limit and at go together")
        return self

    def report(self, service: str) -> Report:
        seen = None
        if self.used is not None and self.limit is not None and self.at is not None:
            seen = Sample(self.at, self.used, self.limit)
        waiting = None
        if self.waiting is not None:
            waiting = [Waiting(w.work, w.since, w.until, w.reason) for w in self.waiting]
        return Report(service=service, org_id=self.org_id, seen=seen, waiting=waiting)


class SharesGiven(BaseModel):
    shares: dict[WorkClass, int]


def usage_routes(callers: Callers, budgeting: Budgeting) -> APIRouter:
    router = APIRouter(prefix="/internal/v1/workspaces/{workspace_id}")

    @router.post("/usage")
    async def report(
        workspace_id: WorkspaceId, body: ReportBody, caller: str = callers.required(*WORKERS)
    ) -> SharesGiven:
        shares = await budgeting.take(workspace_id, body.report(caller))
        return SharesGiven(shares=dict(shares))

    @router.get("/usage", dependencies=[callers.required("gateway")])
    async def show(workspace_id: WorkspaceId) -> UsageShown:
        return await budgeting.show(workspace_id)

    @router.put("/usage/shares", dependencies=[callers.required("gateway")])
    async def set_shares(
        workspace_id: WorkspaceId, body: SharesBody, actor: Actor = "service:gateway"
    ) -> UsageShown:
        return await budgeting.set_shares(workspace_id, body, actor=actor)

    return router
