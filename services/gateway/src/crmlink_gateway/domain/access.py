"""Who may do what: API keys, scopes, and the secrets of which only hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

KEY_PREFIX = "crmlink_"
SHORTEST_KEY = 24
LONGEST_SECRET = 512
VISIT = timedelta(hours=12)  # how long a person stays signed in to the console
TICKET = timedelta(minutes=5)  # between asking for a sign-in at Salesforce and going there


class Scope(StrEnum):
    """Each holds what the one before it holds."""

    READ = "salesforce:read"
    WRITE = "salesforce:write"
    ADMIN = "salesforce:admin"

    def covers(self, needed: Scope) -> bool:
        """Say whether a key of this scope may do what needs ``needed``."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    workspace_id: str
    id: str
    name: str
    scope: Scope
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def valid_at(self, now: datetime) -> bool:
        """Say whether it opens anything at all."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, for which workspace; ``actor`` names them in the audit trail."""

    workspace_id: str
    key_id: str
    scope: Scope

    @property
    def actor(self) -> str:
        return f"key:{self.key_id}"


def new_secret() -> str:
    """Give 32 random bytes as text, for a session or a ticket."""
    return secrets.token_urlsafe(32)


def new_api_key() -> str:
    """Make the text that its owner sees once."""
    return KEY_PREFIX + new_secret()


def fingerprint(secret: str) -> str:
    """Hash a secret of high entropy: SHA-256 cannot be turned back, and is fast to look up."""
    return hashlib.sha256(secret.encode()).hexdigest()


def form_token(session: str) -> str:
    """Derive what a page of this session must send along: no other site can know it."""
    return hashlib.sha256(b"form:" + session.encode()).hexdigest()


def same_text(one: str, other: str) -> bool:
    """Compare secrets without telling how far they agree."""
    return hmac.compare_digest(one.encode(), other.encode())


def bearer(authorization: str) -> str:
    """Return the secret of an Authorization header, or nothing."""
    scheme, _, secret = authorization.partition(" ")
    good = scheme.lower() == "bearer" and len(secret) <= LONGEST_SECRET
    return secret.strip() if good else ""
