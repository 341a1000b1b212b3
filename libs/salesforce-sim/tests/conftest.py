"""An org of one's own for each test, with a clock that stands still until told."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from crmlink_salesforce_sim.app import create_app
from crmlink_salesforce_sim.build import build
from crmlink_salesforce_sim.generate.fill import Amounts
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.options import Options

CALLBACK = "https://app.example/callback"


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 5, 1, 7, 25, 37, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[Server]:
    amounts = Amounts(accounts=5, contacts=30, leads=20)
    options = Options(amounts=amounts, redirect_uris=(CALLBACK,))
    made = build(options, clock)
    yield made
    made.org.close()


@pytest.fixture
async def web(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(server, control=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://org.test") as client:
        yield client


@pytest.fixture
async def api(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    issued = server.tokens.approve(server.identity.user_id, "api refresh_token")
    transport = httpx.ASGITransport(create_app(server, control=True))
    headers = {"Authorization": f"Bearer {issued.access}", "Sforce-Call-Options": "client=Tests"}
    base = "http://org.test/services/data/v59.0/"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
        yield client
