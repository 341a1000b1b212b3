"""The web application: the org's hosts and resources under one address."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from crmlink_salesforce_sim.api.bulk_ingest import add_bulk_ingest
from crmlink_salesforce_sim.api.bulk_queries import add_bulk_queries
from crmlink_salesforce_sim.api.collections import add_collections
from crmlink_salesforce_sim.api.composite import add_composite
from crmlink_salesforce_sim.api.limits import add_limits
from crmlink_salesforce_sim.api.queries import add_queries
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.api.search import add_search
from crmlink_salesforce_sim.api.sobjects import add_sobjects
from crmlink_salesforce_sim.bulk.work import wake
from crmlink_salesforce_sim.control import CLOSED, control_of, control_routes
from crmlink_salesforce_sim.control_people import record_action_routes
from crmlink_salesforce_sim.data import DataApi
from crmlink_salesforce_sim.dated import Dated
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.faults import Faults
from crmlink_salesforce_sim.oauth.authorize import AUTHORIZE, Authorize
from crmlink_salesforce_sim.oauth.faulty import Faulty
from crmlink_salesforce_sim.oauth.grants import Grants
from crmlink_salesforce_sim.oauth.identity import IdentityPages
from crmlink_salesforce_sim.oauth.idtoken import IdTokens
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.oauth.token import TokenEndpoint
from crmlink_salesforce_sim.setup import Setup
from crmlink_salesforce_sim.soap.pages import soap_routes

METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]
OAUTH = "/services/oauth2"
PACKED_FROM = 1000  # bytes: a smaller answer is not worth packing


def router() -> Router:
    """Return the data API's resources."""
    made = Router()
    for add in (add_limits, add_queries, add_search, add_sobjects, add_composite, add_collections):
        add(made)
    for add in (add_bulk_ingest, add_bulk_queries):
        add(made)
    return made


def create_app(server: Server, *, control: bool = False, faults: Faults | None = None) -> Starlette:
    """Return the org as an ASGI application."""
    faults = Faults() if faults is None else faults
    data = DataApi(server.org, router(), server.tokens, faults)
    routes = [
        Route("/", _home),
        Route("/services/data", data.versions, methods=["GET"]),
        Route("/services/data/", data.versions, methods=["GET"]),
        Route("/services/data/{rest:path}", data.call, methods=METHODS),
        *_oauth_routes(server, Faulty(faults)),
    ]
    routes += soap_routes(server)
    routes += record_action_routes(server) if control else []
    routes += control_routes(control_of(server, faults)) if control else [CLOSED]
    wake(server.org)  # jobs an earlier run left
    dated = Middleware(Dated, now=server.org.now)
    packed = Middleware(GZipMiddleware, minimum_size=PACKED_FROM, compresslevel=1)
    failed = {Exception: _failed}
    return Starlette(routes=routes, middleware=[dated, packed], exception_handlers=failed)


async def _failed(_: Request, __: Exception) -> Response:
    """Answer our own mistake as an org would; the server logs where it was."""
    error = ApiError("UNKNOWN_EXCEPTION", "An unexpected error occurred.", 500)
    return JSONResponse(error.body(), error.status)


def _oauth_routes(server: Server, faulty: Faulty) -> list[Route]:
    id_tokens = IdTokens(server.org.store)
    grants = Grants(server, id_tokens)
    authorize, setup = Authorize(server, grants), Setup(server)
    token, pages = TokenEndpoint(server, grants), IdentityPages(server, id_tokens)
    return [
        Route(AUTHORIZE, authorize.start, methods=["GET", "POST"]),
        Route(AUTHORIZE + "/decision", authorize.decide, methods=["POST"]),
        Route("/login", authorize.login, methods=["GET"]),
        Route("/login", authorize.log_in, methods=["POST"]),
        *[
            Route(f"{OAUTH}/{name}", faulty.around(name, endpoint), methods=methods)
            for name, endpoint, methods in (
                ("token", token.token, ["GET", "POST"]),
                ("revoke", token.revoke, ["GET", "POST"]),
                ("introspect", token.introspect, ["POST"]),
                ("userinfo", pages.userinfo, ["GET", "POST"]),
            )
        ],
        Route("/.well-known/openid-configuration", pages.configuration),
        Route("/id/keys", pages.keys),
        Route("/id/{org}/{user}", pages.identity),
        Route("/setup", setup.show, methods=["GET"]),
        Route("/setup", setup.save, methods=["POST"]),
        Route("/setup/app.json", setup.app, methods=["GET", "PUT"]),
    ]


async def _home(_: Request) -> Response:
    return RedirectResponse("/login")
