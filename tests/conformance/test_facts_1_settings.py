"""Facts §1: what the app's settings and the state of user and org change."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from .world import (
    CALLBACK,
    Control,
    SimulatedOrg,
    authorization_code,
    authorize,
    code_form,
    log_in,
    running_org,
)

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
VERIFIER = secrets.token_urlsafe(48)
TOKEN = "/services/oauth2/token"


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedOrg]:
    """An org whose clock is nobody else's."""
    with running_org(tmp_path_factory.mktemp("settings")) as started:
        yield started


@pytest.fixture(scope="module")
def control(org: SimulatedOrg) -> Iterator[Control]:
    with org.browser() as http:
        yield Control(http)


@pytest.fixture
def browser(org: SimulatedOrg) -> Iterator[httpx.Client]:
    with org.browser() as opened:
        yield opened


@pytest.fixture
def settings(control: Control) -> Iterator[Callable[..., None]]:
    yield lambda **changed: control.tell("app", changed)
    control.reset()


def told_back(url: str) -> dict[str, str]:
    assert url.startswith(CALLBACK)
    parts = urlsplit(url)
    return {key: one[0] for key, one in parse_qs(parts.query or parts.fragment).items()}


def refreshed(org: SimulatedOrg, browser: httpx.Client, token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": org.client_id}
    return browser.post(TOKEN, data={**form, "client_secret": org.client_secret})


@fact("F1.9")
def test_an_app_may_insist_on_pkce(
    org: SimulatedOrg, browser: httpx.Client, settings: Callable[..., None]
) -> None:
    settings(require_pkce=True)
    assert told_back(authorize(org, browser, None))["error"] == "invalid_request"
    assert told_back(authorize(org, browser, VERIFIER))["code"]


@fact("F1.14")
def test_a_public_client_sends_no_secret(
    org: SimulatedOrg, browser: httpx.Client, settings: Callable[..., None]
) -> None:
    settings(require_secret_web=False, require_secret_refresh=False)
    form = code_form(org, authorization_code(org, browser, VERIFIER), VERIFIER)
    del form["client_secret"]
    token = browser.post(TOKEN, data=form).raise_for_status().json()["refresh_token"]
    again = {"grant_type": "refresh_token", "refresh_token": token, "client_id": org.client_id}
    assert browser.post(TOKEN, data=again).is_success


@fact("F1.23")
def test_the_answer_may_hold_more(
    org: SimulatedOrg, browser: httpx.Client, settings: Callable[..., None]
) -> None:
    settings(api_instance_url=True)
    assert log_in(org)["api_instance_url"].startswith("https://")
    told = told_back(authorize(org, browser, None, response_type="token", state="s"))
    assert (told["state"], told["token_type"]) == ("s", "Bearer")


@fact("F1.26")
def test_an_idle_refresh_token_can_be_made_to_end(
    org: SimulatedOrg, browser: httpx.Client, settings: Callable[..., None], control: Control
) -> None:
    month = 30 * 86_400
    settings(refresh_idle_seconds=month)
    token = log_in(org)["refresh_token"]
    for days, good in ((20, True), (20, True), (31, False)):
        control.tell("clock", {"seconds": days * 86_400})
        assert refreshed(org, browser, token).is_success is good


INACTIVE = ("inactive_org", "org is locked, closed, or suspended")
TOO_MANY = ("rate_limit_exceeded", "number of logins exceeded")
RESTRICTED = ("invalid_grant", "IP restricted or invalid login hours")


@fact("F1.37")
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"org_active": False}, INACTIVE),
        ({"logins_an_hour": 0}, TOO_MANY),
        ({"allowed_ips": ["192.0.2.0/24"]}, RESTRICTED),
    ],
)
def test_what_else_refuses_a_login(
    org: SimulatedOrg,
    browser: httpx.Client,
    settings: Callable[..., None],
    changed: dict[str, object],
    told: tuple[str, str],
) -> None:
    form = code_form(org, authorization_code(org, browser, VERIFIER), VERIFIER)
    settings(**changed)
    answer = browser.post(TOKEN, data=form)
    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["error_description"]) == told


@fact("F1.37")
def test_immediate_needs_somebody_who_is_logged_in(
    org: SimulatedOrg, browser: httpx.Client
) -> None:
    url = authorize(org, browser, VERIFIER, immediate="true")
    assert told_back(url)["error"] == "immediate_unsuccessful"


@fact("F1.40")
def test_users_may_need_an_admin_s_approval(
    org: SimulatedOrg, browser: httpx.Client, settings: Callable[..., None]
) -> None:
    settings(permitted_users="admin_approved")
    assert told_back(authorize(org, browser, VERIFIER))["error"] == "OAUTH_APP_ACCESS_DENIED"
    settings(approved_users=[org.username])
    assert told_back(authorize(org, browser, VERIFIER))["code"]


@fact("F1.40")
def test_an_app_that_is_not_installed(
    org: SimulatedOrg, browser: httpx.Client, settings: Callable[..., None]
) -> None:
    settings(state="not_installed")
    told = told_back(authorize(org, browser, VERIFIER))
    assert told["error"] == "invalid_client"
    assert told["error_description"] == "app must be installed into org"


@fact("F1.40")
def test_a_blocked_app_is_told_on_a_page(
    org: SimulatedOrg, browser: httpx.Client, settings: Callable[..., None]
) -> None:
    settings(state="blocked")
    asked = {"response_type": "code", "client_id": org.client_id, "redirect_uri": CALLBACK}
    page = browser.get("/services/oauth2/authorize", params=asked)
    if "location" in page.headers:
        page = browser.get(page.headers["location"])
    if 'name="password"' in page.text:
        form = {"username": org.username, "password": org.password, "startURL": "/setup"}
        browser.post("/login", data=form)
        page = browser.get("/services/oauth2/authorize", params=asked)
    assert "OAUTH_APPROVAL_ERROR_GENERIC" in page.text
