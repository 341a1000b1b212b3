"""Reading answers: whole ones with a bound, and streams part by part."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

import httpx

from crmlink_common.salesforce.errors import SalesforcePermanentError, lost

ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
CONSUMED = frozenset({"content-encoding", "content-length", "transfer-encoding"})
BROKEN = (httpx.TransportError, httpx.DecodingError, TimeoutError, ssl.SSLError)


class TooLargeError(httpx.DecodingError):
    """The answer is larger than the caller takes."""


async def whole_answer(
    http: httpx.AsyncClient, request: httpx.Request, *, largest: int
) -> httpx.Response:
    """Send, and read the whole answer.

    Raises:
        TooLargeError: it is larger than ``largest`` bytes, decompressed.
    """
    response = await http.send(request, stream=True)
    try:
        return await read_whole(response, largest=largest)
    finally:
        await response.aclose()


async def read_whole(response: httpx.Response, *, largest: int) -> httpx.Response:
    """Return a response that has its body; the caller closes the one given."""
    if not is_read(response):
        raise httpx.DecodingError("an encoding that was not asked for")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > largest:
            raise TooLargeError("the answer is too large")
    headers = [(k, v) for k, v in response.headers.multi_items() if k not in CONSUMED]
    return httpx.Response(response.status_code, headers=headers, content=bytes(body))


def is_read(response: httpx.Response) -> bool:
    """Tell whether we take its encoding: one in another could make a gigabyte of one part."""
    return response.headers.get("content-encoding", "").strip().lower() in ENCODINGS


class Received:
    """An answer whose body is read part by part, while the call's context lasts."""

    def __init__(self, response: httpx.Response, *, deadline: float, largest: int) -> None:
        self._response = response
        self._deadline = deadline
        self._largest = largest

    @property
    def status(self) -> int:
        """The HTTP status, always one of success."""
        return self._response.status_code

    @property
    def headers(self) -> httpx.Headers:
        """The headers of the answer."""
        return self._response.headers

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the body, decompressed, as it comes; once.

        Raises:
            SalesforceTransientError: it broke off, its encoding was not asked for, or the whole
                call took too long.
            SalesforcePermanentError: it is larger than the caller takes.
        """
        if not is_read(self._response):
            raise lost("DecodingError", repeatable=True)
        size = 0
        told = cast("AsyncGenerator[bytes]", self._response.aiter_bytes())
        async with aclosing(told) as body:
            while (part := await self._next(body)) is not None:
                size += len(part)
                if size > self._largest:
                    raise SalesforcePermanentError("ANSWER_TOO_LARGE")
                yield part

    async def _next(self, body: AsyncIterator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await anext(body, None)
        except BROKEN as exc:
            raise lost(type(exc).__name__, repeatable=True) from None
