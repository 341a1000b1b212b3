"""Run Sync: one run for each direction, as one group."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crmlink_common.contracts.sync_configs import EntityConfig
from crmlink_gateway.domain.access import Scope
from crmlink_gateway.fakes import API, Answer, FakeGateway, a_gateway

RUNNING = {"code": "run_in_progress", "title": "A run is already in progress", "run_id": "r1"}
NOT_YET = {"code": "direction_refused", "title": "Not this direction", "status": 422}


@pytest.fixture
def gateway() -> FakeGateway:
    return a_gateway()


def _with(gateway: FakeGateway, *, outbound: bool, inbound: bool) -> None:
    config = EntityConfig(outbound_enabled=outbound, inbound_enabled=inbound)
    known = {"entity": "member", "config": config.model_dump(mode="json")}
    gateway.services.on("sync-outbound", "GET", "/sync/config/member", (200, known))


def _answering(*answers: Answer) -> Callable[[], Answer]:
    left = iter(answers)
    return lambda: next(left)


async def test_both_directions_on_are_two_runs_of_one_group(gateway: FakeGateway) -> None:
    _with(gateway, outbound=True, inbound=True)
    runs = _answering((202, {"id": "r1"}), (202, {"id": "r2"}))
    gateway.services.on("sync-outbound", "POST", "/sync/runs", runs)
    async with gateway.caller(Scope.WRITE) as http:
        answer = await http.post(f"{API}/sync/runs", json={"scope": "all"})
    told = answer.json()
    assert answer.status_code == 202
    assert [run["id"] for run in told["runs"]] == ["r1", "r2"]
    assert told["refused"] == []
    asked = [body for _, method, _, body in gateway.services.asked if method == "POST"]
    assert [one["direction"] for one in asked] == ["outbound", "inbound"]
    assert {one["group_id"] for one in asked} == {told["group_id"]}
    assert {one["scope"] for one in asked} == {"all"}


async def test_what_did_not_start_stands_beside_what_did(gateway: FakeGateway) -> None:
    _with(gateway, outbound=True, inbound=True)
    gateway.services.on(
        "sync-outbound", "POST", "/sync/runs", _answering((202, {"id": "r1"}), (422, NOT_YET))
    )
    async with gateway.caller(Scope.WRITE) as http:
        told = (await http.post(f"{API}/sync/runs", json={})).json()
    assert [run["id"] for run in told["runs"]] == ["r1"]
    [refused] = told["refused"]
    assert (refused["direction"], refused["code"]) == ("inbound", "direction_refused")


async def test_a_second_start_names_the_run_to_join(gateway: FakeGateway) -> None:
    _with(gateway, outbound=True, inbound=False)
    gateway.services.on("sync-outbound", "POST", "/sync/runs", (409, RUNNING))
    async with gateway.caller(Scope.WRITE) as http:
        answer = await http.post(f"{API}/sync/runs", json={})
    assert (answer.status_code, answer.json()["run_id"]) == (409, "r1")


async def test_a_direction_that_is_asked_for_needs_no_configuration(gateway: FakeGateway) -> None:
    gateway.services.on("sync-outbound", "POST", "/sync/runs", (202, {"id": "r1"}))
    async with gateway.caller(Scope.WRITE) as http:
        told = (await http.post(f"{API}/sync/runs", json={"direction": "outbound"})).json()
    assert [run["id"] for run in told["runs"]] == ["r1"]
    assert [method for _, method, _, _ in gateway.services.asked] == ["POST"]


async def test_nothing_on_is_nothing_to_run(gateway: FakeGateway) -> None:
    _with(gateway, outbound=False, inbound=False)
    async with gateway.caller(Scope.WRITE) as http:
        answer = await http.post(f"{API}/sync/runs", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "direction_off")


async def test_an_unknown_entity_is_refused_by_its_owner(gateway: FakeGateway) -> None:
    document = {"code": "unknown_entity", "title": "No such entity type", "status": 404}
    gateway.services.on("sync-outbound", "GET", "/sync/config/odd", (404, document))
    async with gateway.caller(Scope.WRITE) as http:
        answer = await http.post(f"{API}/sync/runs", json={"entity": "odd"})
    assert (answer.status_code, answer.json()) == (404, document)
