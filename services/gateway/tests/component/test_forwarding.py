"""What the gateway asks of the services behind it, and what it makes of their answers."""

from __future__ import annotations

import httpx
import pytest

from crmlink_common.contracts.sync_configs import EntityConfig
from crmlink_gateway.domain.access import Scope
from crmlink_gateway.fakes import API, FakeGateway, a_gateway, overview, usage

RUN = "8d6f2f0e-2a34-4a0e-9a41-0b6a6b7f3d55"
PAGE = {"items": [], "total": 0, "page": 2, "page_size": 10}
CONFIG = EntityConfig(outbound_enabled=True, inbound_enabled=True).model_dump(mode="json")


@pytest.fixture
def gateway() -> FakeGateway:
    return a_gateway()


@pytest.mark.parametrize(
    ("call", "part", "theirs"),
    [
        (("POST", "/reconciliation/runs", {}), "reconciler", "/match-runs"),
        (("GET", f"/reconciliation/runs/{RUN}", None), "reconciler", f"/match-runs/{RUN}"),
        (("GET", "/reconciliation/runs", None), "reconciler", "/match-runs"),
        (
            ("POST", f"/reconciliation/runs/{RUN}/cancel", None),
            "reconciler",
            f"/match-runs/{RUN}/cancel",
        ),
        (("GET", "/matches", None), "reconciler", "/matches"),
        (("GET", "/links", None), "reconciler", "/links"),
        (("POST", "/links", {"member_ids": ["m1", "m2"]}), "reconciler", "/links"),
        (("POST", "/links", {"all": True}), "reconciler", "/links"),
        (("DELETE", "/links/m1", None), "reconciler", "/links/m1"),
        (("POST", "/links/m1/relink", None), "reconciler", "/links/m1/relink"),
        (("GET", "/sync/config/member", None), "sync-outbound", "/sync/config/member"),
        (("PUT", "/sync/config/member", CONFIG), "sync-outbound", "/sync/config/member"),
        (("GET", "/sync/runs", None), "sync-outbound", "/sync/runs"),
        (("GET", f"/sync/runs/{RUN}", None), "sync-outbound", f"/sync/runs/{RUN}"),
        (("GET", f"/sync/runs/{RUN}/items", None), "sync-outbound", f"/sync/runs/{RUN}/items"),
        (("POST", f"/sync/runs/{RUN}/cancel", None), "sync-outbound", f"/sync/runs/{RUN}/cancel"),
        (("GET", "/sync/errors", None), "sync-outbound", "/sync/errors"),
        (("GET", "/sync/summary", None), "sync-outbound", "/sync/summary"),
        (("GET", "/tools", None), "tools", "/tools"),
    ],
)
async def test_each_route_asks_its_owner_and_passes_on_refusal_and_absence(
    gateway: FakeGateway, call: tuple[str, str, object], part: str, theirs: str
) -> None:
    method, path, body = call
    gateway.services.on(part, method, theirs, (200, {"told": "so"}))
    async with gateway.caller() as http:
        good = await http.request(method, API + path, json=body)
        document = {"code": "odd", "title": "Odd", "status": 409, "cure": "Do so", "line": 3}
        gateway.services.on(part, method, theirs, (409, document))
        refused = await http.request(method, API + path, json=body)
        gateway.services.down.add(part)
        down = await http.request(method, API + path, json=body)
    assert good.json() == {"told": "so"}
    assert good.is_success
    assert gateway.services.asked[0] == (part, method, theirs, body)
    assert (refused.status_code, refused.json()) == (409, document)
    assert down.status_code == 503
    assert down.headers["retry-after"] == "5"
    told = down.json()
    assert (told["code"], told["service"]) == ("service_unavailable", part)
    assert told["cure"]


@pytest.mark.parametrize(
    ("method", "path", "theirs", "body"),
    [
        ("GET", "", "/connection", None),
        ("PUT", "", "/connection", {"client_id": "c", "client_secret": "s"}),
        ("DELETE", "", "/connection", None),
        ("POST", "/disconnect", "/disconnect", None),
        ("POST", "/enable", "/enable", None),
        ("POST", "/disable", "/disable", None),
    ],
)
async def test_the_connection_is_shown_with_badge_and_setup_details(
    gateway: FakeGateway, method: str, path: str, theirs: str, body: object
) -> None:
    gateway.services.on("oauth", method, theirs, (200, overview(status="awaiting_oauth")))
    async with gateway.caller() as http:
        told = (await http.request(method, API + path, json=body)).json()
        gateway.services.down.add("oauth")
        down = await http.request(method, API + path, json=body)
    assert told["badge"] == {"text": "Awaiting OAuth", "colour": "secondary"}
    assert len(told["setup_details"]["scopes"]) == 4
    assert (down.status_code, down.json()["service"]) == (503, "oauth")


