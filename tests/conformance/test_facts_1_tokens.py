"""Facts §1: the token endpoint and what tokens are."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from .world import (
    SimulatedOrg,
    authorization_code,
    code_form,
    log_in,
    running_org,
)

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
VERIFIER = secrets.token_urlsafe(48)
TOKEN = "/services/oauth2/token"


@pytest.fixture
def browser(org: SimulatedOrg) -> Iterator[httpx.Client]:
    with org.browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedOrg]:
    """An org that rotates refresh tokens, whose codes and sessions live for a second."""
    folder: Path = tmp_path_factory.mktemp("strict")
    short = ["--rotate-refresh-tokens", "--code-seconds", "1", "--session-seconds", "1"]
    with running_org(folder, *short) as started:
        yield started


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    told = answer.json()
    assert set(told) == {"error", "error_description"}
    return answer.status_code, told["error"], told["error_description"]


def refresh(org: SimulatedOrg, browser: httpx.Client, token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": org.client_id}
    return browser.post(TOKEN, data={**form, "client_secret": org.client_secret})


def exchanged(org: SimulatedOrg, browser: httpx.Client, **more: str) -> httpx.Response:
    form = code_form(org, authorization_code(org, browser, VERIFIER), VERIFIER)
    return browser.post(TOKEN, data={**form, **more})


@fact("F1.7", "F1.34")
def test_a_wrong_verifier_is_an_invalid_request(org: SimulatedOrg, browser: httpx.Client) -> None:
    answer = exchanged(org, browser, code_verifier="x" * 64)
    assert refused(answer)[:2] == (400, "invalid_request")


@fact("F1.8")
def test_a_missing_verifier_is_an_invalid_grant(org: SimulatedOrg, browser: httpx.Client) -> None:
    code = authorization_code(org, browser, VERIFIER)
    answer = browser.post(TOKEN, data=code_form(org, code, None))
    assert refused(answer)[:2] == (400, "invalid_grant")


@fact("F1.10")
def test_the_secret_may_come_as_basic(org: SimulatedOrg, browser: httpx.Client) -> None:
    form = code_form(org, authorization_code(org, browser, VERIFIER), VERIFIER)
    del form["client_secret"], form["client_id"]
    answer = browser.post(TOKEN, data=form, auth=(org.client_id, org.client_secret))
    assert answer.json()["token_type"] == "Bearer"


@fact("F1.11")
def test_the_answer_s_form_can_be_chosen(org: SimulatedOrg, browser: httpx.Client) -> None:
    flat = exchanged(org, browser, format="urlencoded")
    assert parse_qs(flat.text)["token_type"] == ["Bearer"]
    tree = ET.fromstring(exchanged(org, browser, format="xml").text)  # noqa: S314 - our own org's
    assert tree.findtext("token_type") == "Bearer"
    form = code_form(org, authorization_code(org, browser, VERIFIER), VERIFIER)
    by_header = browser.post(TOKEN, data=form, headers={"Accept": "application/xml"})
    assert ET.fromstring(by_header.text).findtext("token_type") == "Bearer"  # noqa: S314 - ours
    assert exchanged(org, browser, format="json").json()["token_type"] == "Bearer"


@fact("F1.12", "F1.35")
def test_a_code_is_good_for_one_exchange(org: SimulatedOrg, browser: httpx.Client) -> None:
    form = code_form(org, authorization_code(org, browser, VERIFIER), VERIFIER)
    assert browser.post(TOKEN, data=form).is_success
    told = refused(browser.post(TOKEN, data=form))
    assert told[:2] == (400, "invalid_grant")
    assert told[2] in {"invalid authorization code", "expired authorization code"}


@fact("F1.15", "F1.16", "F1.17", "F1.18", "F1.20", "F1.22")
def test_what_a_token_answer_holds(org: SimulatedOrg) -> None:
    told = log_in(org)
    assert told["instance_url"] == org.url
    assert told["token_type"] == "Bearer"
    assert {"api", "refresh_token"} <= set(told["scope"].split(" "))
    org_id, user_id = told["id"].split("/")[-2:]
    assert (told["id"].split("/")[-3], len(org_id), len(user_id)) == ("id", 18, 18)
    assert told["access_token"].startswith(f"{org_id[:15]}!")
    assert isinstance(told["issued_at"], str)
    assert len(told["issued_at"]) == 13
    assert "expires_in" not in told
    message = (told["id"] + told["issued_at"]).encode()
    made = hmac.new(org.client_secret.encode(), message, hashlib.sha256).digest()
    assert told["signature"] == base64.b64encode(made).decode()


@fact("F1.19")
@pytest.mark.parametrize(
    ("scope", "refreshes", "identifies"),
    [
        ("api", False, False),
        ("api refresh_token", True, False),
        ("api offline_access", True, False),
        ("api openid", False, True),
    ],
)
def test_scopes_decide_what_comes_with_a_token(
    org: SimulatedOrg, scope: str, *, refreshes: bool, identifies: bool
) -> None:
    told = log_in(org, scope)
    assert ("refresh_token" in told, "id_token" in told) == (refreshes, identifies)


@fact("F1.24")
def test_a_refresh_without_rotation_keeps_the_token(
    org: SimulatedOrg, browser: httpx.Client
) -> None:
    old = log_in(org)
    for _ in range(2):
        told = refresh(org, browser, old["refresh_token"]).json()
        assert "refresh_token" not in told
        assert told["access_token"] != old["access_token"]


@fact("F1.25", "F1.35", "F12.2")
def test_a_refresh_with_rotation_ends_the_token(strict: SimulatedOrg) -> None:
    with strict.browser() as browser:
        first = log_in(strict)["refresh_token"]
        second = refresh(strict, browser, first).json()["refresh_token"]
        assert second != first
        replayed = refused(refresh(strict, browser, first))
        assert replayed == (400, "invalid_grant", "expired access/refresh token")
        assert refused(refresh(strict, browser, second))[1] == "invalid_grant"  # all are ended


@fact("F1.13", "F1.21", "F1.35")
def test_codes_and_sessions_come_to_an_end(strict: SimulatedOrg) -> None:
    clock = {"seconds": 120}
    with strict.browser() as browser:
        token = log_in(strict)["access_token"]
        held = {"Authorization": f"Bearer {token}"}
        path = "/services/data/v59.0/limits"
        code = authorization_code(strict, browser, VERIFIER)
        assert browser.get(path, headers=held).status_code == 200
        browser.post("/_sim/clock", json=clock).raise_for_status()
        answer = browser.get(path, headers=held)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
        told = refused(browser.post(TOKEN, data=code_form(strict, code, VERIFIER)))
        assert told == (400, "invalid_grant", "expired authorization code")


@fact("F1.27")
def test_a_sixth_approval_ends_the_first(org: SimulatedOrg, browser: httpx.Client) -> None:
    tokens = [log_in(org)["refresh_token"] for _ in range(6)]
    good = [refresh(org, browser, one).is_success for one in tokens]
    assert good == [False, True, True, True, True, True]


@fact("F1.28")
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_revoked_token_is_dead(org: SimulatedOrg, browser: httpx.Client, which: str) -> None:
    told = log_in(org)
    answer = browser.post("/services/oauth2/revoke", data={"token": told[which]})
    assert (answer.status_code, answer.content) == (200, b"")
    known = {"token": told[which], "client_id": org.client_id, "client_secret": org.client_secret}
    assert browser.post("/services/oauth2/introspect", data=known).json() == {"active": False}


@fact("F1.29")
def test_an_unknown_token_cannot_be_revoked(browser: httpx.Client) -> None:
    answer = browser.post("/services/oauth2/revoke", data={"token": "nothing"})
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_token", "unsupported_token_type"}


@fact("F1.30")
def test_introspection_tells_what_a_token_is_worth(
    org: SimulatedOrg, browser: httpx.Client
) -> None:
    form = {"token": log_in(org)["access_token"], "token_type_hint": "access_token"}
    form |= {"client_id": org.client_id, "client_secret": org.client_secret}
    told = browser.post("/services/oauth2/introspect", data=form).json()
    assert told["active"] is True
    assert (told["client_id"], told["username"]) == (org.client_id, org.username)
    assert {"scope", "sub", "token_type"} <= set(told)
    assert told["iat"] == told["nbf"] < told["exp"] < 10**10  # seconds


@fact("F1.34", "F1.35")
@pytest.mark.parametrize(
    ("change", "error", "description"),
    [
        ({"code": "no"}, "invalid_grant", "invalid authorization code"),
        ({"client_id": "no"}, "invalid_client_id", "client identifier invalid"),
        ({"client_secret": "no"}, "invalid_client", "invalid client credentials"),
        (
            {"redirect_uri": "https://other.example/"},
            "redirect_uri_mismatch",
            "redirect_uri must match configuration",
        ),
        ({"redirect_uri": ""}, "redirect_uri_missing", "redirect_uri not provided"),
        ({"grant_type": "no"}, "unsupported_grant_type", "grant type not supported"),
    ],
)
def test_what_the_token_endpoint_refuses(
    org: SimulatedOrg, browser: httpx.Client, change: dict[str, Any], error: str, description: str
) -> None:
    assert refused(exchanged(org, browser, **change)) == (400, error, description)
