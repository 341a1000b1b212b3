"""Opening connections to one origin, and how long each part of a call may take."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from crmlink_common.salesforce.hosts import AddressRefusedError, Hosts

MOST_CONNECTIONS = 20  # per origin
MOST_KEPT_ALIVE = 10
KEPT_ALIVE_FOR = 15.0  # seconds; shorter than a server keeps an idle connection

for _logger in ("httpx", "httpcore"):  # they log URLs and headers: queries and tokens
    logging.getLogger(_logger).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds that the parts of a call may take.

    ``connect`` covers TCP and TLS, ``read`` and ``write`` the wait for the next bytes, ``pool`` the
    wait for a free connection, ``whole`` the call with its repeats until all its answer is read.

    Salesforce works at a query for some 120 seconds before it gives up. Who asks again sooner has
    it begin anew beside the first, and an org takes but few calls above 20 seconds at once (facts
    §9): so an answer may keep us waiting for nearly the whole call.
    """

    connect: float = 5.0
    read: float = 110.0
    write: float = 30.0
    pool: float = 30.0
    whole: float = 120.0

    def parts(self) -> httpx.Timeout:
        """Return what httpx is told; ``whole`` is kept by us."""
        return httpx.Timeout(connect=self.connect, read=self.read, write=self.write, pool=self.pool)


OF_CALLS = Timeouts()
OF_STREAMS = Timeouts(read=120.0, write=120.0, whole=900.0)  # some 100 MB, on a slow line


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)  # 20 ms, once and not per origin


def open_client(
    origin: str,
    transport: httpx.AsyncBaseTransport | None = None,
    hosts: Hosts = Hosts(),  # noqa: B008 - frozen
) -> httpx.AsyncClient:
    """Go to the verified origin alone: no redirect, no cookie, no proxy from the environment."""
    if transport is None:
        transport = _over_sockets()
        if origin not in hosts.allowed:
            transport = VerifiedTransport(transport, hosts)
    return httpx.AsyncClient(
        base_url=origin,
        timeout=OF_CALLS.parts(),
        headers={"Accept": "application/json", "Accept-Encoding": "gzip"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
        transport=transport,
        event_hooks={"response": [_leads_nowhere]},
    )


async def _leads_nowhere(answer: httpx.Response) -> None:
    """Forget where a redirect would lead: httpx reads it all the same, and may raise InvalidURL.

    That is no HTTPError, and nobody who calls Salesforce expects it.
    """
    if answer.is_redirect:
        answer.headers.pop("Location", None)


def _over_sockets() -> httpx.AsyncBaseTransport:
    limits = httpx.Limits(
        max_connections=MOST_CONNECTIONS,
        max_keepalive_connections=MOST_KEPT_ALIVE,
        keepalive_expiry=KEPT_ALIVE_FOR,
    )
    return httpx.AsyncHTTPTransport(verify=_tls(), trust_env=False, limits=limits)


class VerifiedTransport(httpx.AsyncBaseTransport):
    """Connects to public addresses alone: looked up before, and the peer asked after.

    httpx tells of each step of a new connection; nothing is sent before both checks have passed.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, hosts: Hosts) -> None:
        self._inner = inner
        self._hosts = hosts

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, watching the connection being made."""
        request.extensions["trace"] = self._step
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _step(self, name: str, told: Mapping[str, Any]) -> None:
        if name == "connection.connect_tcp.started":
            try:
                await self._hosts.look_up(told["host"])
            except OSError as exc:
                raise httpx.ConnectError(type(exc).__name__) from None
        elif name == "connection.connect_tcp.complete":
            stream = told["return_value"]
            try:
                self._hosts.verify(stream.get_extra_info("server_addr")[0])
            except AddressRefusedError:
                await stream.aclose()
                raise
