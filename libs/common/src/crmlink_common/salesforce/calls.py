"""One call to an org as it is sent: path, headers and body, compressed where that pays."""

from __future__ import annotations

import asyncio
import gzip
import json as json_text
import re
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import httpx

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.opening import OF_CALLS, Timeouts

GZIP_OVER = 1024  # bytes
JSON = "application/json; charset=UTF-8"
SAFE_METHODS = frozenset({"GET", "HEAD"})
PATH = re.compile(r"/services/|/id/[A-Za-z0-9]{15,18}/[A-Za-z0-9]{15,18}\Z", re.ASCII)
Content = bytes | Callable[[], AsyncIterable[bytes]]
"""A body, or what begins it anew for each attempt."""


def json_body(told: object) -> bytes:
    """Render what is sent.

    Raises:
        TypeError, ValueError: it is no JSON.
        InvalidInputError: it has half a character, which has no UTF-8.
    """
    text = json_text.dumps(told, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # it would quote the text
        raise InvalidInputError("half a character has no UTF-8") from None


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to the API; ``repeatable`` says that sending it twice does no harm."""

    method: str
    path: str = field(repr=False)  # queries quote data
    json: object = field(default=None, repr=False)
    content: Content | None = field(default=None, repr=False)
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # the token
    repeatable: bool
    timeouts: Timeouts = OF_CALLS
    anonymous: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for what would lead away from the API."""
        if PATH.match(self.path) is None:
            raise ValueError("not a path of Salesforce's API")

    def deadline(self) -> float:
        """Return when the whole call ends that begins now, as the event loop tells time."""
        return asyncio.get_running_loop().time() + self.timeouts.whole

    def request(self, http: httpx.AsyncClient) -> httpx.Request:
        """Build it anew: a body that is streamed can be sent but once."""
        headers, sent = dict(self.headers), self._packed
        if sent is not None:
            headers["Content-Type"] = self.content_type
        if callable(sent) or sent is not self._body:
            headers["Content-Encoding"] = "gzip"
        return http.build_request(
            self.method,
            self.path,
            content=compressed(sent()) if callable(sent) else sent,
            headers=headers,
            timeout=self.timeouts.parts(),
        )

    @cached_property
    def _body(self) -> Content | None:
        return self.content if self.json is None else json_body(self.json)

    @cached_property
    def _packed(self) -> Content | None:
        body = self._body
        if isinstance(body, bytes) and len(body) > GZIP_OVER:
            return gzip.compress(body, compresslevel=5, mtime=0)
        return body


async def compressed(body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Compress with gzip, part by part."""
    packer = zlib.compressobj(5, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    async for part in body:
        if packed := packer.compress(part):
            yield packed
    yield packer.flush()
