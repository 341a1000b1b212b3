"""What the OAuth endpoints share: the org's identity, tokens, and what lives for minutes."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64Error
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from starlette.datastructures import FormData
from starlette.requests import Request

from crmlink_salesforce_sim.oauth.app import Identity
from crmlink_salesforce_sim.oauth.codes import (
    BROWSER_SECONDS,
    Asked,
    Granted,
    ShortLived,
)
from crmlink_salesforce_sim.oauth.errors import OAuthError, invalid_client, invalid_client_id
from crmlink_salesforce_sim.oauth.handed import Handed
from crmlink_salesforce_sim.oauth.logins import Logins
from crmlink_salesforce_sim.oauth.settings import App
from crmlink_salesforce_sim.oauth.tokens import Issued, Tokens
from crmlink_salesforce_sim.org import Org

COOKIE = "sim_sid"  # cookies ignore ports: "sid" may be a neighbour's on this machine
API_INSTANCE = "https://api.salesforce.com"
Form = dict[str, str]


@dataclass
class Server:
    """The authorization server of one org."""

    org: Org
    identity: Identity
    tokens: Tokens
    app: App

    def __post_init__(self) -> None:
        self.handed = Handed()
        now: Callable[[], datetime] = self.org.now
        self.browsers: ShortLived[str] = ShortLived(lambda: BROWSER_SECONDS, now)
        self.pending: ShortLived[Granted] = ShortLived(lambda: BROWSER_SECONDS, now)
        self.codes: ShortLived[Granted] = ShortLived(
            lambda: self.app.settings.code_seconds, now, "aPrx"
        )
        self.logins = Logins(self.org.store, self.identity, now, self.app)

    def browser_user(self, request: Request) -> str | None:
        """Return who is logged in in this browser."""
        return self.browsers.find(request.cookies.get(COOKIE, ""))

    def log_in(self, username: str, password: str) -> str | None:
        """Return the user's id if the password is right."""
        same_name = hmac.compare_digest(username.lower().encode(), self._username)
        same_word = hmac.compare_digest(password.encode(), self.identity.password.encode())
        return self.identity.user_id if same_name and same_word else None

    @property
    def _username(self) -> bytes:
        return self.identity.username.lower().encode()

    def authenticate(self, request: Request, form: Form, *, secret_needed: bool = True) -> None:
        """Check the app's id and secret, from the body or from Basic."""
        client_id, secret = form.get("client_id", ""), form.get("client_secret")
        header = request.headers.get("authorization", "")
        if header.lower().startswith("basic "):
            client_id, secret = basic(header)
        if client_id != self.identity.client_id or not self.app.active:
            raise invalid_client_id()
        if not secret and not secret_needed:
            return
        if not hmac.compare_digest((secret or "").encode(), self.identity.client_secret.encode()):
            raise invalid_client()

    def answer(self, issued: Issued, origin: str) -> dict[str, str]:
        """Return the token answer: no expires_in, a signature, the time in milliseconds."""
        identity_url = self.identity_url(origin, issued.user)
        issued_at = str(int(issued.issued_at * 1000))
        body = {
            "access_token": issued.access,
            "signature": signature(self.identity.client_secret, identity_url, issued_at),
            "scope": issued.scope,
            "instance_url": origin,
            "id": identity_url,
            "token_type": "Bearer",
            "issued_at": issued_at,
        }
        if self.app.settings.api_instance_url:
            body["api_instance_url"] = API_INSTANCE
        return body if issued.refresh is None else {**body, "refresh_token": issued.refresh}

    def identity_url(self, origin: str, user: str) -> str:
        """Return the identity URL of a user."""
        return f"{origin}/id/{self.identity.org_id}/{user}"


def signature(secret: str, identity_url: str, issued_at: str) -> str:
    """Return the signature that proves who issued a token."""
    made = hmac.new(secret.encode(), (identity_url + issued_at).encode(), sha256)
    return b64encode(made.digest()).decode()


def basic(header: str) -> tuple[str, str]:
    """Return name and password of a Basic header."""
    try:
        name, _, word = b64decode(header[6:], validate=True).decode().partition(":")
    except (NotBase64Error, UnicodeDecodeError):
        raise OAuthError("invalid_client", "invalid client credentials") from None
    return name, word


def origin_of(request: Request) -> str:
    """Return the org's own address as the caller knows it."""
    return f"{request.url.scheme}://{request.url.netloc}"


def address_of(request: Request) -> str:
    """Return the address a request came from."""
    return request.client.host if request.client else "127.0.0.1"


def texts(form: FormData) -> Form:
    """Return the text fields of a form."""
    return {name: value for name, value in form.items() if isinstance(value, str)}


__all__ = ["Asked", "Granted", "Server", "address_of", "basic", "origin_of", "signature", "texts"]
