"""What the app's settings decide, and every error that follows from them."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPublicNumbers,
)

from crmlink_salesforce_sim.oauth.server import Server

CALLBACK = "https://app.example/callback"
AUTHORIZE = "/services/oauth2/authorize"
TOKEN = "/services/oauth2/token"


async def settings(web: httpx.AsyncClient, **body: object) -> None:
    answer = await web.post("/_sim/app", json=body)
    assert answer.status_code == 204, answer.text


async def begin(web: httpx.AsyncClient, server: Server, **more: str) -> httpx.Response:
    """Log in, allow the app for once, and ask for authorization."""
    form = {"username": server.identity.username, "password": server.identity.password}
    await web.post("/login", data=form)
    server.tokens.approve(server.identity.user_id, " ".join(server.app.settings.scopes))
    params = {
        "response_type": "code",
        "client_id": server.identity.client_id,
        "redirect_uri": CALLBACK,
        "state": "s1",
        **more,
    }
    return await web.get(AUTHORIZE, params=params)


async def code(web: httpx.AsyncClient, server: Server, **more: str) -> str:
    answer = await begin(web, server, **more)
    return httpx.URL(answer.headers["location"]).params["code"]


async def error_on_redirect(web: httpx.AsyncClient, server: Server, **more: str) -> tuple[str, str]:
    answer = await begin(web, server, **more)
    back = httpx.URL(answer.headers["location"])
    assert back.params["state"] == "s1"
    assert str(back).startswith(CALLBACK)
    return back.params["error"], back.params["error_description"]


async def token(web: httpx.AsyncClient, server: Server, **form: str) -> Any:  # noqa: ANN401 - JSON
    usual = {
        "client_id": server.identity.client_id,
        "client_secret": server.identity.client_secret,
        "redirect_uri": CALLBACK,
    }
    given = {name: value for name, value in (usual | form).items() if value}
    return (await web.post(TOKEN, data=given)).json()


async def refreshed(web: httpx.AsyncClient, server: Server, refresh: str) -> Any:  # noqa: ANN401 - JSON
    return await token(web, server, grant_type="refresh_token", refresh_token=refresh)


def approved(server: Server) -> str:
    found = server.tokens.approve(server.identity.user_id, "api refresh_token").refresh
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        ({"require_pkce": True}, "invalid_request", "missing required code challenge"),
        (
            {"permitted_users": "admin_approved"},
            "OAUTH_APP_ACCESS_DENIED",
            "user is not admin approved to access this app",
        ),
        ({"state": "not_installed"}, "invalid_client", "app must be installed into org"),
        ({"org_active": False}, "inactive_org", "org is locked, closed, or suspended"),
        (
            {"allowed_ips": ["10.0.0.0/8"]},
            "invalid_grant",
            "IP restricted or invalid login hours",
        ),
        (
            {"login_hours": [20, 24]},
            "invalid_grant",
            "IP restricted or invalid login hours",
        ),
        (
            {"flows": ["refresh_token"]},
            "oauth_flow_disabled",
            "this flow is not enabled for this app",
        ),
    ],
)
async def test_what_the_settings_forbid_goes_back_to_the_app(
    web: httpx.AsyncClient, server: Server, body: dict[str, Any], error: str, text: str
) -> None:
    """Facts §1: the pair of error and description on the redirect."""
    await settings(web, **body)
    assert await error_on_redirect(web, server) == (error, text)


async def test_scopes_outside_the_app_are_refused_and_its_own_are_the_usual(
    web: httpx.AsyncClient, server: Server
) -> None:
    """Facts §1: invalid_scope."""
    await settings(web, scopes=["api", "refresh_token"])
    assert (await error_on_redirect(web, server, scope="api full"))[0] == "invalid_scope"
    found = await code(web, server)
    told = await token(web, server, grant_type="authorization_code", code=found)
    assert told["scope"] == "api refresh_token"


@pytest.mark.parametrize(
    ("body", "more", "error"),
    [
        ({"state": "blocked"}, {}, "OAUTH_APPROVAL_ERROR_GENERIC"),
        ({"activation_delay_seconds": 600}, {}, "invalid_client_id"),
        ({}, {"redirect_uri": "urn:ietf:wg:oauth:2.0:oob"}, "out-of-band not supported"),
        ({}, {"redirect_uri": "http://app.example/callback"}, "HTTPS required"),
    ],
)
async def test_what_concerns_the_app_itself_is_a_page_of_the_org(
    web: httpx.AsyncClient, server: Server, body: dict[str, Any], more: dict[str, str], error: str
) -> None:
    """Facts §1: such errors never redirect."""
    await settings(web, **body)
    answer = await begin(web, server, **more)
    assert answer.status_code == 400
    assert error in answer.text


async def test_a_new_app_is_known_after_its_delay(
    web: httpx.AsyncClient,
    server: Server,
    clock: Any,  # noqa: ANN401 - a fixture of conftest
) -> None:
    await settings(web, activation_delay_seconds=600)
    assert (await refreshed(web, server, approved(server)))["error"] == "invalid_client_id"
    clock.pass_seconds(601)
    assert "access_token" in await refreshed(web, server, approved(server))


async def test_an_approved_user_may_pass(web: httpx.AsyncClient, server: Server) -> None:
    users = [server.identity.username]
    await settings(web, permitted_users="admin_approved", approved_users=users)
    assert await code(web, server)


async def test_rotation_ends_the_old_token_and_a_replay_ends_the_new_one(
    web: httpx.AsyncClient, server: Server
) -> None:
    """Facts §1 and §12: replaying an old refresh token revokes everything of that approval."""
    await settings(web, rotate=True)
    first, other = approved(server), approved(server)
    second = await refreshed(web, server, first)
    assert second["refresh_token"] != first
    third = await refreshed(web, server, second["refresh_token"])
    expired = {"error": "invalid_grant", "error_description": "expired access/refresh token"}
    assert await refreshed(web, server, first) == expired
    assert await refreshed(web, server, third["refresh_token"]) == expired
    assert server.tokens.user_of(third["access_token"]) is None
    assert "access_token" in await refreshed(web, server, other)


async def test_a_refresh_token_that_lies_idle_expires(
    web: httpx.AsyncClient,
    server: Server,
    clock: Any,  # noqa: ANN401 - a fixture of conftest
) -> None:
    """Facts §1: the idle time is sliding."""
    day = 86_400
    await settings(web, refresh_idle_seconds=30 * day)
    kept = approved(server)
    for _ in range(2):
        clock.pass_seconds(29 * day)
        assert "access_token" in await refreshed(web, server, kept)
    clock.pass_seconds(31 * day)
    assert (await refreshed(web, server, kept))["error"] == "invalid_grant"


async def test_a_public_client_sends_no_secret(web: httpx.AsyncClient, server: Server) -> None:
    """Facts §1: require secret for web server flow, for refresh flow."""
    verifier = "v" * 64
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    form = {"grant_type": "authorization_code", "client_secret": "", "code_verifier": verifier}
    found = await code(web, server, code_challenge=challenge)
    assert (await token(web, server, code=found, **form))["error"] == "invalid_client"
    await settings(web, require_secret_web=False, require_secret_refresh=False)
    found = await code(web, server, code_challenge=challenge)
    issued = await token(web, server, code=found, **form)
    again = {"grant_type": "refresh_token", "client_secret": ""}
    told = await token(web, server, refresh_token=issued["refresh_token"], **again)
    assert "access_token" in told
    wrong = {"grant_type": "refresh_token", "client_secret": "no"}
    told = await token(web, server, refresh_token=issued["refresh_token"], **wrong)
    assert told["error"] == "invalid_client"


async def test_an_inactive_user_has_no_session_and_gets_none(
    web: httpx.AsyncClient, server: Server
) -> None:
    """Facts §1: inactive_user."""
    kept = approved(server)
    access = (await refreshed(web, server, kept))["access_token"]
    with server.org.store.writing() as connection:
        user = server.identity.user_id
        connection.execute("UPDATE User SET IsActive = 0 WHERE Id = ?", (user,))
    assert server.tokens.user_of(access) is None
    assert (await refreshed(web, server, kept))["error"] == "inactive_user"


async def test_too_many_logins_are_refused(web: httpx.AsyncClient, server: Server) -> None:
    """Facts §1: rate_limit_exceeded "number of logins exceeded"."""
    await settings(web, logins_an_hour=1)
    form = {"grant_type": "client_credentials"}
    assert "access_token" in await token(web, server, **form)
    assert await token(web, server, **form) == {
        "error": "rate_limit_exceeded",
        "error_description": "number of logins exceeded",
    }


async def test_credentials_flows_give_an_access_token_alone(
    web: httpx.AsyncClient, server: Server
) -> None:
    who = {"username": server.identity.username, "password": server.identity.password}
    for form in ({"grant_type": "client_credentials"}, {"grant_type": "password", **who}):
        told = await token(web, server, **form)
        assert "refresh_token" not in told
        assert server.tokens.user_of(told["access_token"]) == server.identity.user_id
    wrong = await token(web, server, grant_type="password", **{**who, "password": "no"})
    assert wrong == {"error": "invalid_grant", "error_description": "authentication failure"}
    await settings(web, flows=["web_server", "refresh_token"])
    told = await token(web, server, grant_type="client_credentials")
    assert told["error"] == "oauth_flow_disabled"


def unpacked(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def test_the_id_token_is_signed_with_a_published_key(
    web: httpx.AsyncClient,
    server: Server,
    clock: Any,  # noqa: ANN401 - a fixture of conftest
) -> None:
    """Facts §1: RS256 with kid, nonce and at_hash; the key set is at jwks_uri."""
    found = await code(web, server, nonce="n1")
    told = await token(web, server, grant_type="authorization_code", code=found)
    configured = (await web.get("/.well-known/openid-configuration")).json()
    [key] = (await web.get(configured["jwks_uri"])).json()["keys"]
    head, claims, signed = told["id_token"].split(".")
    number = int.from_bytes(unpacked(key["n"]), "big")
    public = RSAPublicNumbers(int.from_bytes(unpacked(key["e"]), "big"), number).public_key()
    text = f"{head}.{claims}".encode()
    public.verify(unpacked(signed), text, padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(unpacked(head)) == {"alg": "RS256", "kid": key["kid"], "typ": "JWT"}
    claims = json.loads(unpacked(claims))
    assert (claims["aud"], claims["iss"]) == (server.identity.client_id, configured["issuer"])
    digest = sha256(told["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == urlsafe_b64encode(digest).decode().rstrip("=")
    assert (claims["nonce"], claims["sub"]) == ("n1", told["id"])
    assert claims["iat"] == int(clock.time.timestamp())


async def test_the_user_agent_flow_answers_in_the_fragment(
    web: httpx.AsyncClient, server: Server
) -> None:
    """Facts §1: response_type token; state is part of the answer."""
    answer = await begin(web, server, response_type="token", scope="api")
    address, _, fragment = answer.headers["location"].partition("#")
    told = httpx.QueryParams(fragment)
    assert (address, told["state"]) == (CALLBACK, "s1")
    assert server.tokens.user_of(told["access_token"]) == server.identity.user_id


async def test_settings_outlive_a_change_of_callbacks_and_are_told(
    web: httpx.AsyncClient, server: Server
) -> None:
    auth = (server.identity.username, server.identity.password)
    await web.put("/setup/app.json", json={"rotate": True, "kind": "connected_app"}, auth=auth)
    await web.put("/setup/app.json", json={"callback_urls": ["https://b.example/"]}, auth=auth)
    told = (await web.get("/setup/app.json", auth=auth)).json()
    assert (told["rotate"], told["kind"]) == (True, "connected_app")
    assert told["callback_urls"] == ["https://b.example/"]
    answer = await web.put("/setup/app.json", json={"kind": "toy"}, auth=auth)
    assert (answer.status_code, answer.json()["field"]) == (400, "kind")
    await web.delete("/_sim/app")
    assert (await web.get("/_sim/app")).json()["rotate"] is False
