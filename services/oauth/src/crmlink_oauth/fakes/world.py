"""The service wired to fakes, with a clock that tests move."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from datetime import UTC, datetime

from fastapi import FastAPI

from crmlink_common.contracts.cloudevents import Event, decode
from crmlink_common.contracts.connections import CONNECTIONS_V1
from crmlink_common.contracts.connections import Connection as Published
from crmlink_common.crypto.keyring import KeyRing
from crmlink_common.internal.auth import Callers
from crmlink_common.internal.problems import install_problem_handlers
from crmlink_common.salesforce.opening import open_client
from crmlink_common.salesforce.pool import Origins
from crmlink_oauth.clients.salesforce import SalesforceLogin
from crmlink_oauth.domain.connection import Connection
from crmlink_oauth.domain.workspaces import KnownWorkspace
from crmlink_oauth.fakes.org import CLIENT_ID, CLIENT_SECRET, LOGIN, FakeOrg
from crmlink_oauth.fakes.store import FakeStore
from crmlink_oauth.routes import connection_routes, org_routes, token_routes
from crmlink_oauth.service.authority import Granted, TokenAuthority
from crmlink_oauth.service.budgeting import Budgeting
from crmlink_oauth.service.bulletin import Bulletin
from crmlink_oauth.service.checking import Checking
from crmlink_oauth.service.desk import Desk
from crmlink_oauth.service.setup import Form, Setup
from crmlink_oauth.service.signing_in import Callback, Finished, SigningIn
from crmlink_oauth.service.upkeep import FollowWorkspaces, Republishing, Revoking, Tidying
from crmlink_oauth.usage_routes import usage_routes

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEYS = {"k1": hashlib.sha256(b"k1").digest()}


class World:
    def __init__(self, org: FakeOrg, store: FakeStore) -> None:
        self.org, self.store = org, store
        self.time = NOON
        self.slept: list[float] = []
        store.workspaces.rows["w1"] = KnownWorkspace("w1", 1, crm_salesforce=True)
        ids = itertools.count(1)

        def new_id() -> str:
            return f"id-{next(ids)}"

        self.desk = Desk(
            work=store,
            seals=KeyRing(KEYS),
            public_url="https://crm.example/",
            now=self.now,
            new_id=new_id,
        )
        self.setup = Setup(desk=self.desk, allowed_origins=frozenset(), product_name="CRMLink")
        self.origins = Origins(lambda origin: open_client(origin, org.transport()))
        self.salesforce = SalesforceLogin(origins=self.origins)
        self.signing_in = SigningIn(setup=self.setup, salesforce=self.salesforce)
        self.authority = TokenAuthority(
            setup=self.setup, salesforce=self.salesforce, sleep=self.sleep, jitter=lambda: 0
        )
        self.checking = Checking(
            setup=self.setup, salesforce=self.salesforce, tokens=self.authority
        )
        self.budgeting = Budgeting(desk=self.desk)
        self.revoking = Revoking(desk=self.desk, salesforce=self.salesforce, jitter=lambda: 1)
        self.tidying = Tidying(setup=self.setup)
        self.following = FollowWorkspaces(bulletin=Bulletin(now=self.now, new_id=new_id))
        self.republishing = Republishing(desk=self.desk)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)  # others go on

    def row(self, workspace_id: str = "w1") -> Connection:
        return self.store.connections.rows[workspace_id]

    async def configure(self, workspace_id: str = "w1", **changes: str) -> None:
        form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "login_url": LOGIN}
        await self.setup.configure(workspace_id, Form(**{**form, **changes}), actor="ada")

    async def connect(self, workspace_id: str = "w1") -> Finished:
        """Configure unless that is done, log in, click Allow, come back."""
        if workspace_id not in self.store.connections.rows:
            await self.configure(workspace_id)
        begun = await self.signing_in.begin(workspace_id, actor="ada")
        came = self.org.allow(begun.authorize_url)
        return await self.signing_in.finish(
            workspace_id, Callback(**came, browser_token=begun.browser_token)
        )

    async def expire(self, workspace_id: str = "w1") -> str:
        """End all sessions in the org; return the fingerprint of the token that stopped working."""
        self.org.access.clear()
        return self.row(workspace_id).fingerprint

    async def token(self, failed: str | None = None, workspace_id: str = "w1") -> Granted:
        return await self.authority.grant(workspace_id, failed)

    def published(self) -> list[Event[Published]]:
        told = [r for r in self.store.outbox.rows if r.topic == CONNECTIONS_V1.name]
        return [decode(CONNECTIONS_V1, r.key, r.value, list(r.headers)) for r in told]

    def app(self, callers: Callers) -> FastAPI:
        app = FastAPI()
        install_problem_handlers(app)
        app.include_router(connection_routes(callers, self.setup, self.signing_in))
        app.include_router(org_routes(callers, self.setup, self.checking))
        app.include_router(token_routes(callers, self.authority))
        app.include_router(usage_routes(callers, self.budgeting))
        return app
