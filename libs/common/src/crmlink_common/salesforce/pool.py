"""Connections to many orgs: one client per origin, a bounded number of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import httpx

from crmlink_common.errors import NotConnectedError
from crmlink_common.salesforce.hosts import HostRefusedError, Hosts
from crmlink_common.salesforce.opening import open_client

MOST_OPEN = 64


@dataclass(slots=True)
class _Client:
    http: httpx.AsyncClient
    in_use: int = 0


class Origins:
    """Owns the clients; one in use is never closed, so the bound may be passed for a while."""

    def __init__(
        self,
        open_one: Callable[[str], httpx.AsyncClient] | None = None,
        *,
        hosts: Hosts = Hosts(),  # noqa: B008 - frozen
    ) -> None:
        self._hosts = hosts
        self._open_one = open_one or partial(open_client, hosts=hosts)
        self._clients: OrderedDict[str, _Client] = OrderedDict()

    @asynccontextmanager
    async def lend(self, instance_url: str) -> AsyncIterator[httpx.AsyncClient]:
        """Lend the client of an origin for one call; raise NotConnectedError for a strange one."""
        try:
            origin = self._hosts.origin(instance_url)
        except HostRefusedError as exc:
            raise _refused(exc) from None
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


def _refused(exc: HostRefusedError) -> NotConnectedError:
    """No work of the workspace can go on, whatever it is."""
    error = NotConnectedError("the instance URL is none of Salesforce's")
    error.code = exc.code
    return error
