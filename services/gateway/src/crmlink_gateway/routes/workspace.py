"""What concerns the workspace as a whole: features, activity, counts, one member explained."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from crmlink_common.internal.problems import RemoteError
from crmlink_gateway.clients import Part, Parts, segment
from crmlink_gateway.domain.access import Caller, Scope
from crmlink_gateway.errors import ServiceUnavailableError
from crmlink_gateway.routes.authority import PREFIX, Gate, Paging
from crmlink_gateway.routes.bodies import Features
from crmlink_gateway.service import FrontDoor

Json = dict[str, Any]
Page = Annotated[Paging, Depends()]
Member = Annotated[str, Path(min_length=1, max_length=255)]
NOT_FOUND = 404


def workspace_routes(gate: Gate, parts: Parts, door: FrontDoor) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["workspace"])
    read = gate.allows(Scope.READ)
    reads_features = gate.allows(Scope.READ, feature=False)
    sets_features = gate.allows(Scope.ADMIN, feature=False)

    @router.get("/features")
    async def features(caller: Caller = reads_features) -> Json:
        return (await door.workspace(caller.workspace_id)).model_dump()

    @router.put("/features")
    async def set_features(body: Features, caller: Caller = sets_features) -> Json:
        changed = await door.set_features(
            caller, crm_salesforce=body.crm_salesforce, default_region=body.default_region
        )
        return changed.model_dump()

    @router.get("/activity")
    async def activity(paging: Page, caller: Caller = read) -> Json:
        """Show the audit trail, the newest first."""
        return await door.trail(caller.workspace_id, paging.page, paging.page_size)

    @router.get("/members/{member:path}")
    async def explain(member: Member, caller: Caller = read) -> Json:
        """Explain why this member is as it is: both sides, what is pending, what happened."""
        path = f"/sync/pairs/{segment(member)}"
        try:
            pair = await parts.sync_outbound.call("GET", caller.workspace_id, path)
        except RemoteError as exc:
            if exc.http_status != NOT_FOUND:
                raise
            pair = None
        history = await door.trail(caller.workspace_id, 1, 20, member)
        return {"member_id": member, "pair": pair, "history": history["items"]}

    @router.get("/summary")
    async def summary(caller: Caller = read) -> Json:
        """Count members, and beside them what sync says; a part that is down is named."""
        counts, sync, capture = await asyncio.gather(
            parts.reconciler.call("GET", caller.workspace_id, "/summary"),
            _or_nothing(parts.sync_outbound, caller.workspace_id, "/sync/summary"),
            _or_nothing(parts.sync_inbound, caller.workspace_id, "/capture"),
        )
        asked = {"sync-outbound": sync, "sync-inbound": capture}
        down = [name for name, answer in asked.items() if answer is None]
        return {**counts, "sync": sync, "capture": capture, "unavailable": down}

    @router.get("/tools", tags=["tools"])
    async def tools(caller: Caller = read) -> Json:
        return dict(await parts.tools.call("GET", caller.workspace_id, "/tools"))

    return router


async def _or_nothing(part: Part, workspace_id: str, path: str) -> Json | None:
    """Give the answer, if there is one soon."""
    try:
        return dict(await part.call("GET", workspace_id, path, seconds=5))
    except (ServiceUnavailableError, RemoteError):
        return None
