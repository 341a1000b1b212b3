"""Loops that do a service's own work: they rest when idle, back off on trouble, stop when told."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from crmlink_common.telemetry.redaction import describe

log = logging.getLogger(__name__)


def delays(base: float = 0.1, cap: float = 30) -> Iterator[float]:
    """Yield waits in seconds that double from ``base`` to ``cap``, for ever, jittered."""
    step = base
    while True:
        yield step * random.uniform(0.5, 1)  # noqa: S311 - no secret
        step = min(step * 2, cap)


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """Sleep, but no longer than until the process is told to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


async def keep_working(
    stopping: asyncio.Event,
    work: Callable[[], Awaitable[bool]],
    *,
    name: str,
    idle: float = 0.2,
    pause: Callable[[asyncio.Event, float], Awaitable[None]] = rest,
) -> None:
    """Call ``work`` until told to stop.

    It returns whether there was something to do; if not, rest ``idle`` seconds. Whatever it
    raises is logged without its text and followed by a growing wait, at most 30 s.
    """
    waits = delays()
    while not stopping.is_set():
        try:
            busy = await work()
        except Exception as exc:  # noqa: BLE001 - a worker outlives any trouble; it is told here
            log.warning("work put off", extra={"worker": name, **describe(exc)})
            await pause(stopping, next(waits))
            continue
        waits = delays()
        if not busy:
            await pause(stopping, idle)
