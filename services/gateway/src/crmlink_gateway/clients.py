"""HTTP out, to our own services; what they refuse comes through as they said it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from crmlink_common.internal.problems import RemoteError, checked
from crmlink_gateway.errors import ServiceUnavailableError

log = logging.getLogger(__name__)
ACTOR = "X-CRMLink-Actor"
OURS_TO_MEND = frozenset({401, 403})  # a key or an address is wrong between us, not the person's


@dataclass(frozen=True, slots=True)
class Part:
    """One service. ``http`` signs each request and has timeouts; its owner closes it."""

    name: str
    http: httpx.AsyncClient

    async def call(
        self,
        method: str,
        workspace_id: str,
        path: str,
        *,
        actor: str = "",
        json: object = None,
        query: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Ask it.

        Raises:
            RemoteError: it refused; its problem document is kept whole.
            ServiceUnavailableError: it is not there, too slow, or does not know us.
        """
        timeout = httpx.USE_CLIENT_DEFAULT if seconds is None else httpx.Timeout(seconds, connect=3)
        try:
            response = await self.http.request(
                method,
                f"/internal/v1/workspaces/{quote(workspace_id, safe='')}{path}",
                json=json,
                params={k: v for k, v in (query or {}).items() if v not in (None, "")},
                headers={ACTOR: actor} if actor else None,
                timeout=timeout,
            )
            return checked(response)
        except RemoteError as exc:
            if exc.http_status not in OURS_TO_MEND:
                raise
            log.error("a service refused the gateway", extra={"part": self.name, "why": exc.code})  # noqa: TRY400 - expected
        except (httpx.TransportError, ValueError) as exc:
            log.warning("no answer", extra={"part": self.name, "error": type(exc).__name__})
        raise ServiceUnavailableError(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The services behind the gateway."""

    oauth: Part
    reconciler: Part
    sync_outbound: Part
    sync_inbound: Part
    tools: Part

    async def aclose(self) -> None:
        for part in (self.oauth, self.reconciler, self.sync_outbound, self.sync_inbound):
            await part.http.aclose()
        await self.tools.http.aclose()


def segment(text: str) -> str:
    """Make an id safe to stand between two slashes, whatever it is: dots would climb."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")
