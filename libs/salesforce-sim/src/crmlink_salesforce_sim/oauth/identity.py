"""Who is logged in: userinfo, the identity URL, and the OpenID documents."""

import re
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.ids import full_id
from crmlink_salesforce_sim.oauth.app import SCOPES
from crmlink_salesforce_sim.oauth.idtoken import IdTokens
from crmlink_salesforce_sim.oauth.server import Server, origin_of

_BEARER = re.compile(r"(?:Bearer|OAuth)\s+(\S+)\s*\Z", re.IGNORECASE)
_USER = (
    "SELECT Username, Name, Email, FirstName, LastName, IsActive, LastModifiedDate FROM User"
    " WHERE Id = ?"
)
_PATHS = {
    "enterprise": "/services/Soap/c/{version}/",
    "metadata": "/services/Soap/m/{version}/",
    "partner": "/services/Soap/u/{version}/",
    "rest": "/services/data/v{version}/",
    "sobjects": "/services/data/v{version}/sobjects/",
    "search": "/services/data/v{version}/search/",
    "query": "/services/data/v{version}/query/",
    "recent": "/services/data/v{version}/recent/",
    "tooling_soap": "/services/Soap/T/{version}/",
    "tooling_rest": "/services/data/v{version}/tooling/",
    "profile": "/",
    "feeds": "/services/data/v{version}/chatter/feeds",
    "groups": "/services/data/v{version}/chatter/groups",
    "users": "/services/data/v{version}/chatter/users",
    "feed_items": "/services/data/v{version}/chatter/feed-items",
    "feed_elements": "/services/data/v{version}/chatter/feed-elements",
    "custom_domain": "",
}


@dataclass(frozen=True)
class IdentityPages:
    """Answers who somebody is."""

    server: Server
    id_tokens: IdTokens

    async def userinfo(self, request: Request) -> Response:
        """Answer the OpenID userinfo of the caller."""
        if (user := await run_in_threadpool(self._caller, request)) is None:
            return PlainTextResponse("Bad_OAuth_Token", 403)
        return JSONResponse(await run_in_threadpool(self._about, user, origin_of(request)))

    async def identity(self, request: Request) -> Response:
        """Answer the identity URL of the caller."""
        user = await run_in_threadpool(self._caller, request)
        if user is None:
            return PlainTextResponse("Missing_OAuth_Token", 403)
        wanted = (full_id(request.path_params["org"]), full_id(request.path_params["user"]))
        if wanted != (self.server.identity.org_id, user):
            return PlainTextResponse("Bad_Id", 404)
        about = await run_in_threadpool(self._about, user, origin_of(request))
        names = {
            "id": self.server.identity_url(origin_of(request), user),
            "username": about["preferred_username"],
            "display_name": about["name"],
            "first_name": about["given_name"],
            "last_name": about["family_name"],
            "asserted_user": True,
            "status": {"created_date": None, "body": None},
            "last_modified_date": str(about["updated_at"]).replace("Z", "+0000"),
        }
        moved = ("user_id", "organization_id", "email", "email_verified", "photos", "urls")
        same = (*moved, "active", "user_type", "language", "locale", "utcOffset")
        return JSONResponse({**names, **{name: about[name] for name in same}})

    async def configuration(self, request: Request) -> Response:
        """Answer where the endpoints are."""
        origin = origin_of(request)
        base = f"{origin}/services/oauth2/"
        names = {"authorization": "authorize", "token": "token", "revocation": "revoke"}
        names |= {"userinfo": "userinfo", "introspection": "introspect", "registration": "register"}
        return JSONResponse(
            {
                "issuer": origin,
                **{f"{name}_endpoint": base + path for name, path in names.items()},
                "jwks_uri": f"{origin}/id/keys",
                "scopes_supported": list(SCOPES),
                "response_types_supported": ["code", "token", "token id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "display_values_supported": ["page", "popup", "touch"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "client_secret_basic",
                ],
            }
        )

    async def keys(self, _: Request) -> Response:
        """Answer the public keys."""
        return JSONResponse(await run_in_threadpool(self.id_tokens.keys))

    def _caller(self, request: Request) -> str | None:
        header = request.headers.get("authorization", "")
        found = _BEARER.match(header)
        token = found[1] if found else request.query_params.get("access_token", "")
        return self.server.tokens.user_of(token)

    def _about(self, user: str, origin: str) -> Row:
        with self.server.org.store.reading() as connection:
            row = connection.execute(_USER, (user,)).fetchone()
        username, name, email, first, last, active, modified = row
        photos = {
            "picture": f"{origin}/profilephoto/005/F",
            "thumbnail": f"{origin}/profilephoto/005/T",
        }
        urls = {key: origin + path for key, path in _PATHS.items()}
        return {
            "sub": self.server.identity_url(origin, user),
            "user_id": user,
            "organization_id": self.server.identity.org_id,
            "preferred_username": username,
            "nickname": username.partition("@")[0],
            "name": name,
            "email": email,
            "email_verified": True,
            "given_name": first,
            "family_name": last,
            "zoneinfo": "GMT",
            "photos": photos,
            "profile": f"{origin}/{user}",
            "picture": photos["picture"],
            "address": {},
            "is_salesforce_integration_user": False,
            "urls": {**urls, "profile": f"{origin}/{user}"},
            "active": bool(active),
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "utcOffset": 0,
            "updated_at": modified.replace(".000+0000", "Z"),
        }
