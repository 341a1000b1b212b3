"""OAuth in a browser's steps and an app's."""

import hmac
import html
import re
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.oauth.server import Server

CALLBACK = "https://app.example/callback"
VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def asked(server: Server, **more: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": server.identity.client_id,
        "redirect_uri": CALLBACK,
        "state": "s t&ate",
        **more,
    }


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return html.unescape(found[1])


async def log_in(web: httpx.AsyncClient, server: Server, **more: str) -> httpx.Response:
    page = await web.get("/services/oauth2/authorize", params=asked(server, **more))
    form = {
        "startURL": hidden(page.text, "startURL"),
        "username": server.identity.username,
        "password": server.identity.password,
    }
    answer = await web.post("/login", data=form)
    assert answer.status_code == 303
    return await web.get(answer.headers["location"])


async def decide(web: httpx.AsyncClient, page: str, decision: str) -> httpx.URL:
    form = {"request": hidden(page, "request"), "decision": decision}
    answer = await web.post("/services/oauth2/authorize/decision", data=form)
    assert answer.status_code == 302
    return httpx.URL(answer.headers["location"])


async def code_for(web: httpx.AsyncClient, server: Server, **more: str) -> str:
    page = await log_in(web, server, **more)
    back = await decide(web, page.text, "allow")
    assert back.params["state"] == "s t&ate"
    return back.params["code"]


async def exchange(web: httpx.AsyncClient, server: Server, code: str, **more: str) -> Any:  # noqa: ANN401 - JSON
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": server.identity.client_id,
        "client_secret": server.identity.client_secret,
        "redirect_uri": CALLBACK,
        **more,
    }
    return (await web.post("/services/oauth2/token", data=form)).json()


async def test_the_web_server_flow_ends_in_tokens(web: httpx.AsyncClient, server: Server) -> None:
    """Facts §1: the token answer, its signature, no expires_in; the token works."""
    scope = "api refresh_token openid"
    code = await code_for(web, server, scope=scope, code_challenge=CHALLENGE)
    told = await exchange(web, server, code, code_verifier=VERIFIER)
    assert "expires_in" not in told
    assert told["instance_url"] == "http://org.test"
    assert told["access_token"].startswith(server.identity.org_id[:15] + "!")
    assert told["scope"] == scope
    assert told["id"].endswith(f"/id/{server.identity.org_id}/{server.identity.user_id}")
    secret = server.identity.client_secret.encode()
    made = hmac.new(secret, (told["id"] + told["issued_at"]).encode(), sha256)
    assert told["signature"] == b64encode(made.digest()).decode()
    assert len(told["issued_at"]) == 13
    assert told["id_token"].count(".") == 2
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    answer = await web.get("/services/data/v59.0/limits", headers=headers)
    assert answer.status_code == 200
    about = await web.get("/services/oauth2/userinfo", headers=headers)
    assert about.json()["user_id"] == server.identity.user_id
    assert "{version}" in about.json()["urls"]["rest"]
    assert "sforce-limit-info" not in about.headers


async def test_what_was_handed_out_is_told_to_whoever_searches_for_leaks(
    web: httpx.AsyncClient, server: Server
) -> None:
    code = await code_for(web, server, code_challenge=CHALLENGE)
    told = await exchange(web, server, code, code_verifier=VERIFIER)
    found = (await web.get("/_sim/handed-out")).json()
    assert (found["codes"], found["verifiers"]) == ([code], [VERIFIER])
    assert found["access_tokens"][-1] == told["access_token"]
    assert found["refresh_tokens"][-1] == told["refresh_token"]
    assert found["states"] == ["s t&ate"]
    assert (await web.post("/_sim/handed-out", json={})).status_code == 400
    await web.delete("/_sim/handed-out")
    assert (await web.get("/_sim/handed-out")).json() == {}


async def test_denying_goes_back_with_the_error(web: httpx.AsyncClient, server: Server) -> None:
    """Facts §1: access_denied "end-user denied authorization", state echoed."""
    back = await decide(web, (await log_in(web, server)).text, "deny")
    assert dict(back.params) == {
        "error": "access_denied",
        "error_description": "end-user denied authorization",
        "state": "s t&ate",
    }


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"client_id": "x"}, "invalid_client_id"),
        ({"redirect_uri": CALLBACK + "/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://["}, "redirect_uri_mismatch"),
        ({"redirect_uri": ""}, "redirect_uri_missing"),
    ],
)
async def test_a_wrong_app_or_address_never_redirects(
    web: httpx.AsyncClient, server: Server, more: dict[str, str], error: str
) -> None:
    """Facts §1: an error page on the org's own host."""
    answer = await web.get("/services/oauth2/authorize", params=asked(server, **more))
    assert answer.status_code == 400
    assert error in answer.text


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": "magic"}, "unsupported_response_type"),
        ({"scope": "api teleport"}, "invalid_scope"),
        ({"immediate": "true"}, "immediate_unsuccessful"),
    ],
)
async def test_other_mistakes_go_back_to_the_app(
    web: httpx.AsyncClient, server: Server, more: dict[str, str], error: str
) -> None:
    """Facts §1: ?error=..&error_description=..&state=.."""
    answer = await web.get("/services/oauth2/authorize", params=asked(server, **more))
    back = httpx.URL(answer.headers["location"])
    assert (back.params["error"], back.params["state"]) == (error, "s t&ate")


async def test_a_wrong_password_shows_the_form_again(
    web: httpx.AsyncClient, server: Server
) -> None:
    form = {"startURL": "/setup", "username": server.identity.username, "password": "no"}
    answer = await web.post("/login", data=form)
    assert answer.status_code == 200
    assert "check your username and password" in answer.text


