"""The JWT bearer flow: an assertion signed with the key whose certificate the app has."""

import json
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64Error
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from crmlink_salesforce_sim.oauth.errors import OAuthError

HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")
MOST_SECONDS = 600.0  # an assertion lives for minutes
MOST_CHARS = 20_000


@dataclass(frozen=True)
class Claims:
    """Which app says that which user may come in."""

    client_id: str
    username: str


def public_key(certificate: str) -> rsa.RSAPublicKey:
    """Return the key of a PEM certificate; ValueError when it has no RSA key."""
    key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("an RSA key is needed")  # noqa: TRY004 - the file is wrong, not its type
    return key


def claims_of(assertion: str, certificate: str, origin: str, now: float) -> Claims:
    """Return what an assertion claims; OAuthError invalid_grant when it cannot be trusted."""
    try:
        head, body, signed = assertion[:MOST_CHARS].split(".")
        algorithm = json.loads(_unpacked(head))["alg"]
        text = f"{head}.{body}".encode()
        key = public_key(certificate)
        key.verify(_unpacked(signed), text, padding.PKCS1v15(), hashes.SHA256())
        claims = json.loads(_unpacked(body))
        issuer, subject = str(claims["iss"]), str(claims["sub"])
        audience, expires = str(claims["aud"]), float(claims["exp"])
    except (ValueError, KeyError, TypeError, NotBase64Error, InvalidSignature):
        raise OAuthError("invalid_grant", "invalid assertion") from None
    if algorithm != "RS256":
        raise OAuthError("invalid_grant", "invalid assertion")
    if audience.rstrip("/") not in (*HOSTS, origin):
        raise OAuthError("invalid_grant", "audience is invalid")
    if not now < expires <= now + MOST_SECONDS:
        raise OAuthError("invalid_grant", "expired assertion")
    return Claims(issuer, subject)


def _unpacked(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
