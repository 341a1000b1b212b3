"""The orgs of all workspaces: the way in."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx

from crmlink_common.salesforce.describe import Descriptions
from crmlink_common.salesforce.errors import SalesforceError
from crmlink_common.salesforce.hosts import Hosts
from crmlink_common.salesforce.limits import ApiUsage
from crmlink_common.salesforce.opening import OF_CALLS, Timeouts
from crmlink_common.salesforce.org import Org
from crmlink_common.salesforce.pool import Origins
from crmlink_common.salesforce.records import QueryResult, Record
from crmlink_common.salesforce.session import Means
from crmlink_common.salesforce.tokens import TokenSource
from crmlink_common.salesforce.writes import Outcome

__all__ = [
    "ApiUsage",
    "Org",
    "Outcome",
    "QueryResult",
    "Record",
    "SalesforceError",
    "SalesforceOrgs",
]


class SalesforceOrgs:
    """One per process: owns the connections, the descriptions and the way to tokens.

    ``hosts`` says which instances may be called; ``open_one`` replaces sockets, in tests.
    """

    def __init__(
        self,
        tokens: TokenSource,
        *,
        client_name: str,
        hosts: Hosts = Hosts(),  # noqa: B008 - frozen
        open_one: Callable[[str], httpx.AsyncClient] | None = None,
        timeouts: Timeouts = OF_CALLS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._means = Means(
            tokens,
            client_name,
            Origins(open_one, hosts=hosts),
            Descriptions(now),
            timeouts=timeouts,
            sleep=sleep,
            jitter=jitter,
        )

    async def open(
        self, workspace_id: str, *, usage_reported: Callable[[ApiUsage], None] | None = None
    ) -> Org:
        """Raise NotConnectedError, or TransientError when oauth does not answer."""
        token = await self._means.tokens.token(workspace_id)
        return Org(workspace_id, token, self._means, usage_reported)

    async def aclose(self) -> None:
        """Close the connections to all orgs."""
        await self._means.origins.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
