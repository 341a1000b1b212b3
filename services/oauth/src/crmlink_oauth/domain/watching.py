"""When an idle connection is looked at, and when its refresh token is used before it expires."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

IDLE = timedelta(minutes=15)
WATCHED = timedelta(seconds=60)  # while somebody looks at the connection's page
WATCHED_FOR = timedelta(seconds=90)  # after the page was last asked for
AFTER_TROUBLE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """``alive_at``: a call with its token last worked. ``token_since``: when its token was new."""

    workspace_id: str
    due_at: datetime
    alive_at: datetime
    watched_until: datetime | None = None
    token_serial: int
    token_since: datetime


class Deed(Enum):
    """What a connection needs now."""

    REST = "rest"
    LOOK = "look"
    REFRESH = "refresh"


def learnt(watch: Watch, serial: int, used_at: datetime | None, now: datetime) -> Watch:
    """Take in what happened since: a token that was renewed, calls that others made with it."""
    if serial != watch.token_serial:
        watch = replace(watch, token_serial=serial, token_since=now, alive_at=now)
    if used_at is not None and watch.alive_at < used_at <= now:
        watch = replace(watch, alive_at=used_at)
    return watch


def needed(watch: Watch, now: datetime, refresh_after: timedelta) -> Deed:
    """Decide. Who is refreshed for idleness is spread over the last tenth of the time."""
    spread = zlib.crc32(watch.workspace_id.encode()) % 1000 / 10_000
    if now - watch.token_since >= refresh_after * (1 - spread):
        return Deed.REFRESH
    return Deed.LOOK if now >= next_look(watch, now) else Deed.REST


def next_look(watch: Watch, now: datetime) -> datetime:
    """Say until when the last sign of life is good."""
    watched = watch.watched_until is not None and watch.watched_until > now
    return watch.alive_at + (WATCHED if watched else IDLE)


def done(watch: Watch, now: datetime, jitter: float) -> Watch:
    """Plan the next time; never later than the interval, at most a tenth earlier."""
    rest = next_look(watch, now) - now
    return replace(watch, due_at=now + max(rest, timedelta(0)) * (1 - jitter / 10))


def put_off(watch: Watch, now: datetime, jitter: float) -> Watch:
    """Salesforce did not answer: that says nothing about the authorization."""
    return replace(watch, due_at=now + AFTER_TROUBLE * (0.5 + jitter / 2))
