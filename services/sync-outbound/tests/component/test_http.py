"""HTTP in: who may call, and what a refusal looks like; HTTP out: what the others hear."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import async_sessionmaker

from crmlink_common.errors import TransientError
from crmlink_common.internal.auth import Callers, Signer, new_key_pair
from crmlink_common.internal.problems import install_problem_handlers
from crmlink_common.storage.engine import create_engine
from crmlink_sync_outbound.clients import ReconcilerReservations
from crmlink_sync_outbound.routes import router
from crmlink_sync_outbound.service.configuring import Configuring
from crmlink_sync_outbound.service.desk import Desk
from crmlink_sync_outbound.service.telling import Telling

BASE = "http://sync/internal/v1/workspaces/w1/sync"
PRIVATE, PUBLIC = new_key_pair()
GATEWAY = Signer("gateway", SecretStr(PRIVATE))
TOOLS = Signer("tools", SecretStr(PRIVATE))


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the routes; the database behind them is not there."""
    engine = create_engine(SecretStr("postgresql://nobody@127.0.0.1:9/none"), "sync_outbound")
    sessions, telling = async_sessionmaker(engine), Telling()
    callers = Callers("sync-outbound", {"gateway": PUBLIC, "tools": PUBLIC})
    app = FastAPI()
    install_problem_handlers(app)
    app.include_router(
        router(
            callers,
            Configuring(sessions=sessions, telling=telling),
            Desk(sessions=sessions, telling=telling),
        )
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
        yield client
    await engine.dispose()


def signed(signer: Signer) -> dict[str, str]:
    return {"Authorization": f"Bearer {signer.token('sync-outbound')}"}


async def test_only_the_gateway_may_ask(http: httpx.AsyncClient) -> None:
    assert (await http.get(f"{BASE}/summary")).status_code == 401
    assert (await http.get(f"{BASE}/summary", headers=signed(TOOLS))).status_code == 403


async def test_a_faulty_rule_is_refused_with_its_place(http: httpx.AsyncClient) -> None:
    rule = {
        "id": "r7",
        "member_field": "email",
        "remote_field": "Email",
        "outbound": "source.email +",
    }
    answer = await http.put(
        f"{BASE}/config/member", headers=signed(GATEWAY), json={"rules": [rule]}
    )
    problem = answer.json()
    assert answer.status_code == 422
    assert (problem["code"], problem["rule_id"], problem["line"]) == ("rule_invalid", "r7", 1)
    assert problem["column"] > 1


async def test_an_unknown_entity_is_not_found(http: httpx.AsyncClient) -> None:
    for answer in (
        await http.get(f"{BASE}/config/company", headers=signed(GATEWAY)),
        await http.put(f"{BASE}/config/company", headers=signed(GATEWAY), json={}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_entity")


async def test_a_member_id_may_hold_a_slash(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explain(_: Desk, workspace_id: str, member_id: str) -> dict[str, str]:
        return {"seen": f"{workspace_id} {member_id}"}

    monkeypatch.setattr(Desk, "explain", explain)
    for path in ("a/b", "a%2Fb"):
        answer = await http.get(f"{BASE}/pairs/{path}", headers=signed(GATEWAY))
        assert answer.json() == {"seen": "w1 a/b"}


async def test_a_run_in_no_direction_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post(
        f"{BASE}/runs", headers=signed(GATEWAY), json={"direction": "sideways"}
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "direction")


def client(answer: httpx.Response, asked: list[httpx.Request]) -> httpx.AsyncClient:
    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    return httpx.AsyncClient(base_url="http://x", transport=httpx.MockTransport(handle))


async def test_reservations_are_asked_for_by_intent() -> None:
    asked: list[httpx.Request] = []
    told = httpx.Response(200, json={"items": [{"member_id": "m1", "result": "reserved"}]})
    async with client(told, asked) as http:
        answers = await ReconcilerReservations(http).reserve("w1", {"m1": "i1"})
    assert answers["m1"].result == "reserved"
    assert asked[0].url.path == "/internal/v1/workspaces/w1/reservations"
    assert json.loads(asked[0].content) == {"items": [{"member_id": "m1", "intent_id": "i1"}]}


@pytest.mark.parametrize(
    "answer", [httpx.Response(503, json={}), httpx.Response(200, json=[]), httpx.Response(200)]
)
async def test_whatever_else_the_reconciler_says_passes(answer: httpx.Response) -> None:
    async with client(answer, []) as http:
        with pytest.raises(TransientError):
            await ReconcilerReservations(http).reserve("w1", {"m1": "i1"})
