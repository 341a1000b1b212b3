"""One workspace's org for one piece of work: token, usage, time, and one repeat after a 401."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from crmlink_common.errors import NotConnectedError, StaleTokenError
from crmlink_common.salesforce.answers import Received
from crmlink_common.salesforce.calls import JSON, SAFE_METHODS, Call, Content
from crmlink_common.salesforce.composite import (
    Subrequest,
    composite_body,
    read_composite,
    references,
)
from crmlink_common.salesforce.describe import Descriptions
from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforceNotConnectedError,
    SalesforceStaleTokenError,
)
from crmlink_common.salesforce.limits import ApiUsage, parse_usage
from crmlink_common.salesforce.opening import OF_CALLS, OF_STREAMS, Timeouts
from crmlink_common.salesforce.pool import Origins
from crmlink_common.salesforce.records import json_of
from crmlink_common.salesforce.tokens import AccessToken, TokenSource
from crmlink_common.salesforce.transport import Salesforce
from crmlink_common.salesforce.versions import Feature, require

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Means:
    """What the sessions of a process share."""

    tokens: TokenSource
    client_name: str
    origins: Origins = field(default_factory=Origins)
    descriptions: Descriptions = field(default_factory=Descriptions)
    timeouts: Timeouts = OF_CALLS
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


class Session:
    """Sends calls as one workspace; ends when its connection becomes another."""

    def __init__(
        self,
        workspace_id: str,
        token: AccessToken,
        means: Means,
        usage_reported: Callable[[ApiUsage], None] | None = None,
    ) -> None:
        self.workspace_id = workspace_id
        self.usage: ApiUsage | None = None
        self.server_time: datetime | None = None
        self._token = token
        self._renewing = asyncio.Lock()
        self._means = means
        self._usage_reported = usage_reported

    @property
    def org_id(self) -> str:
        """The org that the connection belongs to."""
        return self._token.org_id

    @property
    def epoch(self) -> int:
        """The connection's epoch when the work began."""
        return self._token.epoch

    @property
    def api_version(self) -> str:
        """As in ``59.0``."""
        return self._token.api_version

    def data_path(self, rest: str) -> str:
        """Return a path of the data API, in the connection's version."""
        return f"/services/data/v{self.api_version}/{rest}"

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        content: Content | None = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        timeouts: Timeouts | None = None,
        anonymous: bool = False,
    ) -> httpx.Response:
        """Send; after a 401, which had no effect, once more with another token.

        ``json`` or ``content`` is the body; both are compressed when that pays, and content that is
        given as a function is asked for anew, and streamed, at each attempt. ``repeatable`` says
        that sending it twice does no harm; unless told, that is so for GET and HEAD alone.
        An ``anonymous`` call shows no token.
        """
        call = self._call(
            method,
            path,
            json=json,
            content=content,
            content_type=content_type,
            headers=headers or {},
            repeatable=repeatable,
            timeouts=timeouts or self._means.timeouts,
            anonymous=anonymous,
        )

        deadline = call.deadline()

        async def once(token: AccessToken) -> httpx.Response:
            async with self._means.origins.lend(token.instance_url) as http:
                return await self._to(http).send(_as(token, call), deadline=deadline)

        return await self._with_token(once)

    @asynccontextmanager
    async def receive(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        largest: int,
        timeouts: Timeouts = OF_STREAMS,
    ) -> AsyncIterator[Received]:
        """Ask for an answer that is read part by part, of at most ``largest`` bytes.

        Retried, and the token renewed, until the answer begins; if it breaks off later, ``parts``
        raises a TransientError and the caller asks again from where it was. The call must be
        repeatable.
        """
        call = self._call(
            method, path, json=json, headers=headers or {}, repeatable=True, timeouts=timeouts
        )
        deadline = call.deadline()
        async with AsyncExitStack() as stack:

            async def once(token: AccessToken) -> Received:
                async with AsyncExitStack() as attempt:
                    http = await attempt.enter_async_context(
                        self._means.origins.lend(token.instance_url)
                    )
                    receiving = self._to(http).receive(
                        _as(token, call), largest=largest, deadline=deadline
                    )
                    received = await attempt.enter_async_context(receiving)
                    stack.push_async_exit(attempt.pop_all())
                    return received

            yield await self._with_token(once)

    async def composite(
        self, requests: Sequence[Subrequest], *, repeatable: bool, all_or_none: bool = False
    ) -> list[Any | SalesforceError]:
        """Send up to 25 requests in one call, five of them queries or Collections.

        Returns:
            The body or error of each, in their order.

        Raises:
            InvalidInputError: too many.
        """
        require(self.api_version, Feature.COMPOSITE)
        body = composite_body(requests, all_or_none=all_or_none)
        path = self.data_path("composite")
        answer = await self.send("POST", path, json=body, repeatable=repeatable)
        told = json_of(answer, repeatable=repeatable)
        return read_composite(told, references(requests), repeatable=repeatable)

    async def _renew(self, used: AccessToken) -> None:
        async with self._renewing:
            if self._token is not used:
                return  # another call of this session has done so
            token = await self._means.tokens.token(self.workspace_id, failed=used.fingerprint)
            if (token.org_id, token.epoch) != (used.org_id, used.epoch):
                raise NotConnectedError("the connection has changed")
            self._token = token

    async def _with_token(self, once: Callable[[AccessToken], Awaitable[Told]]) -> Told:
        used = self._token
        try:
            return await once(used)
        except StaleTokenError:
            await self._renew(used)
        try:
            return await once(self._token)
        except SalesforceStaleTokenError as exc:
            raise SalesforceNotConnectedError(exc.salesforce_code) from None

    def _to(self, http: httpx.AsyncClient) -> Salesforce:
        means = self._means
        return Salesforce(http, sleep=means.sleep, jitter=means.jitter, answered=self._answered)

    def _call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        repeatable: bool | None,
        **parts: Any,  # noqa: ANN401 - those of Call, checked there
    ) -> Call:
        safe = method in SAFE_METHODS if repeatable is None else repeatable
        named = {**headers, "Sforce-Call-Options": f"client={self._means.client_name}"}
        return Call(method=method, path=path, headers=named, repeatable=safe, **parts)

    def _answered(self, response: httpx.Response) -> None:
        self.server_time = _date(response.headers.get("date")) or self.server_time
        if usage := parse_usage(response.headers.get("sforce-limit-info", "")):
            self.usage = usage
            if self._usage_reported is not None:
                self._usage_reported(usage)


def _as(token: AccessToken, call: Call) -> Call:
    if call.anonymous:
        return call
    return replace(call, headers={**call.headers, "Authorization": f"Bearer {token.token}"})


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None
