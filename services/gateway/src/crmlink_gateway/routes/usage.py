"""The org's API limit: what is used, what waits, and the share of each kind of work."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from crmlink_gateway.clients import Parts
from crmlink_gateway.domain.access import Caller, Scope
from crmlink_gateway.routes.authority import PREFIX, Gate
from crmlink_gateway.routes.bodies import Body

Usage = dict[str, Any]


class Shares(Body):
    """Per cent of the limit; one that is left out gets its default."""

    assistant: int | None = Field(None, ge=1, le=100)
    event: int | None = Field(None, ge=1, le=100)
    batch: int | None = Field(None, ge=1, le=100)
    reconcile: int | None = Field(None, ge=1, le=100)


def usage_routes(gate: Gate, parts: Parts) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["usage"])
    oauth = parts.oauth
    read = gate.allows(Scope.READ)
    sets = gate.allows(Scope.ADMIN, "connection.shares_asked")

    @router.get("/usage")
    async def usage(caller: Caller = read) -> Usage:
        """Show what was last seen of the limit, what waits and until when; null: not seen yet."""
        shown: Usage = await oauth.call("GET", caller.workspace_id, "/usage")
        return shown

    @router.put("/usage/shares")
    async def set_shares(body: Shares, caller: Caller = sets) -> Usage:
        """Set at which share of the limit each kind of work stops; more urgent work has more."""
        told = body.model_dump(exclude_none=True)
        shown: Usage = await oauth.call(
            "PUT", caller.workspace_id, "/usage/shares", actor=caller.actor, json=told
        )
        return shown

    return router
