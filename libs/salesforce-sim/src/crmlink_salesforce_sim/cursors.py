"""Open query cursors: what a locator stands for, bounded for each user."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.ids import DIGITS
from crmlink_salesforce_sim.soql.plan import Plan

MOST_PER_USER = 10
LIFE = timedelta(days=2)
PREFIX = "0r8"
LENGTH = 18


@dataclass(frozen=True)
class Cursor:
    """The ids a query found, in order, and how to read a page of them."""

    plan: Plan
    ids: list[str]
    batch: int
    opened: datetime


class Cursors:
    """Locators by user; the oldest goes when there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_user: dict[str, OrderedDict[str, Cursor]] = {}

    def open(self, user: str, cursor: Cursor) -> str:
        """Keep a cursor and return its locator."""
        locator = PREFIX + "".join(secrets.choice(DIGITS) for _ in range(LENGTH - len(PREFIX)))
        with self._lock:
            kept = self._of_user.setdefault(user, OrderedDict())
            kept[locator] = cursor
            while len(kept) > MOST_PER_USER:
                kept.popitem(last=False)
        return locator

    def find(self, user: str, text: str, now: datetime) -> tuple[str, Cursor, int]:
        """Return the locator, its cursor and where the page starts."""
        locator, _, start = text.partition("-")
        with self._lock:
            cursor = self._of_user.get(user, OrderedDict()).get(locator)
        expired = cursor is not None and now - cursor.opened > LIFE
        if cursor is None or expired or not start.isdecimal() or int(start) >= len(cursor.ids):
            raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return locator, cursor, int(start)
