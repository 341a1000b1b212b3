"""Who comes in, and what they are told when they do not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import decode
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_gateway.domain.access import Scope
from crmlink_gateway.fakes import API, NOON, OTHER, WORKSPACE, FakeGateway, a_gateway

RUN = "8d6f2f0e-2a34-4a0e-9a41-0b6a6b7f3d55"
READS = [
    "",
    "/usage",
    f"/reconciliation/runs/{RUN}",
    "/reconciliation/runs",
    "/matches",
    "/links",
    "/links/m1/history",
    "/sync/config",
    "/sync/config/member",
    "/sync/managed-rules",
    "/sync/runs",
    f"/sync/runs/{RUN}",
    f"/sync/runs/{RUN}/items",
    f"/sync/runs/{RUN}/events",
    f"/reconciliation/runs/{RUN}/events",
    "/sync/errors",
    "/sync/summary",
    "/members/m1",
    "/activity",
    "/summary",
    "/features",
    "/tools",
    "/events",
]
WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/reconciliation/runs", {}),
    ("POST", f"/reconciliation/runs/{RUN}/cancel", None),
    ("POST", "/links", {"all": True}),
    ("DELETE", "/links/m1", None),
    ("POST", "/links/m1/relink", None),
    ("POST", "/sync/runs", {}),
    ("POST", f"/sync/runs/{RUN}/cancel", None),
]
ADMINISTERS: list[tuple[str, str, Any]] = [
    ("PUT", "", {"client_id": "c"}),
    ("DELETE", "", None),
    ("POST", "/authorize", {}),
    ("POST", "/disconnect", None),
    ("POST", "/enable", None),
    ("POST", "/disable", None),
    ("PUT", "/features", {"crm_salesforce": True}),
    ("PUT", "/sync/config/member", {}),
    ("PUT", "/usage/shares", {"batch": 60}),
]


@pytest.fixture
def gateway() -> FakeGateway:
    return a_gateway()


def _told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    return dict(answer.json())


@pytest.mark.parametrize("path", READS)
async def test_every_read_needs_a_key(gateway: FakeGateway, path: str) -> None:
    async with gateway.browser() as http:
        answer = await http.get(API + path)
    told = _told(answer)
    assert (answer.status_code, told["code"]) == (401, "key_unknown")
    assert told["cure"]
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not gateway.services.asked


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_reading_is_not_writing(
    gateway: FakeGateway, method: str, path: str, body: object
) -> None:
    async with gateway.caller(Scope.READ) as http:
        answer = await http.request(method, API + path, json=body)
    told = _told(answer)
    assert (answer.status_code, told["code"]) == (403, "scope_refused")
    assert "salesforce:write" in told["cure"]
    assert not gateway.services.asked
    assert not gateway.store.sent


@pytest.mark.parametrize(("method", "path", "body"), ADMINISTERS)
async def test_writing_is_not_administering(
    gateway: FakeGateway, method: str, path: str, body: object
) -> None:
    async with gateway.caller(Scope.WRITE) as http:
        answer = await http.request(method, API + path, json=body)
    assert (answer.status_code, _told(answer)["code"]) == (403, "scope_refused")
    assert not gateway.services.asked


@pytest.mark.parametrize("path", READS)
async def test_without_the_feature_there_is_no_salesforce(gateway: FakeGateway, path: str) -> None:
    gateway.store.known[WORKSPACE] = Workspace(workspace_id=WORKSPACE, revision=2)
    async with gateway.caller(Scope.READ) as http:
        answer = await http.get(API + path)
    if path == "/features":
        assert answer.json()["crm_salesforce"] is False
    else:
        assert (answer.status_code, _told(answer)["code"]) == (404, "feature_disabled")
    assert not gateway.services.asked


async def test_a_key_opens_its_own_workspace_alone(gateway: FakeGateway) -> None:
    key = gateway.key(Scope.ADMIN, OTHER)
    async with gateway.browser(headers={"Authorization": f"Bearer {key}"}) as http:
        answer = await http.get(API)
    assert (answer.status_code, _told(answer)["code"]) == (403, "workspace_refused")


@pytest.mark.parametrize("ended", [{"expires_at": NOON}, {"revoked_at": NOON - timedelta(days=1)}])
async def test_a_key_that_ended_opens_nothing(gateway: FakeGateway, ended: dict[str, Any]) -> None:
    key = gateway.key(Scope.ADMIN, **ended)
    async with gateway.browser(headers={"Authorization": f"Bearer {key}"}) as http:
        answer = await http.get(API)
    assert (answer.status_code, _told(answer)["code"]) == (401, "key_unknown")


async def test_a_workspace_is_named_by_its_uuid(gateway: FakeGateway) -> None:
    async with gateway.caller() as http:
        answer = await http.get("/api/v2/w/not-a-uuid/app-connections/salesforce")
    assert (answer.status_code, _told(answer)["code"]) == (422, "invalid_input")


async def test_features_are_switched_and_told_once(gateway: FakeGateway) -> None:
    async with gateway.caller() as http:
        for _ in range(2):
            answer = await http.put(f"{API}/features", json={"crm_salesforce": False})
            assert answer.json()["crm_salesforce"] is False
        back = await http.put(f"{API}/features", json={"crm_salesforce": True})
    assert back.json()["revision"] == 3
    told = [
        decode(WORKSPACES_V1, r.key, r.value, r.headers).data
        for r in gateway.store.sent
        if r.topic == WORKSPACES_V1.name
    ]
    assert told == [
        Workspace(workspace_id=WORKSPACE, revision=2, crm_salesforce=False),
        Workspace(workspace_id=WORKSPACE, revision=3, crm_salesforce=True),
    ]


async def test_what_somebody_does_is_written_down_with_who_they_are(gateway: FakeGateway) -> None:
    gateway.services.on("reconciler", "DELETE", "/links/m1", (200, {"state": "excluded"}))
    async with gateway.caller(Scope.WRITE) as http:
        assert (await http.delete(f"{API}/links/m1")).json() == {"state": "excluded"}
    [record] = gateway.store.sent
    told = decode(ACTIVITY_V1, record.key, record.value, record.headers).data
    assert isinstance(told, Activity)
    assert (told.action, told.actor, told.member_id) == ("links.unlink_asked", "key:k0", "m1")
    assert gateway.services.headers[-1]["x-crmlink-actor"] == "key:k0"
    assert gateway.services.headers[-1]["authorization"].startswith("Bearer ")


async def test_bootstrap_twice_is_bootstrap_once(gateway: FakeGateway) -> None:
    for _ in range(2):
        await gateway.door.bootstrap(OTHER, "crmlink_first")
    assert len(gateway.store.api_keys) == 1
    assert [r.topic for r in gateway.store.sent] == [WORKSPACES_V1.name]
    caller = await gateway.door.by_key("crmlink_first", OTHER)
    assert caller.scope is Scope.ADMIN
    await gateway.door.feature_on(OTHER)


async def test_bootstrap_leaves_what_an_admin_has_switched_off(gateway: FakeGateway) -> None:
    off = Workspace(workspace_id=OTHER, revision=7)
    gateway.store.known[OTHER] = off
    await gateway.door.bootstrap(OTHER, "crmlink_first")
    assert gateway.store.known[OTHER] == off
