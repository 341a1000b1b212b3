"""The token endpoint's formats and assertions, introspection, revocation."""

import json
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from crmlink_salesforce_sim.oauth.server import Server

TOKEN = "/services/oauth2/token"


async def settings(web: httpx.AsyncClient, **body: object) -> None:
    answer = await web.post("/_sim/app", json=body)
    assert answer.status_code == 204, answer.text


async def test_the_token_answer_comes_in_three_formats(
    web: httpx.AsyncClient, server: Server
) -> None:
    """Facts §1: format=json|xml|urlencoded, or Accept."""
    form = {
        "grant_type": "client_credentials",
        "client_id": server.identity.client_id,
        "client_secret": server.identity.client_secret,
    }
    answer = await web.post(TOKEN, data={**form, "format": "xml"})
    found = ET.fromstring(answer.text)  # noqa: S314 - what the org of this test made
    assert (found.tag, found.findtext("token_type")) == ("OAuth", "Bearer")
    answer = await web.post(TOKEN, data={**form, "format": "urlencoded"})
    assert httpx.QueryParams(answer.text)["token_type"] == "Bearer"
    answer = await web.post(TOKEN, data=form, headers={"Accept": "application/xml"})
    assert answer.headers["content-type"] == "application/xml"
    answer = await web.post(TOKEN, data={**form, "format": "yaml"})
    assert answer.json()["error"] == "invalid_request"
    wrong = {**form, "client_secret": "no", "format": "xml"}
    answer = await web.post(TOKEN, data=wrong)
    assert "<error>invalid_client</error>" in answer.text
    assert (await web.get(TOKEN)).json()["error"] == "invalid_request"


async def test_introspection_tells_the_whole_shape(web: httpx.AsyncClient, server: Server) -> None:
    """Facts §1: seconds; an unknown token is inactive; the app has to prove itself."""
    issued = server.tokens.approve(server.identity.user_id, "api refresh_token")
    app = (server.identity.client_id, server.identity.client_secret)
    path = "/services/oauth2/introspect"
    told = (await web.post(path, data={"token": issued.access}, auth=app)).json()
    names = {"active", "scope", "client_id", "username", "sub", "token_type", "exp", "iat", "nbf"}
    assert set(told) == names
    assert told["exp"] - told["iat"] == 7200
    told = (await web.post(path, data={"token": issued.refresh}, auth=app)).json()
    assert (told["active"], told["token_type"]) == (True, "refresh_token")
    assert (await web.post(path, data={"token": "x"}, auth=app)).json() == {"active": False}
    answer = await web.post(path, data={"token": "x"}, auth=(app[0], "no"))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_revoking_nothing_is_an_unsupported_token(web: httpx.AsyncClient) -> None:
    """Facts §1: unsupported_token_type, invalid_token."""
    for form, error in (({}, "unsupported_token_type"), ({"token": "x"}, "invalid_token")):
        answer = await web.post("/services/oauth2/revoke", data=form)
        assert (answer.status_code, answer.json()["error"]) == (400, error)


def certificate_of(key: RSAPrivateKey, at: datetime) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(at).not_valid_after(at + timedelta(days=30))
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def assertion(key: RSAPrivateKey, **claims: object) -> str:
    parts = [json.dumps(one).encode() for one in ({"alg": "RS256"}, claims)]
    text = b".".join(urlsafe_b64encode(one).rstrip(b"=") for one in parts)
    signed = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return (text + b"." + urlsafe_b64encode(signed).rstrip(b"=")).decode()


async def test_an_assertion_stands_for_app_and_user(
    web: httpx.AsyncClient,
    server: Server,
    clock: Any,  # noqa: ANN401 - a fixture of conftest
) -> None:
    key, stranger = (generate_private_key(65537, 2048) for _ in range(2))
    await settings(web, certificate=certificate_of(key, clock.time))
    answer = await web.post("/_sim/app", json={"certificate": "x"})
    assert answer.json()["field"] == "certificate"
    who: dict[str, Any] = {"iss": server.identity.client_id, "sub": server.identity.username}
    who |= {"aud": "https://login.salesforce.com", "exp": clock.time.timestamp() + 300}
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
    told = (await web.post(TOKEN, data={**form, "assertion": assertion(key, **who)})).json()
    assert server.tokens.user_of(told["access_token"]) == server.identity.user_id
    wrong = [
        (assertion(stranger, **who), "invalid assertion"),
        (assertion(key, **{**who, "aud": "https://evil.example"}), "audience is invalid"),
        (assertion(key, **{**who, "exp": 1}), "expired assertion"),
        (assertion(key, **{**who, "sub": "x"}), "user hasn't approved this consumer"),
        ("x.y", "invalid assertion"),
    ]
    for given, text in wrong:
        told = (await web.post(TOKEN, data={**form, "assertion": given})).json()
        assert told == {"error": "invalid_grant", "error_description": text}
