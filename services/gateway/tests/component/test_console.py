"""The console's pages: sign-in, its cookie, and what other sites cannot do with it."""

from __future__ import annotations

import re

import httpx
import pytest

from crmlink_common.contracts.workspaces import Workspace
from crmlink_gateway.domain.access import Scope
from crmlink_gateway.fakes import API, OTHER, WORKSPACE, FakeGateway, a_gateway

PAGE = f"/w/{WORKSPACE}/channels/salesforce"


@pytest.fixture
def gateway() -> FakeGateway:
    return a_gateway()


async def _signed_in(gateway: FakeGateway, http: httpx.AsyncClient, scope: Scope) -> str:
    """Sign in; return the form token of the page."""
    answer = await http.post("/sign-in", data={"key": gateway.key(scope)})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    page = await http.get(PAGE)
    found = re.search(r'data-form-token="([0-9a-f]+)"', page.text)
    assert found is not None
    return found[1]


async def test_signing_in_gives_an_opaque_cookie_that_scripts_cannot_read(
    gateway: FakeGateway,
) -> None:
    async with gateway.browser() as http:
        key = gateway.key(Scope.READ)
        answer = await http.post("/sign-in", data={"key": key})
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" in cookie
        assert key not in cookie
        page = await http.get(PAGE)
        assert page.status_code == 200
        assert key not in page.text
        assert http.cookies["crmlink_session"] not in page.text + str(gateway.store.visits)
        assert (await http.get("/")).headers["location"] == PAGE


@pytest.mark.parametrize("key", ["", "crmlink_wrong", "x" * 512])
async def test_a_wrong_key_is_told_so(gateway: FakeGateway, key: str) -> None:
    async with gateway.browser() as http:
        answer = await http.post("/sign-in", data={"key": key})
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert "set-cookie" not in answer.headers


async def test_without_a_visit_the_page_leads_to_the_sign_in(gateway: FakeGateway) -> None:
    async with gateway.browser() as http:
        assert (await http.get(PAGE)).headers["location"] == "/"
        assert "API key" in (await http.get("/")).text
        await _signed_in(gateway, http, Scope.READ)
        elsewhere = await http.get(f"/w/{OTHER}/channels/salesforce")
        assert elsewhere.headers["location"] == "/"


async def test_the_page_changes_things_only_with_its_own_token(gateway: FakeGateway) -> None:
    gateway.services.on("reconciler", "DELETE", "/links/m1", (200, {"state": "excluded"}))
    async with gateway.browser() as http:
        token = await _signed_in(gateway, http, Scope.WRITE)
        assert (await http.get(API)).status_code == 200
        for headers in ({}, {"X-CSRF-Token": "0" * 64}):
            forged = await http.delete(f"{API}/links/m1", headers=headers)
            assert (forged.status_code, forged.json()["code"]) == (403, "form_token")
        ours = await http.delete(f"{API}/links/m1", headers={"X-CSRF-Token": token})
        assert ours.json() == {"state": "excluded"}


async def test_a_visit_may_do_what_its_key_may(gateway: FakeGateway) -> None:
    async with gateway.browser() as http:
        token = await _signed_in(gateway, http, Scope.READ)
        refused = await http.post(f"{API}/links", json={}, headers={"X-CSRF-Token": token})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_refused")


async def test_a_visit_ends_by_the_clock_and_by_signing_out(gateway: FakeGateway) -> None:
    async with gateway.browser() as http:
        token = await _signed_in(gateway, http, Scope.READ)
        forged = await http.post("/sign-out", data={"token": "no"})
        assert forged.status_code == 403
        kept = dict(http.cookies)
        assert (await http.post("/sign-out", data={"token": token})).status_code == 303
        assert (await http.get(API)).status_code == 401
    async with gateway.browser(cookies=kept) as http:
        assert (await http.get(API)).status_code == 401
    async with gateway.browser() as http:
        await _signed_in(gateway, http, Scope.READ)
        gateway.clock.later(hours=12)
        assert (await http.get(API)).json()["code"] == "key_unknown"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://crm.example", 303),
        ("https://crm.example:443", 303),
        ("http://crm.example", 403),
        ("https://crm.example:8443", 403),
        ("https://evil.example", 403),
        ("https://crm.example.evil.example", 403),
        ("null", 403),
        ("https://[", 403),
    ],
)
async def test_another_sites_form_cannot_sign_a_person_in(
    gateway: FakeGateway, origin: str, status: int
) -> None:
    """The public address decides: scheme and port are part of it, the Host header is not."""
    async with gateway.browser() as http:
        answer = await http.post(
            "/sign-in",
            data={"key": gateway.key(Scope.READ)},
            headers={"Origin": origin, "Host": "evil.example"},
        )
    assert answer.status_code == status


async def test_without_the_feature_the_page_says_whom_to_ask(gateway: FakeGateway) -> None:
    async with gateway.browser() as http:
        await _signed_in(gateway, http, Scope.ADMIN)
        gateway.store.known[WORKSPACE] = Workspace(workspace_id=WORKSPACE, revision=2)
        page = await http.get(PAGE)
    assert page.status_code == 404
    assert "crm_salesforce" in page.text
    assert "administrator" in page.text


async def test_every_script_and_style_a_page_names_is_served(gateway: FakeGateway) -> None:
    async with gateway.browser() as http:
        await _signed_in(gateway, http, Scope.READ)
        wanted = set(re.findall(r'"(/static/[^"]+)"', (await http.get(PAGE)).text))
        served: set[str] = set()
        while wanted - served:
            path = (wanted - served).pop()
            script = await http.get(path)
            assert script.status_code == 200
            assert script.headers["cache-control"] == "no-cache"
            served.add(path)
            wanted |= set(re.findall(r'from "(/static/[^"]+)"', script.text))
    assert {"/static/live.js", "/static/check.js", "/static/usage.js"} <= served


async def test_no_page_needs_what_the_content_policy_forbids(gateway: FakeGateway) -> None:
    async with gateway.browser() as http:
        await _signed_in(gateway, http, Scope.READ)
        page = await http.get(PAGE)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=", page.text)
    names = re.findall(r'\sid="([^"]+)"', page.text)
    assert len(names) == len(set(names))
    pointed = re.findall(r'aria-(?:labelledby|describedby|controls)="([^"]+)"', page.text)
    assert {one for several in pointed for one in several.split()} <= set(names)
