"""What lives for minutes: browser sessions, pending decisions, authorization codes."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

MOST_KEPT = 1000
BROWSER_SECONDS = 7200.0

KeptT = TypeVar("KeptT")


class ShortLived(Generic[KeptT]):
    """Values behind secret keys, for a while, and only so many."""

    def __init__(
        self, seconds: Callable[[], float], now: Callable[[], datetime], prefix: str = ""
    ) -> None:
        self._seconds = seconds
        self._now = now
        self._prefix = prefix
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, KeptT]] = OrderedDict()

    def keep(self, value: KeptT) -> str:
        """Keep a value and return its key."""
        key = self._prefix + secrets.token_urlsafe(32)
        with self._lock:
            self._kept[key] = (self._now().timestamp(), value)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return key

    def find(self, key: str) -> KeptT | None:
        """Return the value if its time is not up."""
        with self._lock:
            return self._fresh(self._kept.get(key))

    def take(self, key: str) -> tuple[KeptT | None, bool]:
        """Return the value once, and whether there was one whose time is up."""
        with self._lock:
            found = self._kept.pop(key, None)
            fresh = self._fresh(found)
            return fresh, found is not None and fresh is None

    def _fresh(self, found: tuple[float, KeptT] | None) -> KeptT | None:
        if found is None or self._now().timestamp() - found[0] > self._seconds():
            return None
        return found[1]


@dataclass(frozen=True)
class Asked:
    """What an app asks for at /authorize."""

    client_id: str
    redirect_uri: str
    scope: str
    state: str | None
    challenge: str | None
    nonce: str | None
    response_type: str = "code"


@dataclass(frozen=True)
class Granted:
    """What a code stands for."""

    asked: Asked
    user: str