async def test_a_login_never_leads_to_another_host(web: httpx.AsyncClient, server: Server) -> None:
    form = {"username": server.identity.username, "password": server.identity.password}
    for url in ("//evil.example", "https://evil.example", "/\\evil.example"):
        answer = await web.post("/login", data={**form, "startURL": url})
        assert answer.headers["location"] == "/setup"


async def test_a_code_works_once_and_not_for_ever(
    web: httpx.AsyncClient,
    server: Server,
    clock: Any,  # noqa: ANN401 - a fixture of conftest
) -> None:
    """Facts §1: single use; "invalid" and "expired authorization code"."""
    code = await code_for(web, server)
    assert "access_token" in await exchange(web, server, code)
    again = await exchange(web, server, code)
    assert again == {
        "error": "invalid_grant",
        "error_description": "invalid authorization code",
    }
    asked_again = await web.get("/services/oauth2/authorize", params=asked(server))
    late = httpx.URL(asked_again.headers["location"]).params["code"]
    clock.pass_seconds(901)
    expired = await exchange(web, server, late)
    assert expired["error_description"] == "expired authorization code"


async def test_the_verifier_has_to_be_there_and_right(
    web: httpx.AsyncClient, server: Server
) -> None:
    """Facts §1: no verifier -> invalid_grant, a wrong one -> invalid_request."""
    code = await code_for(web, server, code_challenge=CHALLENGE)
    assert (await exchange(web, server, code))["error"] == "invalid_grant"
    more = asked(server, code_challenge=CHALLENGE, prompt="consent")
    page = await web.get("/services/oauth2/authorize", params=more)
    code = (await decide(web, page.text, "allow")).params["code"]
    wrong = await exchange(web, server, code, code_verifier="w" * 64)
    assert wrong["error"] == "invalid_request"


async def test_an_app_has_to_prove_itself(web: httpx.AsyncClient, server: Server) -> None:
    """Facts §1: invalid_client, invalid_client_id; body or Basic."""
    assert (await exchange(web, server, "x", client_secret="no"))["error"] == "invalid_client"
    assert (await exchange(web, server, "x", client_id="no"))["error"] == "invalid_client_id"
    wrong = {"grant_type": "magic"}
    answer = await web.post("/services/oauth2/token", data=wrong)
    assert answer.json()["error"] == "unsupported_grant_type"
    identity = server.identity
    token = server.tokens.approve(identity.user_id, "api refresh_token").refresh
    assert token is not None
    answer = await web.post(
        "/services/oauth2/token",
        data={"grant_type": "refresh_token", "refresh_token": token},
        auth=(identity.client_id, identity.client_secret),
    )
    assert "access_token" in answer.json()
    assert "refresh_token" not in answer.json()


async def test_a_session_ends_when_idle_and_a_sixth_approval_ends_the_first(
    web: httpx.AsyncClient,
    server: Server,
    clock: Any,  # noqa: ANN401 - a fixture of conftest
) -> None:
    """Facts §1: two hours of inactivity; at most 5 approvals."""
    user = server.identity.user_id
    issued = [server.tokens.approve(user, "api refresh_token") for _ in range(6)]
    assert server.tokens.user_of(issued[0].access) is None
    for _ in range(3):
        clock.pass_seconds(3600)
        assert server.tokens.user_of(issued[5].access) == user
    clock.pass_seconds(7300)
    headers = {"Authorization": f"Bearer {issued[5].access}"}
    answer = await web.get("/services/data/v59.0/limits", headers=headers)
    assert answer.status_code == 401
    expected = {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    assert answer.json() == [expected]


async def test_revoking_the_refresh_token_ends_its_sessions(
    web: httpx.AsyncClient, server: Server
) -> None:
    """Facts §1: revoke 200, then 400 invalid_token; introspection says inactive."""
    issued = server.tokens.approve(server.identity.user_id, "api refresh_token")
    app = (server.identity.client_id, server.identity.client_secret)
    path = "/services/oauth2/introspect"
    told = (await web.post(path, data={"token": issued.access}, auth=app)).json()
    assert (told["active"], told["token_type"]) == (True, "access_token")
    form = {"token": issued.refresh}
    assert (await web.post("/services/oauth2/revoke", data=form)).status_code == 200
    assert (await web.post("/services/oauth2/revoke", data=form)).status_code == 400
    told = (await web.post(path, data={"token": issued.access}, auth=app)).json()
    assert told == {"active": False}


async def test_an_admin_registers_callback_urls_on_the_page_and_as_json(
    web: httpx.AsyncClient, server: Server
) -> None:
    """Facts §1: redirect_uri must match the app's configuration exactly."""
    auth = (server.identity.username, server.identity.password)
    body = {"callback_urls": ["http://127.0.0.1:8080/cb", CALLBACK]}
    assert (await web.put("/setup/app.json", json=body)).status_code == 401
    answer = await web.put("/setup/app.json", json=body, auth=auth)
    assert set(answer.json()["callback_urls"]) == set(body["callback_urls"])
    await log_in(web, server)
    page = await web.get("/setup")
    form = {"token": hidden(page.text, "token"), "callback_urls": "https://b.example/cb\n"}
    assert (await web.post("/setup", data={**form, "token": "x"})).status_code == 400
    assert (await web.post("/setup", data=form)).status_code == 303
    told = (await web.get("/setup/app.json", auth=auth)).json()
    assert told["callback_urls"] == ["https://b.example/cb"]
