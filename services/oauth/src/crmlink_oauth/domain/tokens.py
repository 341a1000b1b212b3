"""What a token answer says, and whether it may be believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from crmlink_common.salesforce.limits import ApiUsage

SCOPES = "api refresh_token offline_access openid id profile email address phone"
_ID = re.compile(r"https?://[^/?#]+/id/([A-Za-z0-9]{15,18})/([A-Za-z0-9]{15,18})\Z", re.ASCII)
LONGEST_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """A token endpoint's good answer. ``refresh_token`` is empty unless it gave one."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    instance_url: str
    scope: frozenset[str]
    org_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in, and where."""

    org_id: str
    user_id: str
    user_name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Org:
    """What one call with the new token tells."""

    name: str = field(default="", repr=False)
    usage: ApiUsage | None = None


class AnswerRefusedError(ValueError):
    """The answer is not to be believed; ``code`` is one of ``REFUSALS``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def fingerprint(token: str) -> str:
    """Name a token without showing it."""
    return hashlib.sha256(token.encode()).hexdigest()[:32]


def name_of(refresh_token: str) -> str:
    """Name a refresh token, so that the same one is known again; no token has no name."""
    return hashed(refresh_token) if refresh_token else ""


def read_answer(told: Mapping[str, object], client_secret: str) -> TokenAnswer:
    """Check the signature and take the answer apart.

    Raises:
        AnswerRefusedError: it is no token answer, or not signed with our secret.
    """
    texts = {name: value for name, value in told.items() if isinstance(value, str)}
    token, identity = texts.get("access_token", ""), _ID.match(texts.get("id", ""))
    if not token or len(token) > LONGEST_TOKEN or not token.isascii() or identity is None:
        raise AnswerRefusedError("unexpected_answer")
    signed = texts["id"] + texts.get("issued_at", "")
    if not signature_holds(client_secret, signed, texts.get("signature", "")):
        raise AnswerRefusedError("signature_mismatch")
    return TokenAnswer(
        access_token=token,
        refresh_token=texts.get("refresh_token", ""),
        instance_url=texts.get("instance_url", ""),
        scope=frozenset(texts.get("scope", "").split()),
        org_id=identity[1],
        user_id=identity[2],
    )


def signature_holds(client_secret: str, signed: str, signature: str) -> bool:
    """Compare in constant time."""
    digest = hmac.new(client_secret.encode(), signed.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), signature.encode())


def missing_access(answer: TokenAnswer) -> str:
    """Say what is missing for our work, judged by effect; '' when nothing is."""
    if not answer.scope & {"api", "full"}:
        return "no_api_scope"
    return "" if answer.refresh_token else "no_refresh_token"


def verifier_challenge(verifier: str) -> str:
    """Give PKCE's S256 challenge."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def hashed(secret: str) -> str:
    """Keep a random secret so that a reader of the table cannot use it."""
    return hashlib.sha256(secret.encode()).hexdigest()
