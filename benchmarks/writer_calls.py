"""What the writer costs: API calls and seconds for 10,000 and 100,000 records.

Run it as ``python benchmarks/writer_calls.py``; it starts a simulated org of its own on a free
port and prints one line of JSON per write.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx

from crmlink_common.salesforce.bulk_way import Bulk
from crmlink_common.salesforce.client import Org, Outcome, SalesforceOrgs
from crmlink_common.salesforce.hosts import Hosts
from crmlink_common.salesforce.tokens import AccessToken

NEVER = Bulk(over=sys.maxsize)
COMMAND = [sys.executable, "-m", "crmlink_salesforce_sim", "--port", "0", "--control"]
EMPTY = ["--accounts", "1", "--contacts", "1", "--leads", "1"]


@contextmanager
def simulated_org() -> Iterator[dict[str, str]]:
    """Start an org; give what it tells of itself; stop it at the end."""
    with subprocess.Popen(  # noqa: S603 - our own module
        [*COMMAND, *EMPTY], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("no output")
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(timeout=20)


@dataclass(frozen=True, slots=True)
class ByPassword:
    """Tokens by user name and password: short, and good enough for an org of one's own."""

    http: httpx.AsyncClient
    told: dict[str, str]

    async def token(self, workspace_id: str, *, failed: str | None = None) -> AccessToken:  # noqa: ARG002 - a TokenSource's
        """Log in anew, whatever failed."""
        names = ("client_id", "client_secret", "username", "password")
        form = {name: self.told[name] for name in names} | {"grant_type": "password"}
        answer = await self.http.post("/services/oauth2/token", data=form)
        told = answer.raise_for_status().json()
        return AccessToken(
            token=told["access_token"],
            fingerprint=hashlib.sha256(told["access_token"].encode()).hexdigest()[:16],
            instance_url=told["instance_url"],
            api_version="59.0",
            org_id=told["id"].split("/")[-2],
            epoch=1,
        )


@asynccontextmanager
async def opened(told: dict[str, str]) -> AsyncIterator[tuple[Org, httpx.AsyncClient]]:
    """Open the org as the client does."""
    async with httpx.AsyncClient(base_url=told["url"], trust_env=False) as http:
        tokens = ByPassword(http, told)
        async with SalesforceOrgs(
            tokens, client_name="benchmark", hosts=Hosts(frozenset({told["url"]}))
        ) as orgs:
            yield await orgs.open("w1"), http


async def counted(http: httpx.AsyncClient) -> int:
    """Return the calls that count against the daily limit."""
    told = (await http.get("/_sim/limits")).raise_for_status().json()
    return int(told["used"])


async def measured(
    name: str, http: httpx.AsyncClient, writing: Awaitable[Sequence[Outcome]]
) -> None:
    """Print what one write cost."""
    before, began = await counted(http), time.perf_counter()
    outcomes = await writing
    figures = {
        "write": name,
        "records": len(outcomes),
        "ok": sum(outcome.ok for outcome in outcomes),
        "api_calls": await counted(http) - before,
        "seconds": round(time.perf_counter() - began, 2),
    }
    print(json.dumps(figures), flush=True)


def people(count: int, of: str) -> list[dict[str, str]]:
    """Make contacts that nobody has."""
    return [
        {"Member_Id__c": f"{of}-{n}", "LastName": f"Name {n}", "Email": f"{of}{n}@x.example"}
        for n in range(count)
    ]


async def run(few: int, many: int) -> None:
    """Write few without Bulk 2.0, then many as the writer pleases."""
    with simulated_org() as told:
        async with opened(told) as (org, http):
            some = people(few, "few")
            await measured("create", http, org.create("Contact", people(few, "new")))
            write = org.upsert("Contact", "Member_Id__c", some, bulk=NEVER)
            await measured("upsert that creates", http, write)
            write = org.upsert("Contact", "Member_Id__c", some, bulk=NEVER)
            await measured("upsert that updates", http, write)
            all_of_them = people(many, "many")
            write = org.upsert("Contact", "Member_Id__c", all_of_them)
            await measured("upsert of many", http, write)


def main() -> None:
    """Read the sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=100_000)
    sizes = parser.parse_args()
    asyncio.run(run(sizes.few, sizes.many))


if __name__ == "__main__":
    main()
