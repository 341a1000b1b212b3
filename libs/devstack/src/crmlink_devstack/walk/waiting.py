"""Waits for what should come to be seen, and says what was not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from crmlink_devstack.walk.surfaces import WalkError

LOOK_AGAIN = 0.25  # seconds


async def until(what: str, seen: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Wait until something can be seen.

    Raises:
        WalkError: it could not, in time.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await seen():  # noqa: ASYNC110 - the world outside has no event
                await asyncio.sleep(LOOK_AGAIN)
            return
    raise WalkError(f"{what}: not seen within {seconds:.0f} s")


def demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise WalkError unless it holds."""
    if not holds:
        raise WalkError(otherwise)
