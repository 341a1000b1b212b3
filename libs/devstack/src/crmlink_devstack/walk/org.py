"""The org as its own users see it: counts, records, and a change made there."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from crmlink_devstack.walk.login import log_in
from crmlink_devstack.walk.surfaces import Surfaces, WalkError

VERSION = "v59.0"
IDS = 200


@dataclass(frozen=True, slots=True)
class OrgUser:
    """Somebody who works in Salesforce, not through CRMLink. The caller closes ``http``."""

    http: httpx.AsyncClient

    async def ask(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
        response = await self.http.request(method, f"/services/data/{VERSION}{path}", **more)
        if not response.is_success:
            raise WalkError(f"the org answered {response.status_code} to {method} {path}")
        return response.json() if response.content else None

    async def query(self, soql: str) -> list[dict[str, Any]]:
        """Read all rows."""
        page = await self.ask("GET", "/query", params={"q": soql})
        rows = list(page["records"])
        while not page["done"]:
            response = await self.http.get(page["nextRecordsUrl"])
            if not response.is_success:
                raise WalkError(f"the org answered {response.status_code} to a next page")
            page = response.json()
            rows += page["records"]
        return rows

    async def count(self, sobject: str) -> int:
        soql = f"SELECT COUNT() FROM {sobject}"  # noqa: S608 - SOQL, of a name
        page = await self.ask("GET", "/query", params={"q": soql})
        return int(page["totalSize"])

    async def records(
        self, sobject: str, ids: Iterable[str], fields: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """Read records by id."""
        wanted = list(ids)
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(wanted), IDS):
            some = ", ".join(f"'{one}'" for one in wanted[start : start + IDS])
            names = ", ".join(dict.fromkeys(["Id", *fields]))
            soql = f"SELECT {names} FROM {sobject} WHERE Id IN ({some})"  # noqa: S608 - SOQL, of ids
            rows = await self.query(soql)
            found |= {row["Id"]: row for row in rows}
        return found

    async def change(self, sobject: str, record_id: str, values: dict[str, Any]) -> None:
        await self.ask("PATCH", f"/sobjects/{sobject}/{record_id}", json=values)


async def log_into_org(surfaces: Surfaces) -> OrgUser:
    """Log in with the walk-through's own callback URL, and keep the token to itself."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": surfaces.client_id,
        "redirect_uri": surfaces.sandbox_redirect,
        "scope": "api",
        "state": secrets.token_urlsafe(8),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    timeout = httpx.Timeout(30, connect=5)
    async with httpx.AsyncClient(timeout=timeout, trust_env=False) as browser:
        url = f"{surfaces.org_url}/services/oauth2/authorize?{urlencode(asked)}"
        back = await log_in(browser, url, surfaces, surfaces.sandbox_redirect)
        code = parse_qs(urlsplit(back).query).get("code", [""])[0]
        answer = await browser.post(
            f"{surfaces.org_url}/services/oauth2/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "client_id": surfaces.client_id,
                "client_secret": surfaces.client_secret,
                "redirect_uri": surfaces.sandbox_redirect,
                "code_verifier": verifier,
            },
        )
    if not answer.is_success:
        raise WalkError(f"the org's token endpoint answered {answer.status_code}")
    token = answer.json()
    http = httpx.AsyncClient(
        base_url=token["instance_url"],
        headers={
            "Authorization": f"Bearer {token['access_token']}",
            "Sforce-Call-Options": "client=walk-through",
        },
        timeout=timeout,
        trust_env=False,
    )
    return OrgUser(http)
