"""The org's daily API limit: what is used, and which work may still go on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d{1,12})/(\d{1,12})(?!\d)", re.ASCII)
OF_APP = re.compile(r"per-app-api-usage=(\d{1,12})/(\d{1,12})\(appName=([^)]{0,255})\)", re.ASCII)


@dataclass(frozen=True, slots=True)
class AppUsage:
    """Calls of our app alone, where the org allots it a share of its own."""

    used: int
    limit: int
    name: str


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """Calls of the last 24 hours, by everybody, and how many the org may make."""

    used: int
    limit: int
    of_app: AppUsage | None = None


def parse_usage(header: str) -> ApiUsage | None:
    """Read a Sforce-Limit-Info header, with the app's share where that is told."""
    if (found := USAGE.search(header)) is None:
        return None
    own = OF_APP.search(header)
    of_app = AppUsage(int(own[1]), int(own[2]), own[3]) if own else None
    return ApiUsage(int(found[1]), int(found[2]), of_app)


@dataclass(frozen=True, slots=True)
class Allocation:
    """One of the org's limits, and what is left of it."""

    maximum: int
    remaining: int


def read_allocations(told: Mapping[str, Any]) -> dict[str, Allocation]:
    """Read /limits; leave out what has not both numbers."""
    found = {name: _allocation(one) for name, one in told.items()}
    return {name: one for name, one in found.items() if one is not None}


def _allocation(one: object) -> Allocation | None:
    told = one if isinstance(one, dict) else {}
    maximum, remaining = told.get("Max"), told.get("Remaining")
    if isinstance(maximum, int) and isinstance(remaining, int):
        return Allocation(maximum, remaining)
    return None


class WorkClass(StrEnum):
    """Kinds of work, the most urgent first."""

    ASSISTANT = "assistant"
    EVENT = "event"
    BATCH = "batch"
    RECONCILE = "reconcile"


SHARES: Mapping[WorkClass, int] = MappingProxyType(
    {
        WorkClass.ASSISTANT: 100,
        WorkClass.EVENT: 90,
        WorkClass.BATCH: 80,
        WorkClass.RECONCILE: 70,
    }
)


@dataclass(frozen=True, slots=True)
class ApiBudget:
    """Each class of work stops at its share, in per cent, of the org's limit."""

    shares: Mapping[WorkClass, int] = field(default_factory=lambda: SHARES)

    def remaining(self, work: WorkClass, usage: ApiUsage) -> int:
        """Return how many more calls this class may make."""
        return max(0, usage.limit * self.shares[work] // 100 - usage.used)

    def allows(self, work: WorkClass, usage: ApiUsage | None, calls: int = 1) -> bool:
        """Decide; before the first answer nothing is known and the work may go on."""
        return usage is None or self.remaining(work, usage) >= calls
