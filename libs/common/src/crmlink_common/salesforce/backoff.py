"""How long to wait before another try."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import httpx

SECONDS = re.compile(r"\d{1,18}", re.ASCII)
LONGEST_ASKED = 86_400  # a day


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often, and how long apart."""

    attempts: int = 4
    base: float = 0.2
    cap: float = 10.0

    def is_too_long(self, asked: timedelta | None) -> bool:
        """Tell whether we are asked to wait longer than a call does."""
        return asked is not None and asked.total_seconds() > self.cap

    def wait(self, attempt: int, asked: timedelta | None, jitter: float) -> float:
        """Return the seconds to wait after this attempt."""
        wanted = asked.total_seconds() if asked else self.base * 2 ** (attempt - 1) * jitter
        return min(wanted, self.cap)


OF_CALLS = Backoff()
OF_TOKENS = Backoff(base=0.3, cap=3.0)


def retry_after(response: httpx.Response) -> timedelta | None:
    """Read the seconds of a Retry-After header."""
    found = SECONDS.fullmatch(response.headers.get("retry-after", ""))
    return timedelta(seconds=min(int(found[0]), LONGEST_ASKED)) if found else None
