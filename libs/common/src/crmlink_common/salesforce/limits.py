"""The org's daily API limit: what is used, and which work may still go on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d{1,12})/(\d{1,12})(?!\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """Calls of the last 24 hours, by everybody, and how many the org may make."""

    used: int
    limit: int


def parse_usage(header: str) -> ApiUsage | None:
    """Read a Sforce-Limit-Info header."""
    found = USAGE.search(header)
    return ApiUsage(int(found[1]), int(found[2])) if found else None


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
