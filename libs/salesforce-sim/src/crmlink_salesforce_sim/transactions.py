"""Long transactions: begun, stamped, and not yet to be seen by anybody."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

MOST_RUNNING = 1000


class Transactions:
    """The transactions that run now, by the moment each began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._begun: dict[int, datetime] = {}

    @contextmanager
    def running(self, begun: datetime) -> Iterator[None]:
        """Be a running transaction for as long as the block takes."""
        number = next(self._numbers)
        with self._lock:
            if len(self._begun) < MOST_RUNNING:  # past it the oldest still decide `earliest`
                self._begun[number] = begun
        try:
            yield
        finally:
            with self._lock:
                self._begun.pop(number, None)

    def earliest(self) -> datetime | None:
        """Return when the oldest running transaction began; latestDateCovered stops there."""
        with self._lock:
            return min(self._begun.values(), default=None)

    def __len__(self) -> int:
        """Return how many run."""
        with self._lock:
            return len(self._begun)
