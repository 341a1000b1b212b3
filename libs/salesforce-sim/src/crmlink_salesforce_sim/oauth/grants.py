"""What each grant type of the token endpoint checks and issues."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request

from crmlink_salesforce_sim.oauth.assertion import claims_of
from crmlink_salesforce_sim.oauth.codes import Granted
from crmlink_salesforce_sim.oauth.errors import (
    OAuthError,
    flow_disabled,
    invalid_client_id,
    mismatch,
)
from crmlink_salesforce_sim.oauth.idtoken import IdTokens
from crmlink_salesforce_sim.oauth.server import Form, Server, address_of, origin_of
from crmlink_salesforce_sim.oauth.tokens import Issued

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FLOWS = {
    "authorization_code": "web_server",
    "refresh_token": "refresh_token",
    "client_credentials": "client_credentials",
    "password": "password",
    JWT_BEARER: "jwt_bearer",
}


@dataclass(frozen=True)
class Grants:
    """Turns codes, refresh tokens and credentials into tokens."""

    server: Server
    id_tokens: IdTokens

    def token(self, request: Request, form: Form) -> dict[str, str]:
        """Return the token answer, or raise OAuthError with the documented pair."""
        grant = form.get("grant_type", "")
        if grant not in FLOWS:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        kinds: dict[str, Callable[[Request, Form], dict[str, str]]] = {
            "authorization_code": self._of_code,
            "refresh_token": self._of_refresh,
            "client_credentials": self._of_client,
            "password": self._of_password,
            JWT_BEARER: self._of_assertion,
        }
        settings = self.server.app.settings
        needed = {
            "authorization_code": settings.require_secret_web,
            "refresh_token": settings.require_secret_refresh,
        }
        if grant != JWT_BEARER:  # its signature stands for the app
            self.server.authenticate(request, form, secret_needed=needed.get(grant, True))
        if FLOWS[grant] not in settings.flows:
            raise flow_disabled()
        return kinds[grant](request, form)

    def _of_code(self, request: Request, form: Form) -> dict[str, str]:
        granted, expired = self.server.codes.take(form.get("code", ""))
        if granted is None:
            text = "expired authorization code" if expired else "invalid authorization code"
            raise OAuthError("invalid_grant", text)
        if not form.get("redirect_uri"):
            raise OAuthError("redirect_uri_missing", "redirect_uri not provided")
        if form["redirect_uri"] != granted.asked.redirect_uri:
            raise mismatch()
        self.server.handed.note("verifiers", form.get("code_verifier"))
        _check_verifier(granted, form.get("code_verifier"))
        self._check(request, granted.user)
        self.server.logins.count()
        issued = self.server.tokens.approve(granted.user, granted.asked.scope)
        return self.answer(request, issued, granted.asked.nonce)

    def _of_refresh(self, request: Request, form: Form) -> dict[str, str]:
        token = form.get("refresh_token", "")
        if (known := self.server.tokens.approval_of(token)) is not None:
            self._check(request, known[0])
        issued = self.server.tokens.refresh(token)
        if issued is None:
            raise OAuthError("invalid_grant", "expired access/refresh token")
        return self.answer(request, issued, None)

    def _of_client(self, request: Request, form: Form) -> dict[str, str]:
        user = self.server.identity.user_id
        return self._session(request, user, form.get("scope", "api"))

    def _of_password(self, request: Request, form: Form) -> dict[str, str]:
        user = self.server.log_in(form.get("username", ""), form.get("password", ""))
        if user is None:
            raise OAuthError("invalid_grant", "authentication failure")
        return self._session(request, user, form.get("scope", "api"))

    def _of_assertion(self, request: Request, form: Form) -> dict[str, str]:
        server, now = self.server, self.server.org.now().timestamp()
        certificate = server.app.settings.certificate or ""
        found = claims_of(form.get("assertion", ""), certificate, origin_of(request), now)
        if found.client_id != server.identity.client_id or not server.app.active:
            raise invalid_client_id()
        user = server.identity.user_id
        if found.username.lower() != server.identity.username.lower():
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        return self._session(request, user, form.get("scope", "api"))

    def _session(self, request: Request, user: str, scope: str) -> dict[str, str]:
        if not set(scope.split()) <= set(self.server.app.settings.scopes):
            raise invalid_scope()
        self._check(request, user)
        self.server.logins.count()
        return self.answer(request, self.server.tokens.session_of(user, scope), None)

    def _check(self, request: Request, user: str) -> None:
        self.server.logins.check(user, address_of(request))

    def answer(self, request: Request, issued: Issued, nonce: str | None) -> dict[str, str]:
        """Return the token answer, with an id_token where openid is among the scopes."""
        origin = origin_of(request)
        body = self.server.answer(issued, origin)
        if "openid" in issued.scope.split():
            made = self.id_tokens.make(self.server, origin, issued.user, nonce, issued.access)
            body["id_token"] = made
        self.server.handed.note_answer(body)
        return body


def invalid_scope() -> OAuthError:
    """Say that a scope is not one of the app's."""
    text = "the requested scope is invalid, unknown, or malformed"
    return OAuthError("invalid_scope", text)


def _check_verifier(granted: Granted, verifier: str | None) -> None:
    """Facts §1: no verifier is invalid_grant, a wrong one invalid_request."""
    if granted.asked.challenge is None:
        return
    if not verifier:
        raise OAuthError("invalid_grant", "missing required code verifier")
    made = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    if made != granted.asked.challenge.rstrip("="):
        raise OAuthError("invalid_request", "invalid code verifier")
