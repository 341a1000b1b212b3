"""The service against the simulated org, over HTTP, as a person would connect it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import func, select

from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.crypto.keyring import KeyRing
from crmlink_common.errors import NotConnectedError
from crmlink_common.internal.auth import Signer, new_key_pair, open_internal
from crmlink_common.salesforce.tokens import AccessToken, OauthTokens
from crmlink_common.storage.engine import create_engine
from crmlink_devstack.walk.login import log_in
from crmlink_devstack.walk.surfaces import Surfaces
from crmlink_devstack.worlds import KafkaWorld, a_record, until
from crmlink_oauth.app import SCHEMA, create_app
from crmlink_oauth.settings import Settings
from crmlink_oauth.storage.tables import connections, revocations, workspaces

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
PATH = "/internal/v1/workspaces/w1"
CALLBACK = "http://127.0.0.1:8080/api/v2/w/w1/app-connections/salesforce/oauth/callback"
ON = a_record(WORKSPACES_V1, Workspace(workspace_id="w1", revision=1, crm_salesforce=True))


@dataclass(frozen=True, slots=True)
class Org:
    url: str
    client_id: str
    client_secret: str
    username: str
    password: str

    def surfaces(self) -> Surfaces:
        return Surfaces(
            gateway_url="",
            workspace_id="w1",
            api_key="",
            kafka="",
            org_url=self.url,
            client_id=self.client_id,
            client_secret=self.client_secret,
            username=self.username,
            password=self.password,
            members_file=Path(),
            sandbox_redirect=CALLBACK,
        )


@pytest.fixture
async def org(tmp_path: Path) -> AsyncIterator[Org]:
    command = [sys.executable, "-m", "crmlink_salesforce_sim", "--control", "--port", "0"]
    command += ["--data", str(tmp_path / "org.db"), "--redirect-uri", CALLBACK]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        yield Org(*(told[name] for name in Org.__slots__))
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 20)


class World:
    def __init__(self, settings: Settings, org: Org) -> None:
        self.kafka = KafkaWorld(settings.kafka_bootstrap, "oauth")
        self.keys = {name: new_key_pair() for name in ("gateway", "tools")}
        told = {
            "internal_trusted": json.dumps({name: pair[1] for name, pair in self.keys.items()}),
            "allowed_hosts": json.dumps([org.url]),
        }
        self.settings = settings.model_copy(update=told)
        self.engine = create_engine(settings.database_dsn, SCHEMA)
        self.org = org

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FastAPI]:
        await self.kafka.publish(ON)
        async with self.kafka.running(app := create_app(self.settings)):
            await until(lambda: self.count(workspaces))
            yield app

    async def count(self, table: Any) -> int:  # noqa: ANN401 - a table
        async with self.engine.connect() as connection:
            return int(await connection.scalar(select(func.count()).select_from(table)) or 0)

    def client(self, app: FastAPI, service: str) -> httpx.AsyncClient:
        signer = Signer(service, SecretStr(self.keys[service][0]))
        transport = httpx.ASGITransport(app)
        return open_internal("http://oauth", signer, "oauth", transport=transport)

    async def connect(self, gateway: httpx.AsyncClient) -> dict[str, Any]:
        form = {
            "client_id": self.org.client_id,
            "client_secret": self.org.client_secret,
            "login_url": self.org.url,
        }
        await gateway.put(f"{PATH}/connection", json=form)
        begun = (await gateway.post(f"{PATH}/authorize", json={})).json()
        async with httpx.AsyncClient(trust_env=False) as browser:
            back = await log_in(browser, begun["authorize_url"], self.org.surfaces(), CALLBACK)
        came = {name: one[0] for name, one in parse_qs(urlsplit(back).query).items()}
        answer = await gateway.post(
            f"{PATH}/callback", json={**came, "browser_token": begun["browser_token"]}
        )
        finished: dict[str, Any] = answer.json()
        return finished

    async def works(self, token: AccessToken) -> bool:
        url = f"{token.instance_url}/services/data/v{token.api_version}/limits"
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(url, headers={"Authorization": f"Bearer {token.token}"})
        return answer.status_code == httpx.codes.OK

    async def revoke_in_org(self) -> None:
        """As an administrator does who ends the app's access."""
        async with self.engine.connect() as connection:
            sealed = str(await connection.scalar(select(connections.c.refresh_token)))
        ring = KeyRing.from_setting(self.settings.encryption_keys)
        token = ring.open(sealed, workspace="w1", column="connections.refresh_token")
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(
                f"{self.org.url}/services/oauth2/revoke", data={"token": token}
            )
        assert answer.status_code == httpx.codes.OK


@pytest.fixture
async def world(settings: Settings, org: Org) -> AsyncIterator[World]:
    found = World(settings, org)
    await found.kafka.fresh_topics()
    yield found
    await found.engine.dispose()


async def test_connect_use_refresh_disconnect(world: World) -> None:
    async with (
        world.running() as app,
        world.client(app, "gateway") as gateway,
        world.client(app, "tools") as tools,
    ):
        finished = await world.connect(gateway)
        assert (finished["code"], finished["ok"]) == ("connected", True)
        shown = finished["overview"]
        assert (shown["status"], shown["api_version"]) == ("connected", "59.0")
        assert shown["usage"]["limit"] > 0
        check = shown["check"]
        assert (check["ok"], check["problem"], check["org"]["id"]) == (True, None, shown["org_id"])
        assert [one["missing"] for one in check["objects"]] == [[], []]
        tokens = OauthTokens(tools)
        first = await tokens.token("w1")
        assert await world.works(first)
        second = await tokens.token("w1", failed=first.fingerprint)
        assert await world.works(second)
        await gateway.post(f"{PATH}/disconnect")

        async def revoked() -> bool:
            return await world.count(revocations) == 0

        await until(revoked)
        assert not await world.works(second)


async def test_revoked_in_the_org_it_is_an_error_that_a_new_sign_in_heals(world: World) -> None:
    async with (
        world.running() as app,
        world.client(app, "gateway") as gateway,
        world.client(app, "tools") as tools,
    ):
        finished = await world.connect(gateway)
        assert (finished["ok"], finished["code"]) == (True, "connected")
        tokens = OauthTokens(tools)
        token = await tokens.token("w1")
        await world.revoke_in_org()
        assert not await world.works(token)
        with pytest.raises(NotConnectedError):
            await tokens.token("w1", failed=token.fingerprint)
        shown = (await gateway.get(f"{PATH}/connection")).json()
        assert (shown["status"], shown["error"]["code"]) == ("error", "token_revoked")
        await gateway.post(f"{PATH}/disconnect")
        assert (await world.connect(gateway))["ok"]
        assert await world.works(await tokens.token("w1"))
