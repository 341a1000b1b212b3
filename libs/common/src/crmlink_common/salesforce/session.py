"""One workspace's org for one piece of work: token, usage, time, and one repeat after a 401."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from crmlink_common.errors import NotConnectedError, StaleTokenError
from crmlink_common.salesforce.composite import Subrequest, composite_body, read_composite
from crmlink_common.salesforce.describe import Descriptions
from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforceNotConnectedError,
    SalesforceStaleTokenError,
)
from crmlink_common.salesforce.limits import ApiUsage, parse_usage
from crmlink_common.salesforce.pool import Origins
from crmlink_common.salesforce.records import json_of
from crmlink_common.salesforce.tokens import AccessToken, TokenSource
from crmlink_common.salesforce.transport import Salesforce


@dataclass(frozen=True, slots=True)
class Means:
    """What the sessions of a process share."""

    tokens: TokenSource
    client_name: str
    origins: Origins = field(default_factory=Origins)
    descriptions: Descriptions = field(default_factory=Descriptions)
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
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> httpx.Response:
        """Send; after a 401, which had no effect, once more with another token."""
        used = self._token
        try:
            return await self._send_as(used, method, path, json, headers, repeatable=repeatable)
        except StaleTokenError:
            await self._renew(used)
        try:
            return await self._send_as(
                self._token, method, path, json, headers, repeatable=repeatable
            )
        except SalesforceStaleTokenError as exc:
            raise SalesforceNotConnectedError(exc.salesforce_code) from None

    async def composite(
        self, requests: Sequence[Subrequest], *, repeatable: bool
    ) -> list[Any | SalesforceError]:
        """Send several in one call; return each body or error, in their order."""
        body = composite_body(requests)
        path = self.data_path("composite")
        answer = await self.send("POST", path, json=body, repeatable=repeatable)
        told = json_of(answer, repeatable=repeatable)
        return read_composite(told, len(requests), repeatable=repeatable)

    async def _renew(self, used: AccessToken) -> None:
        if self._token.fingerprint != used.fingerprint:
            return  # another call of this session has done so
        token = await self._means.tokens.token(self.workspace_id, failed=used.fingerprint)
        if (token.org_id, token.epoch) != (used.org_id, used.epoch):
            raise NotConnectedError("the connection has changed")
        self._token = token

    async def _send_as(
        self,
        token: AccessToken,
        method: str,
        path: str,
        json: object,
        headers: Mapping[str, str] | None,
        *,
        repeatable: bool,
    ) -> httpx.Response:
        told = {
            **(headers or {}),
            "Authorization": f"Bearer {token.token}",
            "Sforce-Call-Options": f"client={self._means.client_name}",
        }
        async with self._means.origins.lend(token.instance_url) as http:
            org = Salesforce(
                http, sleep=self._means.sleep, jitter=self._means.jitter, answered=self._answered
            )
            return await org.send(method, path, json=json, headers=told, repeatable=repeatable)

    def _answered(self, response: httpx.Response) -> None:
        self.server_time = _date(response.headers.get("date")) or self.server_time
        if usage := parse_usage(response.headers.get("sforce-limit-info", "")):
            self.usage = usage
            if self._usage_reported is not None:
                self._usage_reported(usage)


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except ValueError:
        return None
