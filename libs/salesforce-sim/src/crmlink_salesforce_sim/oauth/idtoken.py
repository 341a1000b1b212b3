"""id_token: who logged in, signed with RS256; the public half is at /id/keys."""

import json
from base64 import urlsafe_b64encode
from functools import cached_property
from hashlib import sha256

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.store import Store

KEY, KEY_ID = "signing_key", "1"
SECONDS = 120


class IdTokens:
    """Signs with a key that is made on first use and kept in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        if (kept := self._store.fact(KEY)) is None:
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            kept = made.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
            self._store.set_fact(KEY, kept)
        key = serialization.load_pem_private_key(kept.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - it is the one made above
        return key

    def make(self, server: Server, origin: str, user: str, nonce: str | None, access: str) -> str:
        """Return the signed token; `at_hash` binds it to the access token."""
        now = int(server.org.now().timestamp())
        claims: dict[str, object] = {
            "iss": origin,
            "sub": server.identity_url(origin, user),
            "aud": server.identity.client_id,
            "iat": now,
            "exp": now + SECONDS,
            "at_hash": _packed(sha256(access.encode()).digest()[:16]),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        head = {"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}
        text = ".".join(_packed(json.dumps(one).encode()) for one in (head, claims))
        made = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_packed(made)}"

    def keys(self) -> dict[str, object]:
        """Return the public key as a JWK set."""
        numbers = self._key.public_key().public_numbers()
        n = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID}
        return {"keys": [{**key, "n": _packed(n), "e": _packed(b"\x01\x00\x01")}]}


def _packed(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
