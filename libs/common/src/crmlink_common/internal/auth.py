"""Short-lived signed tokens: each service signs with its own key, callees know the public ones.

A token that somebody overhears is good for one callee, for a minute and the difference of clocks.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from fastapi import Depends, Header
from pydantic import SecretStr

from crmlink_common.errors import CrmLinkError

LIFETIME = timedelta(seconds=60)
CLOCK_SKEW = timedelta(seconds=30)
MOST_KEYS = 2  # the one in use and the next, or the last


class CallerUnknownError(CrmLinkError):
    """The token is missing, expired, or signed by nobody we know."""

    code = "caller_unknown"


class CallerRefusedError(CrmLinkError):
    """We know the caller; this is not for it."""

    code = "caller_refused"


def _now() -> datetime:
    return datetime.now(UTC)


def new_key_pair() -> tuple[str, str]:
    """Make a private and a public key, each as base64 of its PEM, as the settings take them."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(private).decode(), base64.b64encode(public).decode()


class Signer:
    """Vouches for one service."""

    def __init__(self, service: str, key: SecretStr, *, now: Callable[[], datetime] = _now) -> None:
        loaded = load_pem_private_key(base64.b64decode(key.get_secret_value()), password=None)
        if not isinstance(loaded, Ed25519PrivateKey):
            raise TypeError("the internal key must be an Ed25519 private key")
        self._service, self._key, self._now = service, loaded, now

    def token(self, audience: str) -> str:
        """Sign a token that only ``audience`` accepts, for a minute."""
        now = self._now()
        claims = {"iss": self._service, "aud": audience, "iat": now, "exp": now + LIFETIME}
        return jwt.encode(claims, self._key, algorithm="EdDSA")


class _Bearer(httpx.Auth):
    def __init__(self, signer: Signer, audience: str) -> None:
        self._signer, self._audience = signer, audience

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._signer.token(self._audience)}"
        yield request


def open_internal(
    base_url: str,
    signer: Signer,
    audience: str,
    *,
    seconds: float = 15,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Open a client to another service; the caller closes it. Every request is signed."""
    return httpx.AsyncClient(
        base_url=base_url,
        auth=_Bearer(signer, audience),
        timeout=httpx.Timeout(seconds, connect=3),
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=20),
        follow_redirects=False,
        trust_env=False,
        transport=transport,
    )


class Callers:
    """Knows the services that may call this one; two keys of one while its key is changed."""

    def __init__(self, audience: str, trusted: Mapping[str, str | Sequence[str]]) -> None:
        self._audience = audience
        self._keys = {
            name: [_public(pem) for pem in ([told] if isinstance(told, str) else told)]
            for name, told in trusted.items()
        }

    def identify(self, authorization: str) -> str:
        """Return the name of the service that signed this header.

        Raises:
            CallerUnknownError: it is missing, malformed, expired, or not for us.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise CallerUnknownError("no bearer token")
        try:
            claimed = jwt.decode(token, options={"verify_signature": False}).get("iss", "")
            claims = self._claims(token, self._keys[claimed])
        except (jwt.PyJWTError, KeyError, TypeError):
            raise CallerUnknownError("the token is not valid here") from None
        if claims["exp"] - claims["iat"] > LIFETIME.total_seconds():
            raise CallerUnknownError("the token lives too long")
        return str(claims["iss"])

    def _claims(self, token: str, keys: Sequence[Ed25519PublicKey]) -> dict[str, Any]:
        for key in keys[:-1]:
            with suppress(jwt.InvalidSignatureError):
                return self._checked(token, key)
        return self._checked(token, keys[-1])

    def _checked(self, token: str, key: Ed25519PublicKey) -> dict[str, Any]:
        told: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience=self._audience,
            leeway=CLOCK_SKEW,
            options={"require": ["iss", "aud", "exp", "iat"]},
        )
        return told

    def required(self, *allowed: str) -> Any:  # noqa: ANN401 - what FastAPI's Depends gives
        """Make a dependency that lets only ``allowed`` services in and gives the caller's name."""
        names: Collection[str] = frozenset(allowed)

        async def caller(authorization: Annotated[str, Header()] = "") -> str:
            name = self.identify(authorization)
            if name not in names:
                raise CallerRefusedError(f"{name} may not do this")
            return name

        return Depends(caller)


def _public(pem: str) -> Ed25519PublicKey:
    loaded = load_pem_public_key(base64.b64decode(pem))
    if not isinstance(loaded, Ed25519PublicKey):
        raise TypeError("a trusted key must be an Ed25519 public key")
    return loaded


def trusted_keys(text: str) -> dict[str, str | list[str]]:
    """Read the setting: JSON, service name to base64 of its public key's PEM, or a list of two.

    Raises:
        TypeError, ValueError: it is not that.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("trusted keys: a JSON object of service names and public keys")
    return {str(name): _keys_of(told) for name, told in found.items()}


def _keys_of(told: object) -> str | list[str]:
    if isinstance(told, str):
        return told
    if isinstance(told, list) and 1 <= len(told) <= MOST_KEYS:
        keys = [key for key in told if isinstance(key, str)]
        if len(keys) == len(told):
            return keys
    raise TypeError("trusted keys: one or two public keys of each service")
