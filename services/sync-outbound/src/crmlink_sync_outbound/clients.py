"""HTTP out: the reconciler's reservations, and what we have used of the org's API."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import httpx

from crmlink_common.errors import CrmLinkError, TransientError
from crmlink_common.internal.problems import RemoteError, checked
from crmlink_common.salesforce.limits import ApiUsage
from crmlink_common.telemetry.redaction import describe
from crmlink_sync_outbound.service.ports import Reservation

log = logging.getLogger(__name__)
EVERY = timedelta(seconds=10)
REMEMBERED = 10_000  # workspaces


def _now() -> datetime:
    return datetime.now(UTC)


class ReconcilerReservations:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def reserve(
        self, workspace_id: str, intents: Mapping[str, str]
    ) -> Mapping[str, Reservation]:
        """Ask for at most 1,000 members, each with its intent's id."""
        items = [{"member_id": one, "intent_id": intent} for one, intent in intents.items()]
        path = f"/internal/v1/workspaces/{workspace_id}/reservations"
        try:
            told = checked(await self._http.post(path, json={"items": items}))
            answers = [
                Reservation(str(one["member_id"]), str(one["result"])) for one in told["items"]
            ]
        except (httpx.HTTPError, RemoteError, LookupError, TypeError, ValueError) as exc:
            log.warning("no reservations", extra=describe(exc))
            raise TransientError("the reconciler did not answer") from None
        return {one.member_id: one for one in answers}


class OauthUsageReports:
    """Best effort, and seldom: a report that is lost is followed by another."""

    def __init__(self, http: httpx.AsyncClient, *, now: Callable[[], datetime] = _now) -> None:
        self._http, self._now = http, now
        self._told: OrderedDict[str, datetime] = OrderedDict()

    async def report(self, workspace_id: str, usage: ApiUsage | None) -> None:
        """Tell how much of the org's daily limit is used."""
        now = self._now()
        if usage is None or now - self._told.get(workspace_id, now - EVERY) < EVERY:
            return
        self._told[workspace_id] = now
        self._told.move_to_end(workspace_id)
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        body = {
            "used": usage.used,
            "limit": usage.limit,
            "at": now.isoformat(),
            "client": "sync-outbound",
        }
        try:
            checked(
                await self._http.post(f"/internal/v1/workspaces/{workspace_id}/usage", json=body)
            )
        except (httpx.HTTPError, CrmLinkError, ValueError) as exc:
            log.info("usage not reported", extra=describe(exc))
