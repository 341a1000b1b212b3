"""Opening connections to one origin, and how long each part of a call may take."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

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
    """

    connect: float = 5.0
    read: float = 30.0
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
    origin: str, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Go to the verified origin alone: no redirect, no cookie, no proxy from the environment."""
    return httpx.AsyncClient(
        base_url=origin,
        timeout=OF_CALLS.parts(),
        limits=httpx.Limits(
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=MOST_KEPT_ALIVE,
            keepalive_expiry=KEPT_ALIVE_FOR,
        ),
        headers={"Accept": "application/json", "Accept-Encoding": "gzip"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
        verify=_tls(),
        transport=transport,
    )
