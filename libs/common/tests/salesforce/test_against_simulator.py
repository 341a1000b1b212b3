"""The client against the simulated org, over HTTP."""

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

from crmlink_common.errors import ConflictError, NotFoundError, PermanentError, TransientError
from crmlink_common.salesforce.client import Org, QueryResult, SalesforceError, SalesforceOrgs
from crmlink_common.salesforce.hosts import Hosts
from crmlink_common.salesforce.soql import bounded, quote, select, split_in
from crmlink_common.salesforce.tokens import AccessToken

pytestmark = pytest.mark.integration

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


def people(count: int, of: str) -> list[dict[str, object]]:
    return [
        {"LastName": f"Ö'{of} {n}", "Email": f"{of}{n}@x.example", "Member_Id__c": f"{of}-{n}"}
        for n in range(count)
    ]


async def test_all_pages_of_a_query_are_read(org: Org) -> None:
    first = await org.query("SELECT Id FROM Contact")
    assert first.total_size >= 2500
    assert not first.done
    ids = [r["Id"] async for page in all_pages(org) for r in page]
    assert len(set(ids)) == len(ids) == first.total_size
    assert org.usage is not None
    assert org.server_time is not None


def all_pages(org: Org) -> AsyncIterator[list[dict[str, object]]]:
    return org.query_pages("SELECT Id, Account.Name FROM Contact", max_records=100_000)


async def test_a_bounded_query_is_understood(org: Org) -> None:
    asked = bounded("select Id, (select Id from Contacts) from Account // all", 3)
    page = await org.query(asked.query)
    assert len(page.records) == 3
    assert asked.countable is not None
    assert (await org.query(asked.countable)).total_size >= 20


async def test_records_are_created_updated_and_read_back(org: Org) -> None:
    created = await org.create("Contact", people(450, "c"))
    assert all(outcome.ok and outcome.created for outcome in created)
    ids = [outcome.record_id or "" for outcome in created]
    updated = await org.update("Contact", [{"Id": one, "Phone": "1"} for one in ids[:250]])
    assert [outcome.record_id for outcome in updated] == ids[:250]
    found = await org.retrieve("Contact", [*ids, "003000000000000AAA"], ["LastName", "Phone"])
    assert [found[one]["LastName"] for one in ids] == [f"Ö'c {n}" for n in range(450)]
    assert [found[one]["Phone"] for one in (ids[249], ids[250])] == ["1", None]
    where = f"LastName = {quote(str(found[ids[7]]['LastName']))}"
    assert [r["Id"] for r in (await org.query(select(["Id"], "Contact", where=where))).records] == [
        ids[7]
    ]


async def test_an_upsert_creates_once(org: Org) -> None:
    records = people(3, "u")
    outcomes = [await org.upsert("Contact", "Member_Id__c", records) for _ in range(2)]
    assert [[o.created for o in some] for some in outcomes] == [[True] * 3, [False] * 3]
    assert [o.record_id for o in outcomes[0]] == [o.record_id for o in outcomes[1]]


async def test_each_record_fails_alone(org: Org) -> None:
    await org.create("Contact", people(1, "f"))
    without_name: list[dict[str, object]] = [{"Email": "f@x.example"}]
    outcomes = await org.create("Contact", [*people(1, "g"), *without_name, *people(1, "f")])
    assert outcomes[0].ok
    assert isinstance(outcomes[1].error, PermanentError)
    assert outcomes[1].error.fields == ("LastName",)
    assert isinstance(outcomes[2].error, ConflictError)
    [gone] = await org.update("Contact", [{"Id": "003000000000000AAA", "Phone": "1"}])
    assert isinstance(gone.error, NotFoundError)


async def test_many_queries_are_answered_in_order(org: Org) -> None:
    emails = [f"m{n}@x.example" for n in range(300)]
    await org.create("Contact", people(300, "m"))
    lists = split_in(emails, 1000)
    soqls = [select(["Email"], "Contact", where=f"Email IN {one}") for one in lists]
    results = await org.query_many([*soqls, "SELECT Nothing FROM Contact"])
    pages = [r for r in results if isinstance(r, QueryResult)]
    assert sorted(r["Email"] for page in pages for r in page.records) == sorted(emails)
    assert len(pages) == len(soqls) > 5
    assert isinstance(results[-1], SalesforceError)
    assert results[-1].salesforce_code == "INVALID_FIELD"


async def test_a_long_query_gets_through(org: Org) -> None:
    [one] = split_in([f"l{n}@x.example" for n in range(2000)], 90_000)
    page = await org.query(select(["Id"], "Contact", where=f"Email IN {one}"))
    assert page.total_size == 0


async def test_the_org_describes_itself(org: Org) -> None:
    described = await org.describe("Contact")
    assert {"LastName", "Member_Id__c"} <= {field["name"] for field in described["fields"]}
    assert (await org.limits())["DailyApiRequests"]["Max"] > 0
    assert (await org.identity())["organization_id"] == org.org_id
    with pytest.raises(NotFoundError):
        await org.describe("Nothing__c")
    with pytest.raises(NotFoundError):
        await org.get("Contact", "003000000000000AAA", ["Id"])


async def test_a_token_that_ended_is_refreshed_in_the_middle_of_the_work(
    org: Org, logged_in: LoggedIn
) -> None:
    await org.limits()
    await logged_in.revoke_access()
    [outcome] = await org.create("Contact", people(1, "t"))
    assert outcome.ok
    assert len(logged_in.failed) == 1


async def test_trouble_that_passes_is_waited_out_and_lasting_trouble_told(
    org: Org, logged_in: LoggedIn
) -> None:
    await logged_in.fail(503, 2)
    assert await org.limits()
    await logged_in.fail(503, 4)
    with pytest.raises(TransientError):
        await org.limits()
