"""The browser's way to Salesforce and back."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmlink_common.contracts.workspaces import Workspace
from crmlink_gateway.domain.access import Scope
from crmlink_gateway.domain.callback import cookie_of
from crmlink_gateway.fakes import API, WORKSPACE, FakeGateway, a_gateway, overview

SALESFORCE = "https://login.salesforce.com/services/oauth2/authorize?state=s"
GOOD = {"ok": True, "code": "connected", "message": "Salesforce is connected.", "cure": ""}
BAD: dict[str, Any] = {
    "ok": False,
    "code": "access_denied",
    "message": "Access was <not> allowed.",
    "cure": "Click Connect with Salesforce again and then Allow.",
}


@pytest.fixture
def gateway() -> FakeGateway:
    gateway = a_gateway()
    gateway.services.on("oauth", "GET", "/connection", (200, overview(status="awaiting_oauth")))
    begun = {"authorize_url": SALESFORCE, "browser_token": "browser-secret"}
    gateway.services.on("oauth", "POST", "/authorize", (200, begun))
    gateway.services.on("oauth", "POST", "/callback", (200, {**GOOD, "overview": overview()}))
    return gateway


async def _ticket_url(gateway: FakeGateway) -> str:
    async with gateway.caller() as http:
        answer = await http.post(f"{API}/authorize", json={})
    url: str = answer.json()["url"]
    assert url.startswith(f"https://crm.example{API}/oauth/start?ticket=")
    return url


async def test_a_browser_without_a_key_is_sent_to_salesforce_with_a_cookie(
    gateway: FakeGateway,
) -> None:
    url = await _ticket_url(gateway)
    async with gateway.browser() as http:
        answer = await http.get(url)
    assert (answer.status_code, answer.headers["location"]) == (302, SALESFORCE)
    cookie = SimpleCookie(answer.headers["set-cookie"])[cookie_of("s")]
    assert cookie.value == "browser-secret"
    assert cookie["path"] == f"{API}/oauth/callback"
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "lax"
    assert cookie["max-age"] == "600"
    assert gateway.services.headers[-1]["x-crmlink-actor"] == "key:k0"


async def test_over_plain_http_the_cookie_does_not_ask_for_https() -> None:
    gateway = a_gateway(public_url="http://127.0.0.1:8080/")
    known = overview(callback_url=f"http://127.0.0.1:8080{API}/oauth/callback")
    gateway.services.on("oauth", "GET", "/connection", (200, known))
    begun = {"authorize_url": SALESFORCE, "browser_token": "t"}
    gateway.services.on("oauth", "POST", "/authorize", (200, begun))
    async with gateway.caller() as http:
        url = (await http.post(f"{API}/authorize", json={})).json()["url"]
        assert url.startswith(f"http://127.0.0.1:8080{API}/oauth/start?ticket=")
        answer = await http.get(url)
    assert "secure" not in answer.headers["set-cookie"].lower()
    assert "strict-transport-security" not in answer.headers


async def test_a_ticket_works_once_and_soon(gateway: FakeGateway) -> None:
    once, late = await _ticket_url(gateway), await _ticket_url(gateway)
    async with gateway.browser() as http:
        assert (await http.get(once)).status_code == 302
        again = await http.get(once)
        gateway.clock.later(minutes=5)
        too_late = await http.get(late)
    for answer in (again, too_late):
        assert answer.status_code == 400
        assert "Connect with Salesforce again" in answer.text
        assert "set-cookie" not in answer.headers


async def test_without_credentials_there_is_nothing_to_sign_in_with(gateway: FakeGateway) -> None:
    gateway.services.on("oauth", "GET", "/connection", (200, overview(status="not_connected")))
    async with gateway.caller() as http:
        answer = await http.post(f"{API}/authorize", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_configured")
    assert not gateway.store.tickets


async def test_the_callback_needs_no_key_and_hands_over_state_and_cookie(
    gateway: FakeGateway,
) -> None:
    url = await _ticket_url(gateway)
    async with gateway.browser() as http:
        await http.get(url)
        answer = await http.get(f"{API}/oauth/callback?state=s&code=c")
    assert answer.status_code == 200
    assert "Salesforce is connected." in answer.text
    assert "/static/close.js" in answer.text
    part, _, path, body = gateway.services.asked[-1]
    assert (part, path) == ("oauth", "/callback")
    assert body == {
        "state": "s",
        "code": "c",
        "error": "",
        "error_description": "",
        "browser_token": "browser-secret",
    }
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert "same-origin" in answer.headers["referrer-policy"]


async def test_another_browser_brings_no_cookie_and_oauth_is_told_so(gateway: FakeGateway) -> None:
    async with gateway.browser() as http:
        await http.get(f"{API}/oauth/callback?state=s&code=c")
    assert gateway.services.asked[-1][3]["browser_token"] == ""


async def test_the_cookie_goes_to_the_callback_and_nowhere_else(gateway: FakeGateway) -> None:
    url = await _ticket_url(gateway)
    async with gateway.browser() as http:
        await http.get(url)
        elsewhere = http.build_request("GET", API)
        callback = http.build_request("GET", f"{API}/oauth/callback")
    assert "cookie" not in elsewhere.headers
    assert callback.headers["cookie"] == f"{cookie_of('s')}=browser-secret"


@pytest.mark.parametrize("foreign", ["state=other&code=x", "state=other&error=access_denied", ""])
async def test_a_foreign_callback_does_not_disturb_a_sign_in_under_way(
    gateway: FakeGateway, foreign: str
) -> None:
    """Any page can lead a browser to the callback; only its own state ends a sign-in."""
    url = await _ticket_url(gateway)
    unknown = {**BAD, "code": "state_unknown", "overview": overview()}
    async with gateway.browser() as http:
        await http.get(url)
        gateway.services.on("oauth", "POST", "/callback", (200, unknown))
        answer = await http.get(f"{API}/oauth/callback?{foreign}")
        assert (answer.status_code, "set-cookie" in answer.headers) == (400, False)
        assert gateway.services.asked[-1][3]["browser_token"] == ""
        gateway.services.on("oauth", "POST", "/callback", (200, {**GOOD, "overview": overview()}))
        assert (await http.get(f"{API}/oauth/callback?state=s&code=c")).status_code == 200
    assert gateway.services.asked[-1][3]["browser_token"] == "browser-secret"


async def test_two_sign_ins_under_way_in_one_browser_both_come_back(gateway: FakeGateway) -> None:
    urls = [await _ticket_url(gateway), await _ticket_url(gateway)]
    async with gateway.browser() as http:
        for number, url in enumerate(urls):
            begun = {"authorize_url": f"{SALESFORCE}{number}", "browser_token": f"b{number}"}
            gateway.services.on("oauth", "POST", "/authorize", (200, begun))
            await http.get(url)
        for number in (0, 1):
            await http.get(f"{API}/oauth/callback?state=s{number}&code=c")
            assert gateway.services.asked[-1][3]["browser_token"] == f"b{number}"
        assert not http.cookies


async def test_while_oauth_is_down_the_cookie_stays_for_another_try(gateway: FakeGateway) -> None:
    url = await _ticket_url(gateway)
    async with gateway.browser() as http:
        await http.get(url)
        gateway.services.down.add("oauth")
        answer = await http.get(f"{API}/oauth/callback?state=s&code=c")
        assert "set-cookie" not in answer.headers
        gateway.services.down.clear()
        assert (await http.get(f"{API}/oauth/callback?state=s&code=c")).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "state=s&state=t&code=c",
        "state=s&code=c&code=d",
        "state=s&error=a&error=b",
        f"state={'s' * 257}&code=c",
        f"state=s&code={'c' * 4097}",
        f"state=s&error_description={'c' * 4097}",
        "state=s&code=c" + "&x=1" * 50,
    ],
)
async def test_what_salesforce_does_not_send_is_refused_on_a_page(
    gateway: FakeGateway, query: str
) -> None:
    url = await _ticket_url(gateway)
    async with gateway.browser() as http:
        await http.get(url)
        answer = await http.get(f"{API}/oauth/callback?{query}")
        assert (answer.status_code, answer.headers["content-type"][:9]) == (400, "text/html")
        assert "callback_malformed" in answer.text
        assert http.cookies
    assert gateway.services.asked[-1][2] == "/authorize"


async def test_what_salesforce_adds_of_its_own_is_let_through(gateway: FakeGateway) -> None:
    async with gateway.browser() as http:
        more = "sfdc_community_url=https%3A%2F%2Fx&sfdc_community_url=y&state=s&code=c%3D%3D"
        await http.get(f"{API}/oauth/callback?{more}")
    assert gateway.services.asked[-1][3]["code"] == "c=="


ANYTHING = st.dictionaries(
    st.sampled_from(["state", "code", "error", "error_description", "x"]), st.text(max_size=300)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANYTHING, st.text(st.characters(codec="ascii", min_codepoint=32), max_size=60))
async def test_whatever_comes_back_is_answered_by_a_page(
    gateway: FakeGateway, query: dict[str, str], cookie: str
) -> None:
    async with gateway.browser() as http:
        headers = {"Cookie": cookie}
        answer = await http.get(f"{API}/oauth/callback", params=query, headers=headers)
    assert answer.status_code in {200, 400}
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_refusal_shows_cause_and_cure_escaped_and_stays_open(gateway: FakeGateway) -> None:
    gateway.services.on("oauth", "POST", "/callback", (200, {**BAD, "overview": overview()}))
    async with gateway.browser() as http:
        answer = await http.get(f"{API}/oauth/callback?error=access_denied&state=s")
    assert answer.status_code == 400
    assert "Access was &lt;not&gt; allowed." in answer.text
    assert BAD["cure"] in answer.text
    assert "close.js" not in answer.text


@pytest.mark.parametrize("path", ["/oauth/callback?state=s&code=c", "/oauth/start?ticket="])
async def test_when_oauth_is_down_the_page_says_what_to_do(gateway: FakeGateway, path: str) -> None:
    url = await _ticket_url(gateway) if path.endswith("=") else API + path
    gateway.services.down.add("oauth")
    async with gateway.browser() as http:
        answer = await http.get(url)
    assert answer.status_code == 400
    assert "A part of the system does not answer" in answer.text
    assert "Try again in a minute." in answer.text


async def test_what_oauth_refuses_at_the_start_is_shown_as_a_page(gateway: FakeGateway) -> None:
    url = await _ticket_url(gateway)
    document = {"code": "disabled", "title": "Salesforce is disabled", "cure": "Click Enable."}
    gateway.services.on("oauth", "POST", "/authorize", (409, document))
    async with gateway.browser() as http:
        answer = await http.get(url)
    assert "Salesforce is disabled" in answer.text
    assert "Click Enable." in answer.text


@pytest.mark.parametrize("path", ["/oauth/callback?state=s&code=c", "/oauth/start?ticket=t"])
async def test_without_the_feature_nobody_signs_in(gateway: FakeGateway, path: str) -> None:
    gateway.store.known[WORKSPACE] = Workspace(workspace_id=WORKSPACE, revision=2)
    async with gateway.browser() as http:
        answer = await http.get(API + path)
    assert (answer.status_code, answer.json()["code"]) == (404, "feature_disabled")


async def test_a_ticket_is_kept_as_a_hash_alone(gateway: FakeGateway) -> None:
    ticket = (await _ticket_url(gateway)).partition("ticket=")[2]
    assert ticket not in str(gateway.store.tickets)
    assert gateway.key(Scope.ADMIN) not in str(gateway.store.api_keys)
