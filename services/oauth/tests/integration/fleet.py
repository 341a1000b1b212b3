"""Several real oauth processes on one database and one simulated org, for tests that kill some."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from pydantic import SecretStr
from sqlalchemy import NullPool, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.crypto.keyring import KeyRing
from crmlink_common.internal.auth import Signer, new_key_pair, open_internal
from crmlink_common.salesforce.tokens import AccessToken
from crmlink_common.storage.engine import create_engine, postgres_url
from crmlink_devstack.parts import Service, Simulator, migrated
from crmlink_devstack.ports import HOST, free_port
from crmlink_devstack.roles import address_of, require_roles
from crmlink_devstack.walk.login import log_in
from crmlink_devstack.walk.surfaces import Surfaces
from crmlink_devstack.worlds import KafkaWorld, a_record, until
from crmlink_oauth.service.resealing import Resealing
from crmlink_oauth.storage.sealed import SealedStore
from crmlink_oauth.storage.tables import connections

PUBLIC_URL = "http://127.0.0.1:8080"
CALLBACK = PUBLIC_URL + "/api/v2/w/{}/app-connections/salesforce/oauth/callback"
MANY = 10_000
PASSWORD = "hush"


class Fleet:
    """Start it, use it in one event loop after the other, and stop it."""

    def __init__(self, kafka: str, dsn: str, folder: Path, *, size: int, names: list[str]) -> None:
        self.kafka, self.dsn, self.folder = KafkaWorld(kafka, "oauth"), dsn, folder
        self.names = names
        self.pairs = {name: new_key_pair() for name in ("gateway", "tools", "oauth")}
        old, new = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
        self.rings = {"old": {"k1": old, "k2": new}, "new": {"k2": new, "k1": old}}
        members = folder / "members.csv"
        members.write_text("member_id,email,phone,first_name,last_name\n")
        callbacks = tuple(CALLBACK.format(name) for name in names)
        log = folder / "salesforce.log"
        self.sim = Simulator(folder / "salesforce", free_port(), members, callbacks, 1, log)
        self.parts = [self._part(number) for number in range(1, size + 1)]

    def environment(self, **changes: str) -> Mapping[str, str]:
        told = {
            "KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "DATABASE_DSN": address_of(self.dsn, "oauth", PASSWORD),
            "INTERNAL_KEY": self.pairs["oauth"][0],
            "INTERNAL_TRUSTED": json.dumps({name: pair[1] for name, pair in self.pairs.items()}),
            "ENCRYPTION_KEYS": json.dumps(self.rings["old"]),
            "PUBLIC_URL": PUBLIC_URL,
            "ALLOWED_HOSTS": json.dumps([self.org_url]),
        }
        return {f"OAUTH_{name}": value for name, value in (told | changes).items()}

    def _part(self, number: int) -> Service:
        name, port = f"oauth-{number}", free_port()
        told = self.environment(PORT=str(port), INSTANCE=name)
        return Service(name, "oauth", port, told, self.folder / f"{name}.log")

    @property
    def org_url(self) -> str:
        return f"http://{HOST}:{self.sim.port}"

    def start(self) -> None:
        """Begin with empty topics and an empty schema."""
        asyncio.run(self.kafka.fresh_topics())
        require_roles(self.dsn.replace("+psycopg", ""), {"oauth": PASSWORD})
        self.sim.prepare()
        migration = self.parts[0].migration()
        for child in (self.sim.child, migration):
            child.spawn()
        migrated(migration)
        for part in self.parts:
            part.child.spawn()
        self.sim.wait_ready()
        for part in self.parts:
            part.wait_ready()
        asyncio.run(self.switch_on(self.names))

    async def reseal(self) -> None:
        """Put the new key first, and let it go through all tables."""
        ring = KeyRing.from_setting(SecretStr(json.dumps(self.rings["new"])))
        engine = create_engine(SecretStr(self.dsn), "oauth")
        await Resealing(ring=ring, texts=SealedStore(async_sessionmaker(engine))).reseal()
        await engine.dispose()

    def stop(self) -> None:
        for part in self.parts:
            part.child.kill()
        self.sim.child.stop()

    def engine(self) -> AsyncEngine:
        options = {"options": "-c search_path=oauth"}
        url = postgres_url(SecretStr(self.dsn))
        return create_async_engine(url, poolclass=NullPool, connect_args=options)

    def client(self, number: int, service: str = "tools") -> httpx.AsyncClient:
        """Open a service's client of the process of this number, from 0."""
        signer = Signer(service, SecretStr(self.pairs[service][0]))
        return open_internal(f"http://{HOST}:{self.parts[number].port}", signer, "oauth")

    async def row(self, workspace_id: str) -> Any:  # noqa: ANN401 - a row
        async with self.engine().connect() as session:
            wanted = select(connections).where(connections.c.workspace_id == workspace_id)
            return (await session.execute(wanted)).one()

    async def execute(self, statement: str, **values: object) -> Any:  # noqa: ANN401 - a number
        async with self.engine().begin() as session:
            found = await session.execute(text(statement), values)
            return found.scalar() if found.returns_rows else None

    async def switch_on(self, names: list[str]) -> None:
        """Switch Salesforce on in workspaces, and wait until that is known."""
        on = [Workspace(workspace_id=name, revision=1, crm_salesforce=True) for name in names]
        await self.kafka.publish(*[a_record(WORKSPACES_V1, one) for one in on])

        async def known() -> bool:
            return bool(await self.execute("select count(*) from workspaces") == len(names))

        await until(known)

    async def sign_in(self, workspace_id: str) -> None:
        """Configure, log in, click Allow, come back."""
        path, org = f"/internal/v1/workspaces/{workspace_id}", self.sim.org
        if org is None:
            raise RuntimeError("the org has not started")
        form = {
            "client_id": org.client_id,
            "client_secret": org.client_secret,
            "login_url": self.org_url,
        }
        callback = CALLBACK.format(workspace_id)
        surfaces = Surfaces(
            gateway_url="",
            workspace_id=workspace_id,
            api_key="",
            kafka="",
            org_url=org.url,
            client_id=org.client_id,
            client_secret=org.client_secret,
            username=org.username,
            password=org.password,
            members_file=Path(),
            sandbox_redirect=callback,
        )
        async with self.client(0, "gateway") as gateway:
            await gateway.put(f"{path}/connection", json=form)
            begun = (await gateway.post(f"{path}/authorize", json={})).json()
            async with httpx.AsyncClient(trust_env=False) as browser:
                back = await log_in(browser, begun["authorize_url"], surfaces, callback)
            came = {name: one[0] for name, one in parse_qs(urlsplit(back).query).items()}
            came["browser_token"] = begun["browser_token"]
            finished = (await gateway.post(f"{path}/callback", json=came)).json()
        if not finished["ok"]:
            raise RuntimeError(finished["code"])

    async def org(self, method: str, setting: str, **asked: object) -> Any:  # noqa: ANN401 - JSON
        async with httpx.AsyncClient(trust_env=False, base_url=self.org_url) as http:
            answer = await http.request(method, f"/_sim/{setting}".rstrip("/"), json=asked or None)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def count_token_calls(self, ms: int = 1) -> None:
        """Begin to count, each taking so much longer: the rule tells how many it may still meet."""
        await self.org("POST", "latency", ms=ms, kind="oauth/token", count=MANY)

    async def token_calls(self) -> int:
        [rule] = (await self.org("GET", "latency"))["rules"]
        return MANY - int(rule["left"])

    async def works(self, token: AccessToken) -> bool:
        url = f"{token.instance_url}/services/data/v{token.api_version}/limits"
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(url, headers={"Authorization": f"Bearer {token.token}"})
        return answer.status_code == httpx.codes.OK
