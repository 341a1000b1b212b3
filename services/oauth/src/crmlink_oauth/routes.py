"""HTTP in: the gateway manages connections, the other services ask for tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Response
from pydantic import BaseModel, Field

from crmlink_common.internal.auth import Callers
from crmlink_oauth.service.authority import TokenAuthority
from crmlink_oauth.service.checking import Checking
from crmlink_oauth.service.overview import Check, Overview, trouble
from crmlink_oauth.service.setup import Form, Setup
from crmlink_oauth.service.signing_in import Callback, SigningIn

WORKERS = ("reconciler", "tools", "sync-outbound", "sync-inbound")
WorkspaceId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Actor = Annotated[str, Header(alias="X-CRMLink-Actor", max_length=255)]
Text = Annotated[str, Field(max_length=4096)]


class ConfigureBody(BaseModel):
    client_id: str = Field(min_length=1, max_length=512)
    client_secret: str = Field("", max_length=512)
    login_url: str = Field("", max_length=255)
    api_version: str = Field("", max_length=16)


class OrgBody(BaseModel):
    """Which org was meant; without it, the one that waits."""

    org_id: str | None = Field(None, pattern=r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")


class CallbackBody(BaseModel):
    state: Text
    browser_token: Text
    code: Text | None = None
    error: Text | None = None
    error_description: Text | None = None


class CallbackAnswer(BaseModel):
    ok: bool
    code: str
    message: str
    cure: str
    overview: Overview


class AuthorizeAnswer(BaseModel):
    authorize_url: str
    browser_token: str


class TokenBody(BaseModel):
    failed: str | None = Field(None, max_length=128)


class TokenGiven(BaseModel):
    token: str
    fingerprint: str
    instance_url: str
    api_version: str
    org_id: str
    epoch: int


def connection_routes(callers: Callers, setup: Setup, signing_in: SigningIn) -> APIRouter:
    """What a person does, through the gateway alone."""
    router = APIRouter(
        prefix="/internal/v1/workspaces/{workspace_id}",
        dependencies=[callers.required("gateway")],
    )

    @router.get("/connection")
    async def show(workspace_id: WorkspaceId) -> Overview:
        return await setup.show(workspace_id)

    @router.put("/connection")
    async def configure(
        workspace_id: WorkspaceId, body: ConfigureBody, actor: Actor = "service:gateway"
    ) -> Overview:
        return await setup.configure(workspace_id, Form(**body.model_dump()), actor=actor)

    @router.delete("/connection")
    async def delete(workspace_id: WorkspaceId, actor: Actor = "service:gateway") -> Overview:
        return await setup.delete(workspace_id, actor=actor)

    @router.post("/disconnect")
    async def disconnect(workspace_id: WorkspaceId, actor: Actor = "service:gateway") -> Overview:
        return await setup.disconnect(workspace_id, actor=actor)

    @router.post("/enable")
    async def enable(workspace_id: WorkspaceId, actor: Actor = "service:gateway") -> Overview:
        return await setup.switch(workspace_id, on=True, actor=actor)

    @router.post("/disable")
    async def disable(workspace_id: WorkspaceId, actor: Actor = "service:gateway") -> Overview:
        return await setup.switch(workspace_id, on=False, actor=actor)

    @router.post("/authorize")
    async def authorize(
        workspace_id: WorkspaceId, actor: Actor = "service:gateway"
    ) -> AuthorizeAnswer:
        begun = await signing_in.begin(workspace_id, actor=actor)
        return AuthorizeAnswer(authorize_url=begun.authorize_url, browser_token=begun.browser_token)

    @router.post("/callback")
    async def callback(workspace_id: WorkspaceId, body: CallbackBody) -> CallbackAnswer:
        came = Callback(
            state=body.state,
            browser_token=body.browser_token,
            code=body.code or "",
            error=body.error or "",
            error_description=body.error_description or "",
        )
        finished = await signing_in.finish(workspace_id, came)
        told = trouble(finished.code)
        return CallbackAnswer(
            ok=told is None,
            code=told.code if told else "connected",
            message=told.message if told else "Salesforce is connected.",
            cure=told.cure if told else "",
            overview=finished.overview,
        )

    return router


def org_routes(callers: Callers, setup: Setup, checking: Checking) -> APIRouter:
    """What a person decides and learns about the org itself, through the gateway alone."""
    router = APIRouter(
        prefix="/internal/v1/workspaces/{workspace_id}",
        dependencies=[callers.required("gateway")],
    )

    @router.post("/org/confirm")
    async def confirm_org(
        workspace_id: WorkspaceId,
        body: OrgBody | None = None,
        actor: Actor = "service:gateway",
    ) -> Overview:
        org_id = body.org_id if body else None
        return await setup.confirm_org(workspace_id, actor=actor, org_id=org_id)

    @router.post("/org/reject")
    async def reject_org(workspace_id: WorkspaceId, actor: Actor = "service:gateway") -> Overview:
        return await setup.reject_org(workspace_id, actor=actor)

    @router.post("/test")
    async def test(workspace_id: WorkspaceId, actor: Actor = "service:gateway") -> Check:
        return await checking.test(workspace_id, actor=actor)

    return router


def token_routes(callers: Callers, authority: TokenAuthority) -> APIRouter:
    """What the services that call Salesforce need; the gateway gets no token."""
    router = APIRouter(prefix="/internal/v1/workspaces/{workspace_id}")

    @router.post("/access-token", dependencies=[callers.required(*WORKERS)])
    async def access_token(
        workspace_id: WorkspaceId, body: TokenBody, response: Response
    ) -> TokenGiven:
        granted = await authority.grant(workspace_id, body.failed)
        response.headers["Cache-Control"] = "no-store"
        return TokenGiven.model_validate(granted, from_attributes=True)

    return router
