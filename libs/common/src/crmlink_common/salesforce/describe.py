"""What an org says of its objects, kept in memory and asked again only for changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx

MOST_KEPT = 200
LARGEST_KEPT = 32_000_000  # bytes of JSON in all; in memory it is several times that
FRESH_FOR = timedelta(seconds=60)
Key = tuple[str, str, int, str, str]
"""Workspace, org, epoch, version, object: what a user may see differs."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Described:
    """One description, with what a conditional request needs."""

    told: dict[str, Any] = field(repr=False)
    last_modified: str = ""
    etag: str = ""
    size: int = 0
    asked_at: datetime = LONG_AGO

    @classmethod
    def of(cls, told: dict[str, Any], answer: httpx.Response) -> Self:
        """Take what the answer says of itself; without Last-Modified its Date stands for it."""
        headers = answer.headers
        etag = headers.get("etag", "")
        modified = headers.get("last-modified") or ("" if etag else headers.get("date", ""))
        return cls(told, modified, etag, len(answer.content))

    def conditions(self) -> dict[str, str]:
        """Return the header that asks for changes alone.

        By time where that is told: it is what Salesforce documents for descriptions, and their
        ETags differ with the compression (facts §2).
        """
        if self.last_modified:
            return {"If-Modified-Since": self.last_modified}
        return {"If-None-Match": self.etag} if self.etag else {}


class Descriptions:
    """A cache bounded in number and size: the least recently used goes first."""

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        largest: int = LARGEST_KEPT,
    ) -> None:
        self._now = now
        self._largest = largest
        self._size = 0
        self._kept: OrderedDict[Key, Described] = OrderedDict()

    def find(self, key: Key) -> Described | None:
        """Return what is kept, of any age."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def is_fresh(self, found: Described) -> bool:
        """Tell whether it may be used without asking."""
        return self._now() - found.asked_at < FRESH_FOR

    def keep(self, key: Key, described: Described) -> dict[str, Any]:
        """Keep what was just answered or confirmed."""
        self._size -= self._kept.pop(key, Described({})).size
        self._kept[key] = replace(described, asked_at=self._now())
        self._size += described.size
        while len(self._kept) > MOST_KEPT or self._size > self._largest:
            _, gone = self._kept.popitem(last=False)
            self._size -= gone.size
        return described.told
