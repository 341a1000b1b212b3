"""The connection: overview, credentials, sign-in, on and off."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, BackgroundTasks

from crmlink_gateway.clients import Parts
from crmlink_gateway.domain.access import Caller, Scope
from crmlink_gateway.domain.guide import setup_details
from crmlink_gateway.errors import NotConfiguredError
from crmlink_gateway.routes.authority import PREFIX, Gate
from crmlink_gateway.routes.bodies import Credentials, OrgChoice
from crmlink_gateway.service import FrontDoor
from crmlink_gateway.watched import Watched

Overview = dict[str, Any]
TEST_SECONDS = 35  # oauth answers within 28


def connection_routes(gate: Gate, parts: Parts) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["connection"])
    oauth, watched = parts.oauth, Watched(parts.oauth)
    read = gate.allows(Scope.READ)
    configures = gate.allows(Scope.ADMIN, "connection.configure_asked")
    deletes = gate.allows(Scope.ADMIN, "connection.delete_asked")

    @router.get("")
    async def overview(tasks: BackgroundTasks, caller: Caller = read) -> Overview:
        if watched.due(caller.workspace_id):  # its page is open
            tasks.add_task(watched.tell, caller.workspace_id)
        return setup_details(await oauth.call("GET", caller.workspace_id, "/connection"))

    @router.put("")
    async def configure(body: Credentials, caller: Caller = configures) -> Overview:
        credentials = body.model_dump() | {"client_secret": body.client_secret.get_secret_value()}
        changed = await oauth.call(
            "PUT", caller.workspace_id, "/connection", actor=caller.actor, json=credentials
        )
        return setup_details(changed)

    @router.delete("")
    async def delete(caller: Caller = deletes) -> Overview:
        gone = await oauth.call("DELETE", caller.workspace_id, "/connection", actor=caller.actor)
        return setup_details(gone)

    return router


def switch_routes(gate: Gate, parts: Parts, door: FrontDoor) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["connection"])
    oauth = parts.oauth
    connects = gate.allows(Scope.ADMIN, "connection.connect_asked")
    disconnects = gate.allows(Scope.ADMIN, "connection.disconnect_asked")
    enables = gate.allows(Scope.ADMIN, "connection.enable_asked")
    confirms = gate.allows(Scope.ADMIN, "connection.org_confirm_asked")
    rejects = gate.allows(Scope.ADMIN, "connection.org_reject_asked")
    tests = gate.allows(Scope.WRITE)
    disables = gate.allows(Scope.ADMIN, "connection.disable_asked")

    @router.post("/authorize")
    async def authorize(caller: Caller = connects) -> dict[str, str]:
        """Answer an address of ours: open it in a browser, once, within five minutes.

        It stands beside the callback, so that the cookie it sets comes back there.
        """
        known = await oauth.call("GET", caller.workspace_id, "/connection")
        if known["status"] == "not_connected":
            raise NotConfiguredError("There are no credentials to sign in with.")
        ticket = await door.new_ticket(caller)
        start = str(known["callback_url"]).removesuffix("/callback") + "/start"
        return {"url": f"{start}?ticket={ticket}"}

    async def post(caller: Caller, path: str, body: object = None) -> Overview:
        changed = await oauth.call("POST", caller.workspace_id, path, actor=caller.actor, json=body)
        return setup_details(changed)

    @router.post("/disconnect")
    async def disconnect(caller: Caller = disconnects) -> Overview:
        return await post(caller, "/disconnect")

    @router.post("/enable")
    async def enable(caller: Caller = enables) -> Overview:
        return await post(caller, "/enable")

    @router.post("/disable")
    async def disable(caller: Caller = disables) -> Overview:
        return await post(caller, "/disable")

    @router.post("/org/confirm")
    async def confirm_org(body: OrgChoice | None = None, caller: Caller = confirms) -> Overview:
        """Use the org that was signed in to; links of the earlier one are kept and lie dormant."""
        return await post(caller, "/org/confirm", body.model_dump() if body else None)

    @router.post("/org/reject")
    async def reject_org(caller: Caller = rejects) -> Overview:
        """Go back: forget the new authorization; the earlier org is kept."""
        return await post(caller, "/org/reject")

    @router.post("/test")
    async def test(caller: Caller = tests) -> dict[str, Any]:
        """Look at the org: who connected, which version, and what is missing for our work."""
        return dict(
            await oauth.call(
                "POST",
                caller.workspace_id,
                "/test",
                actor=caller.actor,
                seconds=TEST_SECONDS,
            )
        )

    return router
