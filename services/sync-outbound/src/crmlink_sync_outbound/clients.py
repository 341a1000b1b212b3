"""HTTP out: the reconciler's reservations."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import httpx

from crmlink_common.errors import TransientError
from crmlink_common.internal.problems import RemoteError, checked
from crmlink_common.telemetry.redaction import describe
from crmlink_sync_outbound.service.ports import Reservation

log = logging.getLogger(__name__)


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
