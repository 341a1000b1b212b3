"""A simulated org as a process, as its operator and its clients see it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from crmlink_common.salesforce.tokens import AccessToken

SIZES = ["--accounts", "5", "--contacts", "5", "--leads", "5"]
NAMES = count()
COMMAND = [sys.executable, "-m", "crmlink_salesforce_sim", "--port", "0", "--control", *SIZES]


@contextmanager
def running_org() -> Iterator[dict[str, str]]:
    """Start the org; give what it tells of itself; stop it at the end."""
    with subprocess.Popen(  # noqa: S603 - our own simulator
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(timeout=20)


@dataclass
class World:
    """The org as its operator sees it; tokens by user name and password."""

    http: httpx.AsyncClient
    told: dict[str, str]
    version: str = "59.0"

    async def token(self, workspace_id: str, *, failed: str | None = None) -> AccessToken:
        names = ("client_id", "client_secret", "username", "password")
        form = {name: self.told[name] for name in names} | {"grant_type": "password"}
        answer = await self.http.post("/services/oauth2/token", data=form)
        told = answer.raise_for_status().json()
        return AccessToken(
            token=told["access_token"],
            fingerprint=hashlib.sha256(told["access_token"].encode()).hexdigest()[:16],
            instance_url=told["instance_url"],
            api_version=self.version,
            org_id=told["id"].split("/")[-2],
            epoch=1,
        )

    async def calls(self) -> int:
        answer = await self.http.get("/_sim/limits")
        return int(answer.raise_for_status().json()["used"])

    async def tell(self, setting: str, **body: object) -> None:
        (await self.http.post(f"/_sim/{setting}", json=body)).raise_for_status()


def people(number: int, **values: object) -> list[dict[str, Any]]:
    of = f"k{next(NAMES)}"
    return [
        {"Member_Id__c": f"{of}-{n}", "LastName": f"Ö'{n}", "Phone": "0", **values}
        for n in range(number)
    ]
