"""Tells oauth what a process saw of the orgs' limits and what waits; learns the shares set."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from crmlink_common.errors import CrmLinkError
from crmlink_common.internal.problems import RemoteError, checked
from crmlink_common.messaging.workers import rest
from crmlink_common.salesforce.budget import checked_shares
from crmlink_common.salesforce.budgets import MOST_KEPT, Budgets, Waiting
from crmlink_common.salesforce.limits import WorkClass
from crmlink_common.telemetry.redaction import describe

log = logging.getLogger(__name__)
EVERY = timedelta(seconds=5)  # at most one report of a workspace
LOOK = 1.0  # seconds
PATIENCE = 5.0  # seconds for what is left at the end


class UsageReports:
    """One per process, beside its Budgets. That oauth does not answer is no reason to stop."""

    def __init__(self, http: httpx.AsyncClient, budgets: Budgets, *, service: str) -> None:
        self._http, self._budgets, self._service = http, budgets, service
        self._due: OrderedDict[str, None] = OrderedDict()
        self._told: OrderedDict[str, datetime] = OrderedDict()
        budgets.changed = self._changed
        budgets.ask_shares = self.shares

    async def run(self, stopping: asyncio.Event) -> None:
        """Report what changed until told to stop; then what is left, once."""
        while not stopping.is_set():
            await self.flush()
            await rest(stopping, LOOK)
        try:
            async with asyncio.timeout(PATIENCE):
                await self.flush(at_once=True)
        except TimeoutError:
            log.info("usage not reported at the end")

    async def flush(self, *, at_once: bool = False) -> None:
        """Report each workspace that changed and was not reported a moment ago.

        The first report that fails is the last for now: oauth is away, and others wait as long.
        """
        for workspace_id in list(self._due):
            last = self._told.get(workspace_id)
            now = self._budgets.now()
            lately = last is not None and timedelta(0) <= now - last < EVERY
            if lately and not at_once:
                continue
            del self._due[workspace_id]
            _put(self._told, workspace_id, now)
            if not await self._report(workspace_id):
                self._due.setdefault(workspace_id)
                return

    async def shares(self, workspace_id: str) -> Mapping[WorkClass, int] | None:
        """Ask for a workspace's shares; None when they cannot be learned now."""
        try:
            return await self._sent(workspace_id, {"client": self._service})
        except (httpx.HTTPError, CrmLinkError, ValueError, TypeError, AttributeError) as exc:
            log.info("shares not learned", extra=describe(exc))
            return None

    async def _report(self, workspace_id: str) -> bool:
        body: dict[str, Any] = {
            "client": self._service,
            "org_id": self._budgets.org_of(workspace_id),
            "waiting": [_waiting(one) for one in self._budgets.waiting(workspace_id)],
        }
        if (seen := self._budgets.usage(workspace_id)) is not None:
            usage, at = seen
            body |= {"used": usage.used, "limit": usage.limit, "at": at.isoformat()}
        try:
            self._budgets.set_shares(workspace_id, await self._sent(workspace_id, body))
        except RemoteError as exc:
            log.warning("usage not taken", extra=describe(exc))
            return exc.http_status < httpx.codes.INTERNAL_SERVER_ERROR  # it never will be
        except (httpx.HTTPError, CrmLinkError, ValueError, TypeError, AttributeError) as exc:
            log.info("usage not reported", extra=describe(exc))
            return False
        return True

    async def _sent(self, workspace_id: str, body: Mapping[str, Any]) -> Mapping[WorkClass, int]:
        path = f"/internal/v1/workspaces/{quote(workspace_id, safe='')}/usage"
        told = checked(await self._http.post(path, json=body)) or {}
        return checked_shares(told.get("shares") or {})

    def _changed(self, workspace_id: str) -> None:
        self._due.setdefault(workspace_id)
        if len(self._due) > MOST_KEPT:
            self._due.popitem(last=False)


def _put(told: OrderedDict[str, datetime], workspace_id: str, now: datetime) -> None:
    told[workspace_id] = now
    told.move_to_end(workspace_id)
    if len(told) > MOST_KEPT:
        told.popitem(last=False)


def _waiting(one: Waiting) -> dict[str, str]:
    return {
        "class": one.work.value,
        "since": one.since.isoformat(),
        "until": one.until.isoformat(),
        "reason": one.reason.value,
    }
