"""How many API calls were made: of the last day, and by kind."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime

MINUTES_A_DAY = 24 * 60


class Usage:
    """Counts calls over a rolling day, one bucket a minute."""

    def __init__(self, most: int, now: Callable[[], datetime]) -> None:
        self.most = most
        self.by_kind: Counter[str] = Counter()
        self._now = now
        self._lock = threading.Lock()
        self._minutes: deque[tuple[int, int]] = deque(maxlen=MINUTES_A_DAY)

    def count(self, kind: str, calls: int = 1) -> None:
        """Count a call; a batch counts for each of its parts."""
        minute = int(self._now().timestamp() // 60)
        with self._lock:
            self.by_kind[kind] += calls
            if self._minutes and self._minutes[-1][0] == minute:
                calls += self._minutes.pop()[1]
            self._minutes.append((minute, calls))

    def used(self) -> int:
        """Return how many calls the last 24 hours saw."""
        oldest = int(self._now().timestamp() // 60) - MINUTES_A_DAY
        with self._lock:
            while self._minutes and self._minutes[0][0] <= oldest:
                self._minutes.popleft()
            return sum(calls for _, calls in self._minutes)

    @property
    def exhausted(self) -> bool:
        """Tell whether the day's calls are spent."""
        return self.used() >= self.most

    @property
    def header(self) -> str:
        """Return the value of Sforce-Limit-Info."""
        return f"api-usage={self.used()}/{self.most}"
