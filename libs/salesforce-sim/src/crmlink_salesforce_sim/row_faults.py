"""Faults by record: rows that are locked, and writes of records that fail inside an answer."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.ids import required_id

MOST_LOCKED = 10_000


@dataclass(frozen=True, slots=True)
class RowFailure:
    """What the write of one record answers, of one object or of any."""

    code: str
    message: str
    sobject: str | None = None
    fields: tuple[str, ...] = ()


class RowFaults:
    """Which rows cannot be had, and which of the next record writes fail."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._lock = threading.Lock()
        self._until: dict[str, float | None] = {}
        self._failure: RowFailure | None = None
        self._left = 0

    def lock(self, ids: Iterable[str], seconds: float | None = None) -> None:
        """Lock rows for so long, or until they are unlocked."""
        until = None if seconds is None else self._ticks() + seconds
        wanted = {required_id(one): until for one in ids}
        with self._lock:
            self._until |= wanted
            for one in list(self._until)[:-MOST_LOCKED]:
                del self._until[one]

    def unlock(self) -> None:
        """Let go of every row."""
        with self._lock:
            self._until.clear()

    def fail(self, count: int, failure: RowFailure) -> None:
        """Let the next record writes fail, each by itself."""
        with self._lock:
            self._left, self._failure = count, failure

    def clear_failures(self) -> None:
        """Let record writes succeed again."""
        with self._lock:
            self._left, self._failure = 0, None

    def check(self, sobject: str, record_id: str | None) -> None:
        """Raise what the write of this record shall answer, if it shall fail."""
        if self._left <= 0 and not self._until:  # the usual case costs no lock
            return
        with self._lock:
            failure = self._taken(sobject)
            held = record_id is not None and self._held(record_id)
        if failure is not None:
            raise ApiError(failure.code, failure.message, fields=failure.fields)
        if held:
            message = "unable to obtain exclusive access to this record or 1 records: "
            raise ApiError("UNABLE_TO_LOCK_ROW", f"{message}{record_id}", fields=[])

    def _taken(self, sobject: str) -> RowFailure | None:
        failure = self._failure
        if self._left <= 0 or failure is None:
            return None
        if failure.sobject is not None and failure.sobject.lower() != sobject.lower():
            return None
        self._left -= 1
        return failure

    def _held(self, record_id: str) -> bool:
        if record_id not in self._until:
            return False
        until = self._until[record_id]
        if until is None or until > self._ticks():
            return True
        del self._until[record_id]
        return False

    def locked(self) -> dict[str, float | None]:
        """Return the locked rows with the seconds left, None for those without an end."""
        now = self._ticks()
        with self._lock:
            held = [one for one in self._until if self._held(one)]
            ends = {one: self._until[one] for one in held}
        return {one: None if end is None else end - now for one, end in ends.items()}

    def failing(self) -> tuple[int, RowFailure | None]:
        """Return how many record writes will still fail, and with what."""
        with self._lock:
            return self._left, self._failure if self._left > 0 else None
