"""Our own client against the org over TLS: a person's login as its source of tokens."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from crmlink_common.salesforce.client import Org, SalesforceOrgs
from crmlink_common.salesforce.hosts import Hosts
from crmlink_common.salesforce.opening import OF_CALLS, Timeouts, open_client
from crmlink_common.salesforce.tokens import AccessToken

from .world import LASTING, SimulatedOrg, log_in


@dataclass
class Logins:
    """Tokens by way of the org's login pages; one that failed is replaced by another login."""

    org: SimulatedOrg
    version: str = "59.0"
    failed: list[str] = field(default_factory=list)
    _kept: AccessToken | None = None

    async def token(self, workspace_id: str, *, failed: str | None = None) -> AccessToken:
        del workspace_id
        if failed is not None:
            self.failed.append(failed)
        if self._kept is None or self._kept.fingerprint == failed:
            self._kept = await asyncio.to_thread(self._log_in)
        return self._kept

    def _log_in(self) -> AccessToken:
        told = log_in(self.org, LASTING)
        token = str(told["access_token"])
        return AccessToken(
            token=token,
            fingerprint=hashlib.sha256(token.encode()).hexdigest()[:16],
            instance_url=str(told["instance_url"]),
            api_version=self.version,
            org_id=str(told["id"]).split("/")[-2],
            epoch=1,
        )


@dataclass
class Counting(httpx.AsyncBaseTransport):
    """Goes to the org, which it trusts by its own authority, and counts what is sent."""

    inner: httpx.AsyncBaseTransport
    sent: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(f"{request.method} {request.url.path}")
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


async def at_once(seconds: float) -> None:
    """Wait, as long as our patience is in tests: jobs need a moment, repeats need none."""
    await asyncio.sleep(min(seconds, 0.02))


@asynccontextmanager
async def opened(
    org: SimulatedOrg, logins: Logins, *, client_name: str, timeouts: Timeouts = OF_CALLS
) -> AsyncIterator[tuple[Org, Counting]]:
    """Open the org with our client; give what counts its calls beside it."""
    transport = Counting(httpx.AsyncHTTPTransport(verify=org.trust()))
    async with SalesforceOrgs(
        logins,
        client_name=client_name,
        hosts=Hosts(frozenset({org.url})),
        open_one=lambda origin: open_client(origin, transport),
        timeouts=timeouts,
        sleep=at_once,
    ) as orgs:
        yield await orgs.open("w1"), transport
