"""Faults an operator asks for, by call: failures, spoilt answers, latency, late commits."""

import asyncio
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Generic, Literal, TypeVar

from crmlink_salesforce_sim.errors import ApiError

MESSAGES = {
    "REQUEST_LIMIT_EXCEEDED": "TotalRequests Limit exceeded.",
    "SERVER_UNAVAILABLE": "Service Unavailable",
    "UNKNOWN_EXCEPTION": "An unexpected error occurred. Please include this ErrorId if you contact"
    " support: 1-1 (1)",
    "UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record or 1 records",
    "INVALID_SESSION_ID": "Session expired or invalid",
    "QUERY_TIMEOUT": "Your query request was running for too long.",
}
BY_STATUS = {
    503: "SERVER_UNAVAILABLE",
    500: "UNKNOWN_EXCEPTION",
    403: "REQUEST_LIMIT_EXCEEDED",
    401: "INVALID_SESSION_ID",
    400: "UNABLE_TO_LOCK_ROW",
}
MOST_RULES = 100
EffectT = TypeVar("EffectT", "Failure", "Spoil", "Latency", "LateCommit")


@dataclass(frozen=True, slots=True)
class Asking:
    """What a call is, as a rule's filter sees it."""

    method: str
    path: str
    kind: str
    client: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which calls a rule is for; patterns take * and ?, an absent one takes every call."""

    method: str | None = None
    path: str | None = None
    kind: str | None = None
    client: str | None = None

    def takes(self, asking: Asking) -> bool:
        """Tell whether the call is one of those; OAuth calls only where they are named."""
        if asking.kind.startswith("oauth/") and not (self.kind or self.path):
            return False
        wanted = (self.path, self.kind, self.client)
        given = (asking.path, asking.kind, asking.client)
        if self.method is not None and self.method.upper() != asking.method:
            return False
        pairs = zip(wanted, given, strict=True)
        return all(want is None or fnmatchcase(got, want) for want, got in pairs)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failing call answers; nothing is done."""

    status: int
    code: str
    message: str | None = None

    def error(self) -> ApiError:
        """Return the error to answer."""
        message = self.message or MESSAGES.get(self.code, self.code)
        return ApiError(self.code, message, self.status)


Spoiling = Literal["drop", "late", "truncate", "html", "content_type", "redirect"]


@dataclass(frozen=True, slots=True)
class Spoil:
    """What becomes of an answer; `done` tells whether the call itself is carried out."""

    fault: Spoiling
    done: bool = True
    seconds: float = 0.0
    status: int = 503
    location: str = "https://login.salesforce.com/"
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Latency:
    """How much longer a call takes: a fixed time, or one drawn from a range."""

    least_ms: float
    most_ms: float

    def seconds(self, draw: Callable[[float, float], float] = random.uniform) -> float:
        """Return the time of one call."""
        if self.least_ms == self.most_ms:
            return self.least_ms / 1000
        return draw(self.least_ms, self.most_ms) / 1000


@dataclass(frozen=True, slots=True)
class LateCommit:
    """A write that is stamped when it comes and seen only after these seconds."""

    seconds: float


@dataclass(slots=True)
class _Rule(Generic[EffectT]):
    filter: Filter
    effect: EffectT
    left: int | None
    skip: int = 0


class Rules(Generic[EffectT]):
    """Rules of one sort, oldest first; each for so many calls, or until it is taken back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Rule[EffectT]] = []

    def add(self, asked: Filter, effect: EffectT, count: int | None = None, skip: int = 0) -> None:
        """Add a rule; the same filter again replaces what was asked before.

        The first `skip` calls that fit pass, the next `count` are met; None is without an end.
        """
        with self._lock:
            self._rules = [one for one in self._rules if one.filter != asked][-MOST_RULES + 1 :]
            if count != 0:
                self._rules.append(_Rule(asked, effect, count, skip))

    def take(self, asking: Asking) -> EffectT | None:
        """Return what shall happen to this call, and count it."""
        if not self._rules:  # the usual case costs no lock
            return None
        with self._lock:
            for rule in self._rules:
                if rule.filter.takes(asking):
                    if rule.skip > 0:
                        rule.skip -= 1
                        return None
                    if rule.left is not None:
                        rule.left -= 1
                        self._rules = [one for one in self._rules if one.left != 0]
                    return rule.effect
        return None

    @property
    def waiting(self) -> bool:
        """Tell whether any rule holds; asking that costs no lock."""
        return bool(self._rules)

    def state(self) -> list[dict[str, Any]]:
        """Return the rules that still hold."""
        with self._lock:
            return [
                {
                    **{name: v for name, v in asdict(one.filter).items() if v is not None},
                    **asdict(one.effect),
                    "left": one.left,
                    **({"skip": one.skip} if one.skip else {}),
                }
                for one in self._rules
            ]

    def clear(self) -> None:
        """Take every rule back."""
        with self._lock:
            self._rules = []


class Faults:
    """All rules an operator set for calls."""

    def __init__(self) -> None:
        self.failures: Rules[Failure] = Rules()
        self.spoils: Rules[Spoil] = Rules()
        self.latencies: Rules[Latency] = Rules()
        self.late_commits: Rules[LateCommit] = Rules()
        self.page_sizes: tuple[int, int] | None = None
        self.long_call_seconds = 20.0
        self.most_long_calls = 25
        self._stopping = asyncio.Event()

    async def pause(self, seconds: float) -> None:
        """Wait so long; when the org stops, what waits goes on at once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def stop(self) -> None:
        """Let nothing wait any more."""
        self._stopping.set()
