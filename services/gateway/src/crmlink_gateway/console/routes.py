"""The console's own addresses; everything else its scripts ask of the public API."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Cookie, Form, Request, Response
from fastapi.responses import RedirectResponse

from crmlink_gateway.console.pages import Pages
from crmlink_gateway.domain.access import VISIT, form_token, same_text
from crmlink_gateway.errors import FeatureDisabledError, FormTokenError, KeyUnknownError
from crmlink_gateway.routes.authority import PREFIX, VISIT_COOKIE
from crmlink_gateway.service import FrontDoor
from crmlink_gateway.web import origin_of

Visit = Annotated[str, Cookie(alias=VISIT_COOKIE)]
SEE_OTHER = 303


def console_routes(door: FrontDoor, pages: Pages, *, base_url: str) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    ours, https = origin_of(base_url), base_url.startswith("https:")

    @router.get("/")
    async def front(visit: Visit = "") -> Response:
        caller = await door.visitor(visit)
        if caller is None:
            return pages.sign_in()
        return RedirectResponse(_page(caller.workspace_id), status_code=SEE_OTHER)

    @router.post("/sign-in")
    async def sign_in(request: Request, key: Annotated[str, Form(max_length=512)] = "") -> Response:
        _from_our_page(request, ours)
        try:
            caller, visit = await door.sign_in(key.strip())
        except KeyUnknownError as exc:
            return pages.sign_in(trouble=str(exc), status=401)
        answer = RedirectResponse(_page(caller.workspace_id), status_code=SEE_OTHER)
        answer.set_cookie(
            VISIT_COOKIE,
            visit,
            max_age=int(VISIT.total_seconds()),
            path="/",
            httponly=True,
            secure=https,
            samesite="lax",
        )
        return answer

    @router.post("/sign-out")
    async def sign_out(
        token: Annotated[str, Form(max_length=128)] = "", visit: Visit = ""
    ) -> Response:
        if not same_text(token, form_token(visit)):
            raise FormTokenError("The page's token is missing or old.")
        await door.sign_out(visit)
        answer = RedirectResponse("/", status_code=SEE_OTHER)
        answer.delete_cookie(VISIT_COOKIE, path="/")
        return answer

    @router.get("/w/{workspace}/channels/salesforce")
    async def salesforce(workspace: UUID, visit: Visit = "") -> Response:
        caller = await door.visitor(visit)
        if caller is None or caller.workspace_id != str(workspace):
            return RedirectResponse("/", status_code=SEE_OTHER)
        try:
            await door.feature_on(caller.workspace_id)
        except FeatureDisabledError:
            return pages.missing()
        return pages.salesforce(
            workspace_id=caller.workspace_id,
            api=PREFIX.format(workspace=caller.workspace_id),
            form_token=form_token(visit),
        )

    return router


def _page(workspace_id: str) -> str:
    return f"/w/{workspace_id}/channels/salesforce"


def _from_our_page(request: Request, ours: str) -> None:
    """Refuse another site's form: it would sign a person in as somebody else.

    Compared with the public address, scheme and port included: a proxy may change the Host, and
    a page over http is not ours where ours is https.
    """
    origin = request.headers.get("origin", "")
    if origin and origin_of(origin) != ours:
        raise FormTokenError(
            f"This form was not sent from our page. Open {ours} and sign in there."
        )
