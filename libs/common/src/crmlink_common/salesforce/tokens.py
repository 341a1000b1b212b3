"""Access tokens: asked of the oauth service, kept in memory for a short while."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote
from weakref import WeakValueDictionary

import httpx

from crmlink_common.contracts.cloudevents import Deleted, Event
from crmlink_common.contracts.connections import Connection
from crmlink_common.errors import NotConnectedError, TransientError
from crmlink_common.salesforce.backoff import OF_TOKENS, Backoff, retry_after
from crmlink_common.salesforce.versions import is_version

KEPT_FOR = timedelta(minutes=5)
MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Whom a token speaks for, and where it may be shown."""

    token: str = field(repr=False)
    fingerprint: str
    instance_url: str
    api_version: str  # "59.0"
    org_id: str
    epoch: int


class TokenSource(Protocol):
    """Where a client gets its tokens; called at the start of work and after each 401."""

    async def token(self, workspace_id: str, *, failed: str | None = None) -> AccessToken:
        """Return a token other than the one whose fingerprint failed.

        Several calls may name the same failed token at once: it is to be renewed once for all.

        Raises:
            NotConnectedError: there is no usable connection.
            TransientError: the source does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    token: AccessToken
    until: datetime


class OauthTokens:
    """Asks oauth, once at a time per workspace. The caller owns and closes the httpx client."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        backoff: Backoff = OF_TOKENS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._http = http
        self._backoff = backoff
        self._sleep = sleep
        self._jitter = jitter
        self._now = now
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def token(self, workspace_id: str, *, failed: str | None = None) -> AccessToken:
        """Return a token; raise NotConnectedError or TransientError."""
        async with self._asking.setdefault(workspace_id, asyncio.Lock()):
            kept = self._kept.get(workspace_id)
            if kept and kept.until > self._now() and kept.token.fingerprint != failed:
                self._kept.move_to_end(workspace_id)
                return kept.token
            self._kept.pop(workspace_id, None)
            token = await self._ask(workspace_id, failed)
            self._kept[workspace_id] = _Kept(token, self._now() + KEPT_FOR)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return token

    def heard(self, events: Iterable[Event[Connection]]) -> None:
        """Forget at once what was given for a connection that ended or became another."""
        for event in events:
            told, kept = event.data, self._kept.get(event.data.key)
            if kept is None:
                continue
            if isinstance(told, Deleted) or not told.usable or told.epoch != kept.token.epoch:
                del self._kept[told.key]

    async def _ask(self, workspace_id: str, failed: str | None) -> AccessToken:
        """Wait a little for oauth: while it refreshes a token it asks everybody to."""
        for attempt in range(1, self._backoff.attempts):
            try:
                return await self._ask_once(workspace_id, failed)
            except NotConnectedError:
                raise
            except TransientError as exc:
                await self._sleep(self._backoff.wait(attempt, exc.retry_after, self._jitter()))
        return await self._ask_once(workspace_id, failed)

    async def _ask_once(self, workspace_id: str, failed: str | None) -> AccessToken:
        path = f"/internal/v1/workspaces/{quote(workspace_id, safe='')}/access-token"
        try:
            response = await self._http.post(path, json={"failed": failed} if failed else {})
        except httpx.TransportError as exc:
            raise TransientError(f"oauth did not answer: {type(exc).__name__}") from None
        if response.status_code in {httpx.codes.CONFLICT, httpx.codes.NOT_FOUND}:
            raise _not_connected(response)
        if not response.is_success:
            # a service that refuses us is no fault of the work in hand
            raise TransientError(
                f"oauth answered {response.status_code}", retry_after=retry_after(response)
            )
        return _read_token(response)


def _not_connected(response: httpx.Response) -> NotConnectedError:
    """Hand on oauth's code: disabled, connection_error ..."""
    error = NotConnectedError("the workspace has no usable connection")
    try:
        error.code = str(response.json()["code"])
    except (ValueError, LookupError, TypeError):
        error.code = NotConnectedError.code
    return error


def _read_token(response: httpx.Response) -> AccessToken:
    try:
        told = response.json()
        version = str(told["api_version"]).removeprefix("v")
        if not is_version(version):
            raise ValueError("it would become part of every path")
        return AccessToken(
            token=str(told["token"]),
            fingerprint=str(told["fingerprint"]),
            instance_url=str(told["instance_url"]),
            api_version=version,
            org_id=str(told["org_id"]),
            epoch=int(told["epoch"]),
        )
    except (ValueError, LookupError, TypeError):
        raise TransientError("oauth's answer is no token") from None
