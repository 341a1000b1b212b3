"""Setup: where an admin registers the app's callback URLs."""

import hmac
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from crmlink_salesforce_sim.asked import Asked, AskedError
from crmlink_salesforce_sim.oauth.app import callbacks, register_callbacks
from crmlink_salesforce_sim.oauth.authorize import SEE_OTHER, login_page
from crmlink_salesforce_sim.oauth.errors import OAuthError
from crmlink_salesforce_sim.oauth.server import COOKIE, Server, basic, texts
from crmlink_salesforce_sim.oauth.tokens import digest
from crmlink_salesforce_sim.pages import page


@dataclass(frozen=True)
class Setup:
    """The settings of the app, as a page and as JSON."""

    server: Server

    async def show(self, request: Request) -> Response:
        """Show the settings to who is logged in."""
        if self.server.browser_user(request) is None:
            return login_page("/setup")
        return page(
            "setup.html",
            client_id=self.server.identity.client_id,
            client_secret=self.server.identity.client_secret,
            callback_urls="\n".join(callbacks(self.server.org.store)),
            token=_page_token(request),
            saved="saved" in request.query_params,
        )

    async def save(self, request: Request) -> Response:
        """Take the form."""
        if self.server.browser_user(request) is None:
            return login_page("/setup")
        form = texts(await request.form())
        if not hmac.compare_digest(form.get("token", ""), _page_token(request)):
            text = "Open Setup again and save from there."
            return page("error.html", 400, error="invalid_request", text=text)
        urls = form.get("callback_urls", "").splitlines()
        await run_in_threadpool(register_callbacks, self.server.org.store, urls)
        return RedirectResponse("/setup?saved", SEE_OTHER)

    async def app(self, request: Request) -> Response:
        """Show (GET) or change (PUT) the app's settings; the admin's name and password open it."""
        if not self._is_admin(request):
            headers = {"WWW-Authenticate": 'Basic realm="Setup"'}
            return JSONResponse({"error": "log in as the admin"}, 401, headers)
        if request.method == "PUT":
            document = await request.body()
            try:
                await run_in_threadpool(lambda: self.server.app.change(Asked(document)))
            except AskedError as exc:
                return JSONResponse(exc.body(), 400)
        told = await run_in_threadpool(self.server.app.told)
        return JSONResponse({"client_id": self.server.identity.client_id, **told})

    def _is_admin(self, request: Request) -> bool:
        header = request.headers.get("authorization", "")
        try:
            return self.server.log_in(*basic(header)) is not None
        except OAuthError:
            return False


def _page_token(request: Request) -> str:
    return digest("setup " + request.cookies.get(COOKIE, ""))
