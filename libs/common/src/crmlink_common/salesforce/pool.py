"""Connections to many orgs: one client per origin, a bounded number of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from crmlink_common.errors import NotConnectedError
from crmlink_common.salesforce.transport import open_client

MOST_OPEN = 64
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(slots=True)
class _Client:
    http: httpx.AsyncClient
    in_use: int = 0


class Origins:
    """Owns the clients; one in use is never closed, so the bound may be passed for a while."""

    def __init__(self, open_one: Callable[[str], httpx.AsyncClient] = open_client) -> None:
        self._open_one = open_one
        self._clients: OrderedDict[str, _Client] = OrderedDict()

    @asynccontextmanager
    async def lend(self, instance_url: str) -> AsyncIterator[httpx.AsyncClient]:
        """Lend the client of an origin for one call."""
        origin = origin_of(instance_url)
        client = self._clients.get(origin) or _Client(self._open_one(origin))
        self._clients[origin] = client
        self._clients.move_to_end(origin)
        client.in_use += 1
        try:
            yield client.http
        finally:
            client.in_use -= 1
            await self._shrink()

    async def _shrink(self) -> None:
        idle = [origin for origin, client in self._clients.items() if not client.in_use]
        surplus = max(0, len(self._clients) - MOST_OPEN)
        closing = [self._clients.pop(origin) for origin in idle[:surplus]]
        for client in closing:
            await client.http.aclose()

    async def aclose(self) -> None:
        """Close all."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.http.aclose()


def origin_of(instance_url: str) -> str:
    """Return scheme and host; plain HTTP for a local org alone."""
    url = urlsplit(instance_url)
    local = url.scheme == "http" and url.hostname in LOOPBACK
    bare = url.path in {"", "/"} and not (url.query or url.fragment or url.username)
    if not url.hostname or not bare or not (url.scheme == "https" or local):
        raise NotConnectedError("the instance URL is no https origin")
    return f"{url.scheme}://{url.netloc}"
