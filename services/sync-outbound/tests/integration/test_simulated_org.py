"""A worker against the simulated org, over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from crmlink_common.salesforce.client import SalesforceOrgs
from crmlink_common.salesforce.hosts import Hosts
from crmlink_common.salesforce.soql import select
from crmlink_common.salesforce.tokens import AccessToken
from crmlink_sync_outbound.app import make_worker
from crmlink_sync_outbound.fakeworld import W, World

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
CALLBACK = "http://127.0.0.1:8080/callback"
AUTHORIZE = "/services/oauth2/authorize"


class OneToken:
    """Logs in once, by way of the org's pages."""

    def __init__(self, told: dict[str, str]) -> None:
        self.told = told

    async def token(self, workspace_id: str, *, failed: str | None = None) -> AccessToken:
        assert failed is None, workspace_id
        async with httpx.AsyncClient(base_url=self.told["url"], trust_env=False) as http:
            answer = await http.post(
                "/services/oauth2/token",
                data={
                    "grant_type": "authorization_code",
                    "code": await self._code(http),
                    "redirect_uri": CALLBACK,
                    "client_id": self.told["client_id"],
                    "client_secret": self.told["client_secret"],
                },
            )
        given = answer.raise_for_status().json()
        return AccessToken(
            token=given["access_token"],
            fingerprint="f",
            instance_url=given["instance_url"],
            api_version="59.0",
            org_id=given["id"].split("/")[-2],
            epoch=1,
        )

    async def _code(self, http: httpx.AsyncClient) -> str:
        asked = {"response_type": "code", "redirect_uri": CALLBACK, "state": "s"}
        query = httpx.QueryParams({**asked, "client_id": self.told["client_id"]})
        names = {name: self.told[name] for name in ("username", "password")}
        page = await http.post("/login", data={**names, "startURL": f"{AUTHORIZE}?{query}"})
        page = await http.get(page.headers["location"])
        if found := re.search(r'name="request" value="([^"]+)"', page.text):
            decision = {"request": found[1], "decision": "allow"}
            page = await http.post(f"{AUTHORIZE}/decision", data=decision)
        return parse_qs(urlsplit(page.headers["location"]).query)["code"][0]


@pytest.fixture
async def told() -> AsyncIterator[dict[str, str]]:
    """Start the org; give what it tells of itself."""
    sizes = ["--accounts", "5", "--contacts", "20", "--leads", "5"]
    command = ["--port", "0", "--control", "--redirect-uri", CALLBACK, *sizes]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crmlink_salesforce_sim", *command, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 20)


@pytest.fixture
async def orgs(told: dict[str, str]) -> AsyncIterator[SalesforceOrgs]:
    hosts = Hosts(frozenset({told["url"]}))
    async with SalesforceOrgs(OneToken(told), client_name="tests", hosts=hosts) as found:
        yield found


@pytest.fixture
async def control(told: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of what steers the simulated org."""
    async with httpx.AsyncClient(base_url=f"{told['url']}/_sim", trust_env=False) as http:
        yield http


async def test_members_are_created_adopted_and_written(world: World, orgs: SalesforceOrgs) -> None:
    org = await orgs.open(W)
    await world.connect(org_id=org.org_id)
    [there] = await org.create("Contact", [{"LastName": "Old", "Email": "m1@example.org"}])
    assert there.record_id is not None
    worker = make_worker(
        world.sessions,
        orgs=orgs,
        reservations=world.reservations,
        budgets=world.budgets,
        instance="one",
    )
    await world.configure()
    for n in range(1, 301):
        await world.member(f"m{n}", first_name="Ada", phone=f"+1 415 555 {n:04}")
    await world.work(worker)
    matches = await world.deliver_matches(org_id=org.org_id)
    assert len(matches) == 300
    assert [one.record_id for one in matches if one.origin == "adopted"] == [there.record_id]
    await world.work(worker)
    outcomes = await world.rows("select outcome, count(*) n from pairs group by 1 order by 1")
    assert [(row.outcome, row.n) for row in outcomes] == [("unchanged", 299), ("written", 1)]
    people = "Email LIKE 'm%@example.org' AND LastName = 'Byron' AND FirstName = 'Ada'"
    found = await org.query(select(["Id"], "Contact", where=people))
    assert found.total_size == 300


async def calls_of(control: httpx.AsyncClient) -> int:
    told = (await control.get("/counts")).raise_for_status().json()
    return int(sum(told["callers"].get("tests", {}).values()))


async def test_a_used_up_limit_parks_and_when_it_frees_work_goes_on_by_itself(
    world: World, orgs: SalesforceOrgs, control: httpx.AsyncClient
) -> None:
    """Facts §9: REQUEST_LIMIT_EXCEEDED."""
    worker = make_worker(
        world.sessions,
        orgs=orgs,
        reservations=world.reservations,
        budgets=world.budgets,
        instance="one",
    )
    org = await orgs.open(W)
    await world.connect(org_id=org.org_id)
    await world.configure()
    await world.member("m1", first_name="Ada")
    (await control.post("/limits", json={"max": 1000, "exhaust": True})).raise_for_status()
    await world.work(worker)
    [queue] = await world.rows("select parked_code from workspace_queue")
    assert queue.parked_code == "limit"
    before = await calls_of(control)
    for _ in range(6):  # an hour and a half
        await world.soon()
        await world.work(worker)
    assert await calls_of(control) - before <= 6
    [left] = await world.pending()
    assert (left.attempts, left.lease_holder) == (0, "")
    (await control.post("/limits", json={"used": 950})).raise_for_status()
    await world.soon()
    await world.work(worker)
    [waits] = await world.rows("select parked_code from workspace_queue")
    assert waits.parked_code == "budget"  # events stop at nine tenths
    (await control.post("/limits", json={"used": 100})).raise_for_status()
    await world.soon()
    await world.work(worker)
    org = await orgs.open(W)  # an app has five tokens of a user: the first is revoked
    found = await org.query(select(["Id"], "Contact", where="Email = 'm1@example.org'"))
    assert found.total_size == 1
    assert await world.pending() == []
    assert list(world.budgets.waiting(W)) == []
