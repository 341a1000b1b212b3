"""Facts §1: the page where a person allows the app."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from .world import CALLBACK, SimulatedOrg, authorize, challenge_of

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
VERIFIER = secrets.token_urlsafe(48)


@pytest.fixture
def browser(org: SimulatedOrg) -> Iterator[httpx.Client]:
    with org.browser() as opened:
        yield opened


def sent_back(url: str) -> dict[str, str]:
    assert url.startswith(CALLBACK)
    return {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}


@fact("F1.1", "F1.3")
def test_the_configuration_names_endpoints_scopes_and_the_algorithm(
    org: SimulatedOrg, browser: httpx.Client
) -> None:
    told = browser.get("/.well-known/openid-configuration").json()
    below = f"{org.url}/services/oauth2"
    assert told["authorization_endpoint"] == f"{below}/authorize"
    assert told["token_endpoint"] == f"{below}/token"
    assert told["revocation_endpoint"] == f"{below}/revoke"
    assert told["userinfo_endpoint"] == f"{below}/userinfo"
    assert told["introspection_endpoint"] == f"{below}/introspect"
    assert told["registration_endpoint"] == f"{below}/register"
    assert told["jwks_uri"] == f"{org.url}/id/keys"
    assert told["response_types_supported"] == ["code", "token", "token id_token"]
    assert told["id_token_signing_alg_values_supported"] == ["RS256"]
    named = {"api", "web", "full", "refresh_token", "offline_access", "openid", "id", "profile"}
    assert named | {"email", "address", "phone"} <= set(told["scopes_supported"])


@fact("F1.5")
def test_state_comes_back_as_it_was_sent(org: SimulatedOrg, browser: httpx.Client) -> None:
    state = "a b&c=d/é+%20"
    told = sent_back(authorize(org, browser, VERIFIER, state=state))
    assert told["state"] == state
    assert told["code"]


@fact("F1.5", "F1.36", "F1.39")
def test_another_response_type_is_refused_at_the_redirect(
    org: SimulatedOrg, browser: httpx.Client
) -> None:
    asked = {"response_type": "cod", "client_id": org.client_id, "redirect_uri": CALLBACK}
    answer = browser.get("/services/oauth2/authorize", params={**asked, "state": "s1"})
    assert sent_back(answer.headers["location"]) == {
        "error": "unsupported_response_type",
        "error_description": "response type not supported",
        "state": "s1",
    }


@fact("F1.6")
@pytest.mark.parametrize("display", ["page", "popup", "touch", "mobile"])
def test_displays_are_taken(org: SimulatedOrg, browser: httpx.Client, display: str) -> None:
    assert sent_back(authorize(org, browser, VERIFIER, display=display))["code"]


@fact("F1.6")
def test_login_hint_fills_the_name_and_prompt_asks_again(
    org: SimulatedOrg, browser: httpx.Client
) -> None:
    asked = {"response_type": "code", "client_id": org.client_id, "redirect_uri": CALLBACK}
    asked |= {"login_hint": "ada@example.com", "nonce": "n", "sso_provider": "none"}
    page = browser.get("/services/oauth2/authorize", params=asked)
    assert 'value="ada@example.com"' in page.text
    assert sent_back(authorize(org, browser, VERIFIER))["code"]
    both = {**asked, "prompt": "login consent"}
    again = browser.get("/services/oauth2/authorize", params=both)
    assert 'name="password"' in again.text
    consent = browser.get("/services/oauth2/authorize", params={**asked, "prompt": "consent"})
    assert 'name="decision"' in consent.text


@fact("F1.36")
def test_an_unknown_scope_is_refused(org: SimulatedOrg, browser: httpx.Client) -> None:
    asked = {"response_type": "code", "client_id": org.client_id, "redirect_uri": CALLBACK}
    answer = browser.get("/services/oauth2/authorize", params={**asked, "scope": "everything"})
    assert sent_back(answer.headers["location"])["error"] == "invalid_scope"


@fact("F1.36", "F1.39")
def test_a_person_may_deny(org: SimulatedOrg, browser: httpx.Client) -> None:
    url = authorize(org, browser, VERIFIER, decision="deny", state="s2", prompt="consent")
    assert sent_back(url) == {
        "error": "access_denied",
        "error_description": "end-user denied authorization",
        "state": "s2",
    }


@fact("F1.41")
@pytest.mark.parametrize(
    "wrong", [{"client_id": "nobody"}, {"redirect_uri": "https://elsewhere.example/"}]
)
def test_a_wrong_app_or_address_stays_on_the_org_s_page(
    org: SimulatedOrg, browser: httpx.Client, wrong: dict[str, str]
) -> None:
    asked = {"response_type": "code", "client_id": org.client_id, "redirect_uri": CALLBACK}
    asked |= {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    answer = browser.get("/services/oauth2/authorize", params=asked | wrong)
    assert "location" not in answer.headers
    assert answer.status_code == 400
