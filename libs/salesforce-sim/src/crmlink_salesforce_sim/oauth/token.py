"""The token endpoint, and ending or asking about tokens."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crmlink_salesforce_sim.oauth.errors import OAuthError
from crmlink_salesforce_sim.oauth.formats import formatted
from crmlink_salesforce_sim.oauth.grants import Grants
from crmlink_salesforce_sim.oauth.server import Form, Server, origin_of, texts


@dataclass(frozen=True)
class TokenEndpoint:
    """Answers /token, /revoke and /introspect."""

    server: Server
    grants: Grants

    async def token(self, request: Request) -> Response:
        """Exchange a code, a refresh token or credentials for an access token."""
        form = texts(await request.form()) if request.method == "POST" else {}
        wanted = form.get("format")
        try:
            if request.method != "POST":
                raise OAuthError("invalid_request", "must use HTTP POST")
            body = await run_in_threadpool(self.grants.token, request, form)
            return formatted(request, wanted, body)
        except OAuthError as exc:
            wanted = wanted if wanted in ("xml", "urlencoded") else None
            return formatted(request, wanted, exc.body(), exc.status)

    async def revoke(self, request: Request) -> Response:
        """End a token."""
        form: Form = dict(request.query_params)
        if request.method == "POST":
            form |= texts(await request.form())
        token = form.get("token", "")
        if not token:
            error = OAuthError("unsupported_token_type", "this token type is not supported")
        elif not await run_in_threadpool(self.server.tokens.revoke, token):
            error = OAuthError("invalid_token", "invalid token")
        else:
            return Response(status_code=200)
        return JSONResponse(error.body(), error.status)

    async def introspect(self, request: Request) -> Response:
        """Tell the app what its token is worth."""
        form = texts(await request.form())
        try:
            self.server.authenticate(request, form)
        except OAuthError as exc:
            return JSONResponse(exc.body(), 401)
        token = form.get("token", "")
        return JSONResponse(await run_in_threadpool(self._known, token, origin_of(request)))

    def _known(self, token: str, origin: str) -> dict[str, object]:
        identity = self.server.identity
        common: dict[str, object] = {
            "active": True,
            "client_id": identity.client_id,
            "username": identity.username,
        }
        if (session := self.server.tokens.session(token)) is not None:
            ends = session.used_at + self.server.tokens.session_seconds
            return {
                **common,
                "scope": session.scope,
                "sub": self.server.identity_url(origin, session.user),
                "token_type": "access_token",
                "exp": int(ends),
                "iat": int(session.issued_at),
                "nbf": int(session.issued_at),
            }
        if (known := self.server.tokens.approval_of(token)) is not None:
            user, scope, used_at = known
            told: dict[str, object] = {**common, "scope": scope, "token_type": "refresh_token"}
            told |= {"sub": self.server.identity_url(origin, user), "iat": int(used_at)}
            idle = self.server.app.settings.refresh_idle_seconds
            return told if idle is None else {**told, "exp": int(used_at + idle)}
        return {"active": False}
