"""Capture against the simulated org, over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from crmlink_common.contracts.salesforce_changes import SalesforceChange
from crmlink_common.salesforce.client import Org, SalesforceOrgs
from crmlink_common.salesforce.hosts import Hosts
from crmlink_common.salesforce.tokens import AccessToken
from crmlink_sync_inbound.fakes.world import World, a_config, a_connection, a_link
from crmlink_sync_inbound.view import OrgMemory

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
CALLBACK = "https://app.example/callback"
AUTHORIZE = "/services/oauth2/authorize"


async def log_in(http: httpx.AsyncClient, told: dict[str, str]) -> AccessToken:
    """Log in and allow access, as a person would, and exchange the code."""
    asked = {"response_type": "code", "redirect_uri": CALLBACK, "state": "s"}
    query = httpx.QueryParams({**asked, "client_id": told["client_id"]})
    form = {"username": told["username"], "password": told["password"]}
    page = await http.post("/login", data={**form, "startURL": f"{AUTHORIZE}?{query}"})
    page = await http.get(page.headers["location"])
    if found := re.search(r'name="request" value="([^"]+)"', page.text):
        decision = {"request": found[1], "decision": "allow"}
        page = await http.post(f"{AUTHORIZE}/decision", data=decision)
    [code] = parse_qs(urlsplit(page.headers["location"]).query)["code"]
    app = {"client_id": told["client_id"], "client_secret": told["client_secret"]}
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    answer = (await http.post("/services/oauth2/token", data={**grant, **app})).json()
    token = answer["access_token"]
    return AccessToken(
        token=token,
        fingerprint=hashlib.sha256(token.encode()).hexdigest()[:16],
        instance_url=answer["instance_url"],
        api_version="59.0",
        org_id=answer["id"].split("/")[-2],
        epoch=1,
    )


class OneToken:
    def __init__(self, given: AccessToken) -> None:
        self.given = given

    async def token(self, workspace_id: str, *, failed: str | None = None) -> AccessToken:
        return self.given


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """Start the org; give what it tells of itself."""
    command = [sys.executable, "-m", "crmlink_salesforce_sim", "--port", "0", "--control"]
    command += ["--data", str(tmp_path / "org.db"), "--redirect-uri", CALLBACK]
    command += ["--accounts", "5", "--contacts", "10", "--leads", "5"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 20)


@pytest.fixture
async def http(simulator: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulator["url"], trust_env=False) as found:
        yield found


@pytest.fixture
async def org(simulator: dict[str, str], http: httpx.AsyncClient) -> AsyncIterator[Org]:
    token = await log_in(http, simulator)
    hosts = Hosts(frozenset({token.instance_url}))
    async with SalesforceOrgs(OneToken(token), client_name="tests", hosts=hosts) as orgs:
        yield await orgs.open("w1")


async def told_by(world: World) -> list[SalesforceChange]:
    """Take turns, in real time, until one tells something; and one more."""
    for _ in range(40):
        if told := await world.turn(timedelta(0)):
            return told + await world.turn(timedelta(0))
        await asyncio.sleep(0.5)
    return []


async def linked(world: World, org: Org) -> str:
    """Lead capture to the simulated org, and link a contact there; return its id."""

    async def opened(_: str) -> Org:
        return org

    world.memory = OrgMemory()
    world.capture = world.a_poller("one")
    object.__setattr__(world.capture, "open_org", opened)
    [made] = await org.create("Contact", [{"LastName": "Ö'Hara", "Email": "old@x.example"}])
    key = made.record_id or ""
    await world.learn(
        connections=a_connection(2, org.org_id),
        configs=a_config(2, "Email", "MailingAddress"),
        links=a_link(1, record_id=key, org_id=org.org_id),
    )
    return key


async def test_a_change_and_a_deletion_in_the_org_come_out_once(world: World, org: Org) -> None:
    key = await linked(world, org)
    [first] = await told_by(world)
    assert (first.kind, first.record_id, first.values["Email"]) == ("reread", key, "old@x.example")
    assert "MailingAddress" not in first.values
    await org.update("Contact", [{"Id": key, "Email": "new@x.example"}])
    told = await told_by(world)
    assert [(one.kind, one.values["Email"]) for one in told] == [("updated", "new@x.example")]
    path = org.data_path(f"sobjects/Contact/{key}")
    await org.send("DELETE", path)
    told = await told_by(world)
    assert [one.kind for one in told] == ["deleted"]
    assert (await world.shown())["error"] is None


async def test_a_used_up_limit_parks_capture_until_a_probe_finds_it_free(
    world: World, org: Org, http: httpx.AsyncClient
) -> None:
    """Facts §9: REQUEST_LIMIT_EXCEEDED."""

    async def limits(**told: object) -> None:
        (await http.post("/_sim/limits", json=told)).raise_for_status()

    async def calls() -> int:
        told = (await http.get("/_sim/counts")).json()["callers"]["tests"]
        return int(sum(told.values()))

    key = await linked(world, org)
    assert len(await told_by(world)) == 1
    await org.update("Contact", [{"Id": key, "Email": "new@x.example"}])
    await limits(max=1000, exhaust=True)
    assert await world.turn() == []
    assert ((await world.shown())["state"]) == "waiting_for_budget"
    before = await calls()
    for _ in range(8):  # two hours
        assert await world.turn(timedelta(minutes=15)) == []
    assert 6 <= await calls() - before <= 8
    assert (await world.shown())["error"] == "limit"
    await limits(used=10)
    world.pass_time(timedelta(minutes=15))
    [told] = await told_by(world)
    assert (told.kind, told.values["Email"]) == ("updated", "new@x.example")
    assert (await world.shown())["state"] == "polling"