@pytest.mark.parametrize(
    ("path", "theirs"), [("/org/confirm", "/org/confirm"), ("/org/reject", "/org/reject")]
)
async def test_an_admin_decides_about_another_org(
    gateway: FakeGateway, path: str, theirs: str
) -> None:
    gateway.services.on("oauth", "POST", theirs, (200, overview(pending_org=None)))
    async with gateway.caller() as admin, gateway.caller(Scope.WRITE) as writer:
        assert (await writer.post(API + path)).json()["code"] == "scope_refused"
        told = await admin.post(API + path)
        if path == "/org/confirm":
            await admin.post(API + path, json={"org_id": "00Dx0000000BV7zEAG"})
            assert gateway.services.asked[-1][3] == {"org_id": "00Dx0000000BV7zEAG"}
            assert (await admin.post(API + path, json={"org_id": "x"})).status_code == 422
    assert (told.status_code, told.json()["pending_org"]) == (200, None)
    assert gateway.services.headers[-1]["x-crmlink-actor"] == "key:k0"
    gateway.services.on("oauth", "POST", theirs, (409, {"code": "no_org_to_confirm"}))
    async with gateway.caller() as admin:
        assert (await admin.post(API + path)).status_code == 409


async def test_the_connection_is_tested_on_request_by_who_may_write(gateway: FakeGateway) -> None:
    found = {"ok": False, "objects": [], "problem": {"code": "missing_permissions"}}
    gateway.services.on("oauth", "POST", "/test", (200, found))
    async with gateway.caller(Scope.WRITE) as writer, gateway.caller(Scope.READ) as reader:
        assert (await reader.post(f"{API}/test")).status_code == 403
        assert (await writer.post(f"{API}/test")).json() == found


async def test_credentials_reach_oauth_whole_and_come_back_nowhere(gateway: FakeGateway) -> None:
    gateway.services.on("oauth", "PUT", "/connection", (200, overview()))
    wish = {"client_id": "c", "client_secret": "top secret", "login_url": "https://a.example"}
    async with gateway.caller() as http:
        answer = await http.put(API, json=wish)
        refused = await http.put(API, json={**wish, "client_id": ""})
    assert gateway.services.asked[0][3] == {**wish, "api_version": ""}
    assert "top secret" not in answer.text + refused.text
    assert (refused.status_code, refused.json()["field"]) == (422, "client_id")
    assert all(b"top secret" not in (r.value or b"") for r in gateway.store.sent)


async def test_usage_is_what_oauth_tells(gateway: FakeGateway) -> None:
    async with gateway.caller(Scope.READ) as http:
        assert (await http.get(f"{API}/usage")).json() == usage()


async def test_shares_are_set_by_an_admin_with_a_trace(gateway: FakeGateway) -> None:
    wish = {"batch": 60, "reconcile": 40}
    gateway.services.on("oauth", "PUT", "/usage/shares", (200, usage(shares=wish)))
    async with gateway.caller(Scope.ADMIN) as http:
        told = await http.put(f"{API}/usage/shares", json=wish)
    assert (told.status_code, told.json()["shares"]) == (200, wish)
    assert gateway.services.asked[-1] == ("oauth", "PUT", "/usage/shares", wish)
    assert any(b"connection.shares_asked" in (r.value or b"") for r in gateway.store.sent)


@pytest.mark.parametrize(
    "wish", [{"batch": 0}, {"batch": 101}, {"batch": "many"}, {"people": 9}, []]
)
async def test_shares_that_make_no_sense_are_not_forwarded(
    gateway: FakeGateway, wish: object
) -> None:
    async with gateway.caller(Scope.ADMIN) as http:
        assert (await http.put(f"{API}/usage/shares", json=wish)).status_code == 422
    assert gateway.services.asked == []


async def test_lists_are_paged_and_pages_are_bounded(gateway: FakeGateway) -> None:
    gateway.services.on("reconciler", "GET", "/matches", (200, PAGE))
    async with gateway.caller(Scope.READ) as http:
        good = await http.get(f"{API}/matches?page=2&page_size=10&state=ambiguous")
        large = await http.get(f"{API}/matches?page_size=201")
        odd = await http.get(f"{API}/matches?state=odd")
    assert good.json() == PAGE
    assert gateway.services.queries[0] == {"page": "2", "page_size": "10", "state": "ambiguous"}
    assert (large.status_code, odd.status_code) == (422, 422)


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"member_id": "m1", "all": True},
        {"member_ids": []},
        {"member_ids": ["m1"], "record_id": "003Dx00000ABCDEIA4"},
        {"member_ids": ["m"] * 1001},
        {"member_id": "m1", "surprise": 1},
    ],
)
async def test_a_wish_to_link_names_exactly_one_way(gateway: FakeGateway, wish: object) -> None:
    async with gateway.caller(Scope.WRITE) as http:
        answer = await http.post(f"{API}/links", json=wish)
    assert answer.status_code == 422
    assert not gateway.services.asked


