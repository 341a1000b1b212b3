"""Who may call what inside: a new route without an entry here fails, and so does one too many."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import SecretStr

from crmlink_common.contracts.topics import SERVICES
from crmlink_common.internal.auth import Signer, new_key_pair

WORKERS = frozenset({"reconciler", "tools", "sync-outbound", "sync-inbound"})
GATEWAY = frozenset({"gateway"})
PREFIX = "/internal/v1/workspaces/{workspace_id}"
OPEN = {"GET /health/live", "GET /health/ready"}
MAY_CALL: dict[str, dict[str, frozenset[str]]] = {
    "gateway": {},
    "oauth": {
        "GET /connection": GATEWAY,
        "PUT /connection": GATEWAY,
        "DELETE /connection": GATEWAY,
        "POST /authorize": GATEWAY,
        "POST /callback": GATEWAY,
        "POST /disconnect": GATEWAY,
        "POST /enable": GATEWAY,
        "POST /disable": GATEWAY,
        "POST /org/confirm": GATEWAY,
        "POST /org/reject": GATEWAY,
        "POST /test": GATEWAY,
        "POST /watched": GATEWAY,
        "GET /usage": GATEWAY,
        "PUT /usage/shares": GATEWAY,
        "POST /usage": WORKERS,
        "POST /access-token": WORKERS,  # the gateway gets no token
    },
    "reconciler": {
        "DELETE /links/{member_id:path}": GATEWAY,
        "GET /links": GATEWAY,
        "GET /links/{member_id:path}/history": GATEWAY,
        "GET /match-runs": GATEWAY,
        "GET /match-runs/{run_id}": GATEWAY,
        "GET /matches": GATEWAY,
        "GET /summary": GATEWAY,
        "POST /links": GATEWAY,
        "POST /links/{member_id:path}/relink": GATEWAY,
        "POST /match-runs": GATEWAY,
        "POST /match-runs/{run_id}/cancel": GATEWAY,
        "POST /reservations": frozenset({"sync-outbound"}),
    },
    "sync-outbound": {
        "GET /sync/config": GATEWAY,
        "GET /sync/config/{entity}": GATEWAY,
        "PUT /sync/config/{entity}": GATEWAY,
        "GET /sync/conflicts": GATEWAY,
        "GET /sync/errors": GATEWAY,
        "GET /sync/pairs/{member_id:path}": GATEWAY,
        "GET /sync/runs": GATEWAY,
        "POST /sync/runs": GATEWAY,
        "GET /sync/runs/{run_id}": GATEWAY,
        "GET /sync/runs/{run_id}/items": GATEWAY,
        "POST /sync/runs/{run_id}/cancel": GATEWAY,
        "GET /sync/summary": GATEWAY,
    },
    "sync-inbound": {"GET /capture": GATEWAY},
    "tools": {"GET /tools": GATEWAY},
}
PAIRS = {name: new_key_pair() for name in SERVICES}
STRANGER = new_key_pair()


@pytest.fixture(scope="module", params=SERVICES)
def built(request: pytest.FixtureRequest) -> tuple[str, FastAPI]:
    """Build a service's application; nothing behind it is there."""
    service: str = request.param
    module = f"crmlink_{service.replace('-', '_')}"
    told: dict[str, Any] = {
        "kafka_bootstrap": "127.0.0.1:1",
        "database_dsn": SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        "internal_key": SecretStr(PAIRS[service][0]),
        "internal_trusted": json.dumps({name: pair[1] for name, pair in PAIRS.items()}),
        "public_url": "http://127.0.0.1:1",
        "encryption_keys": SecretStr(json.dumps({"k1": base64.b64encode(os.urandom(32)).decode()})),
    }
    told |= {f"{name.replace('-', '_')}_url": "http://127.0.0.1:1" for name in SERVICES}
    kind = import_module(f"{module}.settings").Settings
    settings = kind(**{name: value for name, value in told.items() if name in kind.model_fields})
    app: FastAPI = import_module(f"{module}.app").create_app(settings)
    return service, app


def routes_of(app: FastAPI | APIRouter) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                yield method, route.path
        elif isinstance(included := getattr(route, "original_router", None), APIRouter):
            yield from routes_of(included)


def inside(app: FastAPI) -> dict[str, tuple[str, str]]:
    """Give the internal routes, by the names that the table uses."""
    return {
        f"{method} {path.removeprefix(PREFIX)}": (method, path)
        for method, path in routes_of(app)
        if path.startswith("/internal")
    }


def test_each_internal_route_is_in_the_table_and_there_are_no_others(
    built: tuple[str, FastAPI],
) -> None:
    service, app = built
    assert set(inside(app)) == set(MAY_CALL[service])
    if service != "gateway":  # it alone has a public side
        outside = {f"{method} {path}" for method, path in routes_of(app)}
        assert {one for one in outside if "/internal" not in one} == OPEN


async def test_whoever_is_not_in_the_table_is_refused(built: tuple[str, FastAPI]) -> None:
    service, app = built
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://inside") as http:

        async def status(route: str, signer: Signer | None, audience: str = service) -> int:
            method, path = inside(app)[route]
            path = "/".join("x" if part.startswith("{") else part for part in path.split("/"))
            told = {"Authorization": f"Bearer {signer.token(audience)}"} if signer else {}
            return (await http.request(method, path, headers=told)).status_code

        signers = {name: Signer(name, SecretStr(pair[0])) for name, pair in PAIRS.items()}
        for route, allowed in MAY_CALL[service].items():
            assert await status(route, None) == 401, route
            for name, signer in signers.items():
                found = await status(route, signer)
                assert (found not in {401, 403}) == (name in allowed), (route, name, found)
            caller = next(iter(allowed))
            assert await status(route, signers[caller], audience="other") == 401
            assert await status(route, Signer(caller, SecretStr(STRANGER[0]))) == 401
