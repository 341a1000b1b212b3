"""Member reconciliation: runs that find matches, the matches, and the links."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, status

from crmlink_gateway.clients import Part, Parts, segment
from crmlink_gateway.domain.access import Caller, Scope
from crmlink_gateway.routes.authority import PREFIX, Gate, Paging, one_page
from crmlink_gateway.routes.bodies import LinkWish

Json = dict[str, Any]
Member = Annotated[str, Path(min_length=1, max_length=255)]
Page = Annotated[Paging, Depends()]
Matches = Literal["proposed", "ambiguous", "linked"]
Links = Literal["linked", "unlinked", "excluded", "refused", "dormant"]
LINKING_SECONDS = 30  # of up to a thousand members at once


def match_routes(gate: Gate, parts: Parts) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["reconciliation"])
    reconciler = parts.reconciler
    read = gate.allows(Scope.READ)
    starts = gate.allows(Scope.WRITE, "matching.start_asked")
    cancels = gate.allows(Scope.WRITE, "matching.cancel_asked")

    @router.post("/reconciliation/runs", status_code=status.HTTP_202_ACCEPTED)
    async def start(caller: Caller = starts) -> Json:
        """Start *Find Matching Salesforce Records*; 409 names the run to join."""
        return await _change(reconciler, "POST", caller, "/match-runs", {})

    @router.get("/reconciliation/runs")
    async def runs(paging: Page, caller: Caller = read) -> Json:
        query = paging.query()
        return dict(await reconciler.call("GET", caller.workspace_id, "/match-runs", query=query))

    @router.get("/reconciliation/runs/{run}")
    async def show(run: UUID, caller: Caller = read) -> Json:
        return dict(await reconciler.call("GET", caller.workspace_id, f"/match-runs/{run}"))

    @router.post("/reconciliation/runs/{run}/cancel")
    async def cancel(run: UUID, caller: Caller = cancels) -> Json:
        return await _change(reconciler, "POST", caller, f"/match-runs/{run}/cancel")

    @router.get("/matches")
    async def matches(paging: Page, state: Matches | None = None, caller: Caller = read) -> Json:
        query = paging.query(state=state)
        return dict(await reconciler.call("GET", caller.workspace_id, "/matches", query=query))

    return router


def link_routes(gate: Gate, parts: Parts) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["reconciliation"])
    reconciler = parts.reconciler
    read = gate.allows(Scope.READ)
    links = gate.allows(Scope.WRITE, "links.link_asked")
    unlinks = gate.allows(Scope.WRITE, "links.unlink_asked")
    relinks = gate.allows(Scope.WRITE, "links.relink_asked")

    @router.get("/links")
    async def linked(paging: Page, state: Links | None = None, caller: Caller = read) -> Json:
        query = paging.query(state=state)
        return dict(await reconciler.call("GET", caller.workspace_id, "/links", query=query))

    @router.post("/links")
    async def link(body: LinkWish, caller: Caller = links) -> Json:
        """Link one, many or all; what could not be linked is listed with its reason."""
        wish = body.model_dump(exclude_none=True)
        return await _change(reconciler, "POST", caller, "/links", wish)

    @router.delete("/links/{member:path}")
    async def unlink(member: Member, caller: Caller = unlinks) -> Json:
        return await _change(reconciler, "DELETE", caller, f"/links/{segment(member)}")

    @router.post("/links/{member:path}/relink")
    async def relink(member: Member, caller: Caller = relinks) -> Json:
        return await _change(reconciler, "POST", caller, f"/links/{segment(member)}/relink")

    @router.get("/links/{member:path}/history")
    async def history(member: Member, caller: Caller = read) -> Json:
        """Tell what happened to this member's link, as its owner remembers it."""
        path = f"/links/{segment(member)}/history"
        return one_page(await reconciler.call("GET", caller.workspace_id, path))

    return router


async def _change(
    reconciler: Part, method: str, caller: Caller, path: str, json: object = None
) -> Json:
    changed = await reconciler.call(
        method,
        caller.workspace_id,
        path,
        actor=caller.actor,
        json=json,
        seconds=LINKING_SECONDS,
    )
    return dict(changed)
