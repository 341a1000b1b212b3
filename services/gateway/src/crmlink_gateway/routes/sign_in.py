"""The browser's way to Salesforce and back: the one place without an API key."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from crmlink_common.internal.problems import RemoteError
from crmlink_gateway.clients import Parts
from crmlink_gateway.console.pages import Pages
from crmlink_gateway.domain.callback import (
    LONGEST,
    LONGEST_COOKIE,
    NOT_OURS,
    MalformedCallbackError,
    cookie_of,
    read_callback,
)
from crmlink_gateway.errors import ServiceUnavailableError
from crmlink_gateway.routes.authority import PREFIX, Gate
from crmlink_gateway.service import FrontDoor

STATE_LIVES = 600  # seconds, as long as the state itself
CALLBACK_SECONDS = 45  # the code is exchanged meanwhile
LONGEST_TICKET = 128
DESCRIBED: list[dict[str, Any]] = [  # read by hand: a second one of a name must be seen
    {"name": name, "in": "query", "schema": {"type": "string", "maxLength": most}}
    for name, most in LONGEST.items()
]
AGAIN = "Close this window and click Connect with Salesforce again."


def sign_in_routes(
    gate: Gate, parts: Parts, door: FrontDoor, pages: Pages, *, https: bool
) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["sign-in"])
    enter = gate.open()

    @router.get("/oauth/start")
    async def start(ticket: str = "", workspace_id: str = enter) -> Response:
        """Set the state cookie and go to Salesforce's login page."""
        actor = None
        if len(ticket) <= LONGEST_TICKET:
            actor = await door.take_ticket(workspace_id, ticket)
        if actor is None:
            return pages.outcome(
                ok=False,
                code="ticket_used",
                message="This link has been used already, or it is older than five minutes.",
                cure=AGAIN,
            )
        try:
            begun = await parts.oauth.call("POST", workspace_id, "/authorize", actor=actor, json={})
        except (RemoteError, ServiceUnavailableError) as exc:
            return _failed(pages, exc)
        answer = RedirectResponse(begun["authorize_url"], status_code=302)
        answer.set_cookie(
            cookie_of(_state_in(begun["authorize_url"])),
            begun["browser_token"],
            max_age=STATE_LIVES,
            path=_callback_path(workspace_id),
            httponly=True,
            secure=https,
            samesite="lax",
        )
        return answer

    @router.get("/oauth/callback", openapi_extra={"parameters": DESCRIBED})
    async def callback(request: Request, workspace_id: str = enter) -> Response:
        """Finish the sign-in; the page says what came of it and closes itself."""
        try:
            came = read_callback(request.query_params.multi_items())
        except MalformedCallbackError:
            return pages.outcome(
                ok=False,
                code="callback_malformed",
                message="This is no answer that Salesforce gives.",
                cure=AGAIN,
            )
        cookie = cookie_of(came.state)
        browser = request.cookies.get(cookie, "")
        handed = came.with_cookie(browser if len(browser) <= LONGEST_COOKIE else "")
        try:
            told = await parts.oauth.call(
                "POST", workspace_id, "/callback", json=handed, seconds=CALLBACK_SECONDS
            )
        except (RemoteError, ServiceUnavailableError) as exc:
            return _failed(pages, exc)
        answer = pages.outcome(**{name: told[name] for name in ("ok", "code", "message", "cure")})
        if browser and told["code"] not in NOT_OURS:  # used up: a foreign one ends nothing here
            answer.delete_cookie(cookie, path=_callback_path(workspace_id))
        return answer

    return router


def _state_in(authorize_url: str) -> str:
    """Read the state that the login page is asked to hand back."""
    return parse_qs(urlsplit(authorize_url).query).get("state", [""])[0]


def _callback_path(workspace_id: str) -> str:
    return PREFIX.format(workspace=workspace_id) + "/oauth/callback"


def _failed(pages: Pages, exc: RemoteError | ServiceUnavailableError) -> Response:
    if isinstance(exc, RemoteError):
        title, cure = str(exc), str(exc.document.get("cure") or "")
    else:
        title, cure = exc.title, exc.cure
    return pages.outcome(ok=False, code=exc.code, message=title, cure=cure or AGAIN)