@pytest.mark.parametrize(
    ("member", "theirs"),
    [("a%2Fb", "a%2Fb"), ("%2e%2e", "%2E%2E"), ("a%3Fb%23c", "a%3Fb%23c"), ("%C3%A4", "%C3%A4")],
)
async def test_an_odd_member_id_stays_one_segment(
    gateway: FakeGateway, member: str, theirs: str
) -> None:
    gateway.services.on("reconciler", "DELETE", f"/links/{theirs}", (200, {"state": "excluded"}))
    async with gateway.caller(Scope.WRITE) as http:
        answer = await http.delete(f"{API}/links/{member}")
    assert gateway.services.asked[0][2] == f"/links/{theirs}"
    assert answer.json() == {"state": "excluded"}


@pytest.mark.parametrize("member", ["%00", "a%09b", "x" * 256])
async def test_what_is_no_id_reaches_neither_a_service_nor_the_trail(
    gateway: FakeGateway, member: str
) -> None:
    async with gateway.caller() as http:
        refused = [
            await http.delete(f"{API}/links/{member}"),
            await http.get(f"{API}/members/{member}"),
        ]
        body = {"member_id": "a\x00"}
        refused.append(await http.post(f"{API}/links", json=body))
    assert {answer.status_code for answer in refused} == {422}
    assert gateway.services.asked == []
    assert [r.value for r in gateway.store.sent if b"unlink" in (r.value or b"")] == []


async def test_history_and_entities_and_managed_rules_are_lists(gateway: FakeGateway) -> None:
    rule = {"state": "on", "last_fired_at": None}
    configs = [
        {"entity": "member", "config": CONFIG, "managed_rule": rule},
        {"entity": "other", "config": CONFIG, "managed_rule": None},
    ]
    gateway.services.on("reconciler", "GET", "/links/m1/history", (200, {"items": [{"n": 1}]}))
    gateway.services.on("sync-outbound", "GET", "/sync/config", (200, {"items": configs}))
    async with gateway.caller(Scope.READ) as http:
        history = (await http.get(f"{API}/links/m1/history")).json()
        entities = (await http.get(f"{API}/sync/config")).json()
        rules = (await http.get(f"{API}/sync/managed-rules")).json()
    assert history == {"items": [{"n": 1}], "total": 1, "page": 1, "page_size": 1}
    assert entities["total"] == 2
    assert rules["items"] == [{"entity": "member", **rule}]


async def test_summary_counts_members_and_names_what_is_down(gateway: FakeGateway) -> None:
    gateway.services.on("reconciler", "GET", "/summary", (200, {"members": 9, "linked": 4}))
    gateway.services.on("sync-outbound", "GET", "/sync/summary", (200, {"pending": 0}))
    gateway.services.down.add("sync-inbound")
    async with gateway.caller(Scope.READ) as http:
        told = (await http.get(f"{API}/summary")).json()
    assert told == {
        "members": 9,
        "linked": 4,
        "sync": {"pending": 0},
        "capture": None,
        "unavailable": ["sync-inbound"],
    }


async def test_a_member_is_explained_even_without_a_pair(gateway: FakeGateway) -> None:
    async with gateway.caller(Scope.READ) as http:
        assert (await http.get(f"{API}/members/m1")).json() == {
            "member_id": "m1",
            "pair": None,
            "history": [],
        }
        gateway.services.on("sync-outbound", "GET", "/sync/pairs/m1", (200, {"pending": True}))
        assert (await http.get(f"{API}/members/m1")).json()["pair"] == {"pending": True}
        gateway.services.on("sync-outbound", "GET", "/sync/pairs/m1", (500, {"code": "broken"}))
        assert (await http.get(f"{API}/members/m1")).json()["code"] == "broken"


async def test_a_service_that_does_not_know_us_is_not_the_callers_fault(
    gateway: FakeGateway,
) -> None:
    gateway.services.on("oauth", "GET", "/connection", (401, {"code": "caller_unknown"}))
    async with gateway.caller(Scope.READ) as http:
        answer = await http.get(API)
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")


async def test_when_to_come_again_is_passed_on() -> None:
    asked = httpx.Response(429, json={"code": "limit_exceeded"}, headers={"Retry-After": "60"})
    gateway = a_gateway()
    gateway.services.whole["reconciler", "GET", "/matches"] = asked
    async with gateway.caller() as http:
        answer = await http.get(f"{API}/matches")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_without_end_is_refused() -> None:
    gateway = a_gateway(max_body_bytes=10_000)
    async with gateway.caller() as http:
        answer = await http.put(f"{API}/sync/config/member", content=b"x" * 10_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert not gateway.services.asked


async def test_every_answer_carries_protective_headers(gateway: FakeGateway) -> None:
    async with gateway.browser() as http:
        answers = [await http.get(path) for path in ("/", API, "/static/main.js", "/nowhere")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe-inline" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "max-age" in answer.headers["strict-transport-security"]
    assert [answer.status_code for answer in answers] == [200, 401, 200, 404]


async def test_the_api_describes_itself(gateway: FakeGateway) -> None:
    async with gateway.browser() as http:
        told = (await http.get("/api/openapi.json")).json()
    paths = {path.partition("/salesforce")[2] for path in told["paths"]}
    assert {"/links", "/sync/runs", "/oauth/callback", "/features", "/events"} <= paths
    assert told["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
