"""A transport for clients that insist on a Salesforce host name."""

from __future__ import annotations

import httpx

from .world import SimulatedOrg

HOST = "https://practice.my.salesforce.com"


class Redirected(httpx.AsyncBaseTransport):
    """Sends to the org what was meant for the host; changes nothing else."""

    def __init__(self, org: SimulatedOrg) -> None:
        self._to = httpx.URL(org.url)
        self._inner = httpx.AsyncHTTPTransport(verify=org.trust())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host=self._to.host, port=self._to.port)
        request.headers["Host"] = self._to.netloc.decode()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
