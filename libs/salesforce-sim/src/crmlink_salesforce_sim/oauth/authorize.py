"""The browser's side: log in, allow or deny, and back to the app."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from crmlink_salesforce_sim.oauth.app import callbacks
from crmlink_salesforce_sim.oauth.codes import Asked, Granted
from crmlink_salesforce_sim.oauth.errors import (
    OAuthError,
    flow_disabled,
    invalid_client_id,
    mismatch,
)
from crmlink_salesforce_sim.oauth.grants import Grants, invalid_scope
from crmlink_salesforce_sim.oauth.server import COOKIE, Form, Server, address_of, texts
from crmlink_salesforce_sim.oauth.settings import AppSettings
from crmlink_salesforce_sim.pages import page

AUTHORIZE = "/services/oauth2/authorize"
SEE_OTHER = 303
LOOPBACK = ("localhost", "127.0.0.1", "::1")
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
RESPONSE_TYPES = {"code": "web_server", "token": "user_agent", "token id_token": "user_agent"}


@dataclass(frozen=True)
class Authorize:
    """Answers the pages of the web server flow."""

    server: Server
    grants: Grants

    async def start(self, request: Request) -> Response:
        """Check the app, then ask for a login, a decision, or neither."""
        params: Form = dict(request.query_params)
        if request.method == "POST":
            params = texts(await request.form())
        return await run_in_threadpool(self._start, request, params)

    def _start(self, request: Request, params: Form) -> Response:
        try:
            self._check_app(params)
        except OAuthError as exc:  # never redirect to an address that is not registered
            return page("error.html", exc.status, error=exc.error, text=exc.description)
        try:
            asked = _asked(params, self.server.app.settings)
            self.server.logins.check_app()
            return self._ask(request, params, asked)
        except OAuthError as exc:
            return _back(params["redirect_uri"], exc.body(), params.get("state"))

    def _check_app(self, params: Form) -> None:
        app = self.server.app
        if params.get("client_id") != self.server.identity.client_id or not app.active:
            raise invalid_client_id()
        if app.settings.state == "blocked":
            raise OAuthError("OAUTH_APPROVAL_ERROR_GENERIC", "An unexpected error has occurred.")
        if not params.get("redirect_uri"):
            raise OAuthError("redirect_uri_missing", "redirect_uri not provided")
        if params["redirect_uri"] == OUT_OF_BAND:
            raise OAuthError("invalid_request", "out-of-band not supported")
        try:
            address = urlsplit(params["redirect_uri"])
        except ValueError:
            raise mismatch() from None
        if address.scheme == "http" and address.hostname not in LOOPBACK:
            raise OAuthError("invalid_request", "HTTPS required")
        if params["redirect_uri"] not in callbacks(self.server.org.store):
            raise mismatch()

    def _ask(self, request: Request, params: Form, asked: Asked) -> Response:
        user = self.server.browser_user(request)
        prompts = params.get("prompt", "").split()
        if params.get("immediate", "").lower() == "true":
            if user is None or not self.server.tokens.approved(user, asked.scope):
                raise OAuthError("immediate_unsuccessful", "immediate unsuccessful")
            return self._allow(request, Granted(asked, user))
        if user is None or "login" in prompts:
            rest = {**params, "prompt": " ".join(one for one in prompts if one != "login")}
            return login_page(f"{AUTHORIZE}?{urlencode(rest)}", params.get("login_hint", ""))
        self.server.logins.check(user, address_of(request))
        if "consent" not in prompts and self.server.tokens.approved(user, asked.scope):
            return self._allow(request, Granted(asked, user))
        pending = self.server.pending.keep(Granted(asked, user))
        username = self.server.identity.username
        return page("allow.html", request=pending, scopes=asked.scope.split(), username=username)

    def _allow(self, request: Request, granted: Granted) -> Response:
        asked = granted.asked
        if asked.response_type == "code":
            code = self.server.codes.keep(granted)
            self.server.handed.note("codes", code)
            self.server.handed.note("states", asked.state)
            return _back(asked.redirect_uri, {"code": code}, asked.state)
        issued = self.server.tokens.approve(granted.user, asked.scope)
        told = self.grants.answer(request, issued, asked.nonce)
        if asked.state is not None:
            told["state"] = asked.state
        return RedirectResponse(f"{asked.redirect_uri}#{urlencode(told)}", 302)

    async def decide(self, request: Request) -> Response:
        """Take the decision of the person in front of the browser."""
        form = texts(await request.form())
        granted, _ = self.server.pending.take(form.get("request", ""))
        if granted is None or self.server.browser_user(request) != granted.user:
            text = "This page has been used or has expired. Start again from the application."
            return page("error.html", 400, error="expired", text=text)
        if form.get("decision") == "allow":
            return await run_in_threadpool(self._allow, request, granted)
        denied = OAuthError("access_denied", "end-user denied authorization")
        return _back(granted.asked.redirect_uri, denied.body(), granted.asked.state)

    async def log_in(self, request: Request) -> Response:
        """Take name and password, then go on to where the browser wanted to go."""
        form = texts(await request.form())
        target = local_path(form.get("startURL", ""))
        user = self.server.log_in(form.get("username", ""), form.get("password", ""))
        if user is None:
            wrong = (
                "Please check your username and password. If you still can't log in, contact your"
                " Salesforce administrator."
            )
            return login_page(target, form.get("username", ""), wrong)
        response = RedirectResponse(target, SEE_OTHER)
        response.set_cookie(
            COOKIE,
            self.server.browsers.keep(user),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    async def login(self, request: Request) -> Response:
        """Show the login page by itself."""
        return login_page(local_path(request.query_params.get("startURL", "")))


def login_page(target: str, username: str = "", wrong: str = "") -> Response:
    """Return the login page; it leads on to the target."""
    return page("login.html", target=target, username=username, wrong=wrong)


def local_path(url: str) -> str:
    """Return the path to go on to, on this host only."""
    if not url.startswith("/") or url.startswith(("//", "/\\")):
        return "/setup"
    return url


def _asked(params: Form, settings: AppSettings) -> Asked:
    response_type = params.get("response_type", "")
    if (flow := RESPONSE_TYPES.get(response_type)) is None:
        raise OAuthError("unsupported_response_type", "response type not supported")
    if flow not in settings.flows:
        raise flow_disabled()
    scope = params.get("scope", "").replace(",", " ").split() or list(settings.scopes)
    if not set(scope) <= set(settings.scopes):
        raise invalid_scope()
    challenge = params.get("code_challenge")
    if settings.require_pkce and not challenge and response_type == "code":
        raise OAuthError("invalid_request", "missing required code challenge")
    if challenge and params.get("code_challenge_method", "S256") != "S256":
        raise OAuthError("invalid_request", "code challenge method must be S256")
    return Asked(
        client_id=params["client_id"],
        redirect_uri=params["redirect_uri"],
        scope=" ".join(dict.fromkeys(scope)),
        state=params.get("state"),
        challenge=challenge,
        nonce=params.get("nonce"),
        response_type=response_type,
    )


def _back(redirect_uri: str, answer: dict[str, str], state: str | None) -> Response:
    parts = urlsplit(redirect_uri)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *answer.items()]
    if state is not None:
        query.append(("state", state))
    return RedirectResponse(parts._replace(query=urlencode(query)).geturl(), 302)
