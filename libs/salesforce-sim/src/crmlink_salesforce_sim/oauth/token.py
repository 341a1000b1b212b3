"""The token endpoint, and ending or asking about tokens."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crmlink_salesforce_sim.oauth.codes import Granted
from crmlink_salesforce_sim.oauth.errors import OAuthError, mismatch
from crmlink_salesforce_sim.oauth.idtoken import IdTokens
from crmlink_salesforce_sim.oauth.server import Form, Server, origin_of, texts

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True)
class TokenEndpoint:
    """Answers /token, /revoke and /introspect."""

    server: Server
    id_tokens: IdTokens

    async def token(self, request: Request) -> Response:
        """Exchange a code or a refresh token for an access token."""
        form = texts(await request.form())
        try:
            body = await run_in_threadpool(self._token, request, form)
        except OAuthError as exc:
            return JSONResponse(exc.body(), exc.status, NO_STORE)
        if form.get("format") == "urlencoded":
            return Response(urlencode(body), media_type="application/x-www-form-urlencoded")
        return JSONResponse(body, headers=NO_STORE)

    def _token(self, request: Request, form: Form) -> dict[str, str]:
        grant = form.get("grant_type", "")
        if grant == "authorization_code":
            return self._of_code(request, form)
        if grant == "refresh_token":
            return self._of_refresh(request, form)
        raise OAuthError("unsupported_grant_type", "grant type not supported")

    def _of_code(self, request: Request, form: Form) -> dict[str, str]:
        self.server.authenticate(request, form)
        granted, expired = self.server.codes.take(form.get("code", ""))
        if granted is None:
            text = "expired authorization code" if expired else "invalid authorization code"
            raise OAuthError("invalid_grant", text)
        if not form.get("redirect_uri"):
            raise OAuthError("redirect_uri_missing", "redirect_uri not provided")
        if form["redirect_uri"] != granted.asked.redirect_uri:
            raise mismatch()
        _check_verifier(granted, form.get("code_verifier"))
        issued = self.server.tokens.approve(granted.user, granted.asked.scope)
        origin = origin_of(request)
        body = self.server.answer(issued, origin)
        if "openid" in granted.asked.scope.split():
            nonce = granted.asked.nonce
            body["id_token"] = self.id_tokens.make(self.server, origin, granted.user, nonce)
        return body

    def _of_refresh(self, request: Request, form: Form) -> dict[str, str]:
        self.server.authenticate(request, form)
        issued = self.server.tokens.refresh(form.get("refresh_token", ""))
        if issued is None:
            raise OAuthError("invalid_grant", "expired access/refresh token")
        return self.server.answer(issued, origin_of(request))

    async def revoke(self, request: Request) -> Response:
        """End a token."""
        form: Form = dict(request.query_params)
        if request.method == "POST":
            form |= texts(await request.form())
        ended = await run_in_threadpool(self.server.tokens.revoke, form.get("token", ""))
        if not ended:
            error = OAuthError("invalid_token", "invalid token")
            return JSONResponse(error.body(), error.status)
        return Response(status_code=200)

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
        if (scope := self.server.tokens.scope_of(token)) is not None:
            sub = self.server.identity_url(origin, identity.user_id)
            return {**common, "scope": scope, "sub": sub, "token_type": "refresh_token"}
        return {"active": False}


def _check_verifier(granted: Granted, verifier: str | None) -> None:
    if granted.asked.challenge is None:
        return
    if not verifier:
        raise OAuthError("invalid_grant", "missing required code verifier")
    made = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    if made != granted.asked.challenge.rstrip("="):
        raise OAuthError("invalid_request", "invalid code verifier")
