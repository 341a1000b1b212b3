"""What the tests of this folder share: an org that answers as told, and the simulated one."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from crmlink_common.salesforce.client import Org, SalesforceOrgs
from crmlink_common.salesforce.fakes import FakeOrg
from crmlink_common.salesforce.hosts import Hosts
from crmlink_common.salesforce.tokens import AccessToken

CALLBACK = "https://app.example/callback"
SIZES = ["--accounts", "20", "--contacts", "2500", "--leads", "10"]
COMMAND = [sys.executable, "-m", "crmlink_salesforce_sim", "--port", "0", "--control", *SIZES]
AUTHORIZE, TOKEN = "/services/oauth2/authorize", "/services/oauth2/token"


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, str]]:
    """Start the org; give what it tells of itself."""
    command = [*COMMAND, "--redirect-uri", CALLBACK]
    with subprocess.Popen(  # noqa: S603 - our own simulator
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(timeout=20)


class LoggedIn:
    """Tokens by way of the org's login pages; one that failed is refreshed."""

    def __init__(self, http: httpx.AsyncClient, told: dict[str, str]) -> None:
        self.http = http
        self.app = {"client_id": told["client_id"], "client_secret": told["client_secret"]}
        self.told = told
        self.answer: dict[str, str] = {}
        self.failed: list[str] = []

    async def token(self, workspace_id: str, *, failed: str | None = None) -> AccessToken:
        if failed is not None:
            self.failed.append(failed)
            grant = {"grant_type": "refresh_token", "refresh_token": self.answer["refresh_token"]}
            self.answer |= await self._ask(grant)
        elif not self.answer:
            code = await self._log_in()
            grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
            self.answer = await self._ask(grant)
        token = self.answer["access_token"]
        return AccessToken(
            token=token,
            fingerprint=hashlib.sha256(token.encode()).hexdigest()[:16],
            instance_url=self.answer["instance_url"],
            api_version="59.0",
            org_id=self.answer["id"].split("/")[-2],
            epoch=1,
        )

    async def _ask(self, grant: dict[str, str]) -> dict[str, str]:
        answer = await self.http.post(TOKEN, data={**grant, **self.app})
        found: dict[str, str] = answer.raise_for_status().json()
        return found

    async def _log_in(self) -> str:
        asked = {"response_type": "code", "redirect_uri": CALLBACK, "state": "s"}
        query = httpx.QueryParams({**asked, "client_id": self.app["client_id"]})
        names = {name: self.told[name] for name in ("username", "password")}
        form = {**names, "startURL": f"{AUTHORIZE}?{query}"}
        page = await self.http.post("/login", data=form)
        page = await self.http.get(page.headers["location"])
        if found := re.search(r'name="request" value="([^"]+)"', page.text):
            decision = {"request": found[1], "decision": "allow"}
            page = await self.http.post(f"{AUTHORIZE}/decision", data=decision)
        [code] = parse_qs(urlsplit(page.headers["location"]).query)["code"]
        return code

    async def revoke_access(self) -> None:
        answer = await self.http.post(
            "/services/oauth2/revoke", data={"token": self.answer["access_token"]}
        )
        answer.raise_for_status()

    async def fail(self, status: int, count: int) -> None:
        await self.http.post("/_sim/fail", json={"status": status, "count": count})


@pytest.fixture
async def logged_in(told: dict[str, str]) -> AsyncIterator[LoggedIn]:
    async with httpx.AsyncClient(base_url=told["url"], trust_env=False) as http:
        yield LoggedIn(http, told)


async def no_wait(_: float) -> None:
    return


@pytest.fixture
async def org(logged_in: LoggedIn) -> AsyncIterator[Org]:
    hosts = Hosts(frozenset({str(logged_in.http.base_url).rstrip("/")}))
    async with SalesforceOrgs(logged_in, client_name="tests", hosts=hosts, sleep=no_wait) as orgs:
        yield await orgs.open("w1")


@pytest.fixture
async def fake() -> AsyncIterator[FakeOrg]:
    fake = FakeOrg()
    yield fake
    await fake.orgs.aclose()
