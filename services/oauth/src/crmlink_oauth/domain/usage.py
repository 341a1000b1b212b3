"""The org's daily limit as people see it: how fast it is used, when it will be used up; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crmlink_common.salesforce.limits import WorkClass

RATE_OF = timedelta(hours=1)
SHORTEST = timedelta(minutes=5)  # less says nothing of an hour
DAY = timedelta(hours=24)
SLOT = timedelta(minutes=5)  # one sample is kept of each
KEPT = timedelta(hours=2)
SILENT = timedelta(minutes=2)  # a service that told of waiting, and no more since it should end


@dataclass(frozen=True, slots=True)
class Sample:
    """How much of an org's limit was used at a moment, by everybody."""

    at: datetime
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the last hour says of the next ones; None: it says nothing."""

    per_hour: int | None = None
    exhausted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work of one class that waits in one service."""

    work: WorkClass
    since: datetime
    until: datetime
    reason: str


def slot_of(at: datetime) -> datetime:
    """Give the beginning of the five minutes that a sample belongs to."""
    return at - timedelta(seconds=at.timestamp() % SLOT.total_seconds())


def forecast(samples: Sequence[Sample], now: datetime) -> Forecast:
    """Carry the last hour's rate forward.

    The limit counts the last 24 hours, so use that grows no faster than yesterday's falls out is
    no growth at all, and what would take a day or longer is not foretold.
    """
    recent = sorted((one for one in samples if one.at > now - RATE_OF), key=lambda one: one.at)
    if not recent:
        return Forecast()
    first, last = recent[0], recent[-1]
    remaining = last.limit - last.used
    span = last.at - first.at
    if span < SHORTEST:
        return Forecast(None, last.at if remaining <= 0 else None)
    rate = max(0.0, (last.used - first.used) / (span / RATE_OF))
    if remaining <= 0:
        return Forecast(round(rate), last.at)
    if rate * (DAY / RATE_OF) <= remaining:
        return Forecast(round(rate), None)
    return Forecast(round(rate), max(now, last.at + RATE_OF * (remaining / rate)))


def still(waiting: Sequence[Waiting], now: datetime) -> list[Waiting]:
    """Leave out what a service told of that has stopped, or been cut off, since."""
    return [one for one in waiting if one.until > now - SILENT]
