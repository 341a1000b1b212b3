"""How quick the simulated org is: loading it, reading by id and by indexed field, upserts.

Run it as ``python benchmarks/simulator.py``. It starts an org with 100,000 contacts as a process
and asks it over loopback; then it makes the same org in its own process and asks its resources
without HTTP. It prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
from measuring import machine, milliseconds, tell

from crmlink_salesforce_sim.api.call import Call, split_url
from crmlink_salesforce_sim.app import router
from crmlink_salesforce_sim.build import build
from crmlink_salesforce_sim.generate.fill import Amounts
from crmlink_salesforce_sim.options import Options

VERSION = "/services/data/v59.0"
PER_UPSERT = 200
CALLBACK = "https://app.example/callback"
Ask = Callable[[str, str, object], Any]  # method, path, body: the JSON of the answer


@contextmanager
def running(contacts: int) -> Iterator[tuple[dict[str, str], float]]:
    """Start an org; give what it tells of itself and the seconds until it does."""
    command = [sys.executable, "-m", "crmlink_salesforce_sim", "--port", "0"]
    command += ["--contacts", str(contacts), "--redirect-uri", CALLBACK]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            if process.stdout is None:
                raise RuntimeError("no output")
            told = json.loads(process.stdout.readline())
            yield told, time.perf_counter() - start
        finally:
            process.terminate()
            process.wait(timeout=30)


def over_http(http: httpx.Client) -> Ask:
    """Ask over a connection that stays open."""

    def ask(method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        answer = http.request(method, f"{VERSION}/{path}", json=body)
        return answer.raise_for_status().json()

    return ask


def in_process(contacts: int) -> Ask:
    """Ask the resources of an org of one's own, without HTTP."""
    server = build(Options(amounts=Amounts(contacts=contacts)))
    resources = router()

    def ask(method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        version, names, params = split_url(f"{VERSION}/{path}")
        call = Call(
            method=method,
            path=names,
            version=version,
            user=server.identity.user_id,
            client="benchmark",
            params=params,
            headers={},
            body=b"" if body is None else json.dumps(body).encode(),
            origin="http://org.test",
        )
        return json.loads(json.dumps(resources.answer(server.org, call).body))

    return ask


@dataclass
class Load:
    """What is asked, of records chosen at random."""

    ask: Ask
    runs: int
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - the same again
    upserts: int = 0

    def figures(self) -> dict[str, object]:
        """Measure each kind of call."""
        rows = self._query("SELECT Id, Email FROM Contact WHERE Email != null LIMIT 2000")
        ids, emails = ([row[name] for row in rows] for name in ("Id", "Email"))
        wheres: dict[str, Callable[[], str]] = {
            "query_by_id": lambda: f"Id = '{self.chance.choice(ids)}'",
            "query_by_indexed_field": lambda: f"Email = '{self.chance.choice(emails)}'",
        }
        told: dict[str, object] = {
            name: milliseconds(partial(self._read, where), self.runs)
            for name, where in wheres.items()
        }
        upserts = max(10, self.runs // 10)
        return told | {f"upsert_of_{PER_UPSERT}": milliseconds(self._upsert, upserts)}

    def _read(self, where: Callable[[], str]) -> None:
        fields = "Id, FirstName, LastName, Email, Phone"
        self._query(f"SELECT {fields} FROM Contact WHERE {where()}")  # noqa: S608 - SOQL

    def _query(self, soql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", f"query?q={quote(soql)}", None)["records"]
        if not found:
            raise RuntimeError("nothing was found")
        return found

    def _upsert(self) -> None:
        """Half of the records are new, half have been there since the last time."""
        first = self.upserts * PER_UPSERT // 2
        self.upserts += 1
        records = [
            {
                "attributes": {"type": "Contact"},
                "Member_Id__c": f"bench-{n}",
                "LastName": f"Bench {n}",
                "Email": f"bench{n}@example.com",
            }
            for n in range(first, first + PER_UPSERT)
        ]
        path = "composite/sobjects/Contact/Member_Id__c"
        told = self.ask("PATCH", path, {"allOrNone": False, "records": records})
        if not all(one["success"] for one in told):
            raise RuntimeError("an upsert failed")


def token_of(told: dict[str, str], http: httpx.Client) -> str:
    """Log in as the org's user, by the web server flow."""
    asked = {"response_type": "code", "client_id": told["client_id"], "redirect_uri": CALLBACK}
    authorize = "/services/oauth2/authorize"
    http.post("/login", data={"username": told["username"], "password": told["password"]})
    page = http.get(authorize, params={**asked, "scope": "api"}).text
    pending = page.partition('name="request" value="')[2].partition('"')[0]
    form = {"request": pending, "decision": "allow"}
    back = http.post(f"{authorize}/decision", data=form).headers["location"]
    grant = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    grant |= {"code": back.partition("code=")[2].partition("&")[0].replace("%3D", "=")}
    grant |= {name: told[name] for name in ("client_id", "client_secret")}
    answer = http.post("/services/oauth2/token", data=grant)
    return str(answer.raise_for_status().json()["access_token"])


def measured(contacts: int, runs: int) -> dict[str, object]:
    """Measure over HTTP, then without."""
    figures: dict[str, object] = {"benchmark": "simulator", "contacts": contacts}
    figures["machine"] = machine()
    with running(contacts) as (told, seconds):
        figures["load_seconds"] = round(seconds, 1)
        with httpx.Client(base_url=told["url"], timeout=60, trust_env=False) as http:
            http.headers["Authorization"] = f"Bearer {token_of(told, http)}"
            figures["over_http"] = Load(over_http(http), runs).figures()
    figures["server_side"] = Load(in_process(contacts), runs).figures()
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=500)
    chosen = parser.parse_args(arguments)
    tell(measured(chosen.contacts, chosen.runs))


if __name__ == "__main__":
    main()
