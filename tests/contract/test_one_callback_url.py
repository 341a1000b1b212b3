"""Gateway and oauth together, with an org in memory: one callback URL, and one way back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from crmlink_common.internal.auth import Callers, Signer, new_key_pair, open_internal
from crmlink_common.internal.problems import install_problem_handlers
from crmlink_gateway.app import furnish
from crmlink_gateway.clients import Part, Parts
from crmlink_gateway.domain.access import Scope
from crmlink_gateway.fakes import API, WORKSPACE, FakeGateway, a_gateway
from crmlink_gateway.routes.authority import PREFIX
from crmlink_gateway.settings import Settings
from crmlink_oauth.domain.workspaces import KnownWorkspace
from crmlink_oauth.fakes.org import CLIENT_ID, CLIENT_SECRET, LOGIN, FakeOrg
from crmlink_oauth.fakes.store import FakeStore
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.desk import CALLBACK

FORM = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "login_url": LOGIN}


class Listening(FakeOrg):
    """Remembers which callback URL came with a code."""

    def token(self, form: dict[str, str]) -> httpx.Response:
        self.redirect_uri = form["redirect_uri"]
        return super().token(form)


class Front:
    """The gateway's addresses, with the real oauth behind them."""

    def __init__(self, gateway: FakeGateway, world: World) -> None:
        self.gateway, self.world = gateway, world
        private, public = new_key_pair()
        transport = httpx.ASGITransport(world.app(Callers("oauth", {"gateway": public})))
        signer = Signer("gateway", SecretStr(private))
        oauth = Part("oauth", open_internal("http://oauth", signer, "oauth", transport=transport))
        away = Part("away", httpx.AsyncClient(base_url="http://away"))
        self.parts = Parts(
            oauth=oauth, reconciler=away, sync_outbound=away, sync_inbound=away, tools=away
        )
        self.app = FastAPI()
        install_problem_handlers(self.app)
        settings = Settings(
            kafka_bootstrap="nowhere:1",
            database_dsn=SecretStr("postgresql://nowhere"),
            internal_key=SecretStr(private),
            public_url="https://crm.example",
            oauth_url="http://oauth",
            reconciler_url="http://away",
            sync_outbound_url="http://away",
            sync_inbound_url="http://away",
            tools_url="http://away",
        )
        furnish(self.app, gateway.door, self.parts, settings)

    def browser(self, **more: Any) -> httpx.AsyncClient:  # noqa: ANN401 - passed on
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="https://crm.example", **more)


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    store = FakeStore()
    store.workspaces.rows[WORKSPACE] = KnownWorkspace(WORKSPACE, 1, crm_salesforce=True)
    found = Front(a_gateway(), World(Listening(), store))
    yield found
    await found.parts.aclose()


def test_the_path_that_oauth_names_is_the_one_that_the_gateway_serves() -> None:
    assert f"{PREFIX}/oauth/callback" == CALLBACK


async def test_the_url_shown_is_the_one_asked_for_exchanged_and_served(front: Front) -> None:
    key = front.gateway.key
    async with front.browser() as browser:
        browser.headers["Authorization"] = f"Bearer {key(Scope.ADMIN)}"
        shown = (await browser.put(API, json=FORM)).json()
        begun = (await browser.post(f"{API}/authorize")).json()["url"]
        del browser.headers["Authorization"]
        login = (await browser.get(begun)).headers["location"]
        asked = parse_qs(urlsplit(login).query)["redirect_uri"][0]
        page = await browser.get(asked, params=front.world.org.allow(login))
        assert "Salesforce is connected." in page.text
        assert not browser.cookies
    org = front.world.org
    assert isinstance(org, Listening)
    told = {shown["callback_url"], shown["setup_details"]["callback_url"], asked, org.redirect_uri}
    assert told == {f"https://crm.example{API}/oauth/callback"}
    assert begun.rpartition("/start?")[0] == asked.rpartition("/callback")[0]
