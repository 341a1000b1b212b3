"""How many API calls were made: of the last day, by kind, and by caller."""

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from datetime import datetime

MINUTES_A_DAY = 24 * 60
MOST_NAMES = 200  # of kinds, and of callers: both come from outside
OTHERS = "(others)"
OVERSHOOT = 1000  # the limit is soft: one call in a thousand may go over it


class Usage:
    """Counts calls over a rolling day, one bucket a minute."""

    def __init__(self, most: int, now: Callable[[], datetime]) -> None:
        self.most = most
        self.by_kind: Counter[str] = Counter()
        self.by_caller: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._now = now
        self._lock = threading.Lock()
        self._minutes: deque[tuple[int, int]] = deque(maxlen=MINUTES_A_DAY)

    def count(self, kind: str, calls: int = 1, caller: str = "") -> None:
        """Count a call; a batch counts for each of its parts."""
        with self._lock:
            kind = kind if kind in self.by_kind or len(self.by_kind) < MOST_NAMES else OTHERS
            known = caller in self.by_caller or len(self.by_caller) < MOST_NAMES
            self.by_kind[kind] += calls
            self.by_caller[caller if known else OTHERS][kind] += calls
            self._add(calls)

    def _add(self, calls: int) -> None:
        minute = self._minute()
        if self._minutes and self._minutes[-1][0] >= minute:  # also when the clock went back
            minute, before = self._minutes.pop()
            calls += before
        self._minutes.append((minute, calls))

    def _minute(self) -> int:
        return int(self._now().timestamp() // 60)

    def used(self) -> int:
        """Return how many calls the last 24 hours saw."""
        oldest = self._minute() - MINUTES_A_DAY
        with self._lock:
            while self._minutes and self._minutes[0][0] <= oldest:
                self._minutes.popleft()
            return sum(calls for _, calls in self._minutes)

    def set_used(self, calls: int) -> None:
        """Let the last 24 hours have seen this many calls."""
        with self._lock:
            self._minutes.clear()
            self._minutes.append((self._minute(), calls))

    def exhaust(self) -> None:
        """Let the day be used up: the next call is refused."""
        self.set_used(self.most + self.most // OVERSHOOT)

    def reset_counts(self) -> None:
        """Forget which calls were made, by kind and by caller; the day's use stays."""
        with self._lock:
            self.by_kind.clear()
            self.by_caller.clear()

    def counted(self) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
        """Return the calls by kind, and by caller and kind."""
        with self._lock:
            return dict(self.by_kind), {who: dict(n) for who, n in self.by_caller.items()}

    @property
    def refuses(self) -> bool:
        """Tell whether a call more is refused: only a little over the limit, it is soft."""
        return self.used() > self.most + self.most // OVERSHOOT

    @property
    def header(self) -> str:
        """Return the value of Sforce-Limit-Info."""
        return f"api-usage={self.used()}/{self.most}"
