"""What an org says of its objects, kept in memory and asked again only for changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

MOST_KEPT = 200
FRESH_FOR = timedelta(seconds=60)
Key = tuple[str, str, str]  # workspace, org, object: what a user may see differs


@dataclass(frozen=True, slots=True)
class Described:
    """One object, with what a conditional request needs."""

    told: dict[str, Any]
    last_modified: str
    asked_at: datetime


class Descriptions:
    """A bounded cache: the least recently used goes first."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._kept: OrderedDict[Key, Described] = OrderedDict()

    def find(self, key: Key) -> Described | None:
        """Return what is kept, of any age."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def is_fresh(self, found: Described) -> bool:
        """Tell whether it may be used without asking."""
        return self._now() - found.asked_at < FRESH_FOR

    def keep(self, key: Key, told: dict[str, Any], last_modified: str) -> dict[str, Any]:
        """Keep what was just answered or confirmed."""
        self._kept[key] = Described(told, last_modified, self._now())
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return told
