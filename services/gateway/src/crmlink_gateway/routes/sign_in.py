"""The browser's way to Salesforce and back: the one place without an API key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Cookie, Query, Response
from fastapi.responses import RedirectResponse

from crmlink_common.internal.problems import RemoteError
from crmlink_gateway.clients import Parts
from crmlink_gateway.console.pages import Pages
from crmlink_gateway.errors import ServiceUnavailableError
from crmlink_gateway.routes.authority import PREFIX, Gate
from crmlink_gateway.service import FrontDoor

STATE_COOKIE = "crmlink_oauth"
STATE_LIVES = 600  # seconds, as long as the state itself
CALLBACK_SECONDS = 45  # the code is exchanged meanwhile
Told = Annotated[str, Query(max_length=4096)]


def sign_in_routes(
    gate: Gate, parts: Parts, door: FrontDoor, pages: Pages, *, https: bool
) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["sign-in"])
    enter = gate.open()

    @router.get("/oauth/start")
    async def start(
        ticket: Annotated[str, Query(max_length=128)], workspace_id: str = enter
    ) -> Response:
        """Set the state cookie and go to Salesforce's login page."""
        actor = await door.take_ticket(workspace_id, ticket)
        if actor is None:
            return pages.outcome(
                ok=False,
                code="ticket_used",
                message="This link has been used already, or it is older than five minutes.",
                cure="Close this window and click Connect with Salesforce again.",
            )
        try:
            begun = await parts.oauth.call("POST", workspace_id, "/authorize", actor=actor, json={})
        except (RemoteError, ServiceUnavailableError) as exc:
            return _failed(pages, exc)
        answer = RedirectResponse(begun["authorize_url"], status_code=302)
        answer.set_cookie(
            STATE_COOKIE,
            begun["browser_token"],
            max_age=STATE_LIVES,
            path=_callback_path(workspace_id),
            httponly=True,
            secure=https,
            samesite="lax",
        )
        return answer

    @router.get("/oauth/callback")
    async def callback(
        *,
        state: Told = "",
        code: Told = "",
        error: Told = "",
        error_description: Told = "",
        browser: Annotated[str, Cookie(alias=STATE_COOKIE, max_length=4096)] = "",
        workspace_id: str = enter,
    ) -> Response:
        """Finish the sign-in; the page says what came of it and closes itself."""
        came = {
            "state": state,
            "code": code,
            "error": error,
            "error_description": error_description,
            "browser_token": browser,
        }
        try:
            told = await parts.oauth.call(
                "POST", workspace_id, "/callback", json=came, seconds=CALLBACK_SECONDS
            )
        except (RemoteError, ServiceUnavailableError) as exc:
            answer = _failed(pages, exc)
        else:
            kept = ("ok", "code", "message", "cure")
            answer = pages.outcome(**{name: told[name] for name in kept})
        answer.delete_cookie(STATE_COOKIE, path=_callback_path(workspace_id))
        return answer

    return router


def _callback_path(workspace_id: str) -> str:
    return PREFIX.format(workspace=workspace_id) + "/oauth/callback"


def _failed(pages: Pages, exc: RemoteError | ServiceUnavailableError) -> Response:
    if isinstance(exc, RemoteError):
        title, cure = str(exc), str(exc.document.get("cure") or "")
    else:
        title, cure = exc.title, exc.cure
    again = "Close this window and click Connect with Salesforce again."
    return pages.outcome(ok=False, code=exc.code, message=title, cure=cure or again)
