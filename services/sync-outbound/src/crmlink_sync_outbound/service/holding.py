"""Holds on to a turn while it is worked on; only a kill lets its lease run out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol

from crmlink_common.messaging.workers import rest
from crmlink_common.telemetry.redaction import describe
from crmlink_sync_outbound.domain.outcomes import Outcome, failed
from crmlink_sync_outbound.domain.work import Turn

log = logging.getLogger(__name__)
LONGEST = timedelta(minutes=15)  # a turn that hangs loses its lease all the same


def unexpected(turn: Turn, error: Exception) -> Outcome:
    """Make what nobody foresaw the outcome of one member; the others go on."""
    log.error("member not worked out", extra={"workspace_id": turn.workspace_id, **describe(error)})
    return failed("unexpected")


class Renewing(Protocol):
    async def renew(self, turn: Turn) -> None: ...


@asynccontextmanager
async def held(
    turns: Renewing,
    turn: Turn,
    lease: timedelta,
    *,
    pause: Callable[[asyncio.Event, float], Awaitable[None]] = rest,
) -> AsyncIterator[None]:
    """Renew the turn's leases three times per lease until the work ends."""
    ended = asyncio.Event()
    renewing = asyncio.create_task(_renew(turns, turn, lease, ended, pause))
    try:
        yield
    finally:
        ended.set()
        await renewing


async def _renew(
    turns: Renewing,
    turn: Turn,
    lease: timedelta,
    ended: asyncio.Event,
    pause: Callable[[asyncio.Event, float], Awaitable[None]],
) -> None:
    for _ in range(int(LONGEST / lease * 3)):
        await pause(ended, lease.total_seconds() / 3)
        if ended.is_set():
            return
        try:
            await turns.renew(turn)
        except Exception as exc:  # noqa: BLE001 - the next one may succeed; else the lease ends
            log.warning(
                "lease not renewed", extra={"workspace_id": turn.workspace_id, **describe(exc)}
            )
