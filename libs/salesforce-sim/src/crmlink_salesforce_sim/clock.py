"""The org's own clock: the real time and an offset that an operator moves."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from crmlink_salesforce_sim.times import utc_now


class OrgClock:
    """Tells the time of the org; stamps, the Date header and tokens go by it."""

    def __init__(self, base: Callable[[], datetime] = utc_now) -> None:
        self._base = base
        self._lock = threading.Lock()
        self._offset = timedelta()

    def __call__(self) -> datetime:
        """Return the org's time now."""
        return self._base() + self._offset

    @property
    def offset_seconds(self) -> float:
        """Return how far the org's clock is ahead of the real time; negative behind it."""
        return self._offset.total_seconds()

    def set_offset(self, seconds: float) -> None:
        """Let the clock be this far ahead of the real time."""
        with self._lock:
            self._offset = timedelta(seconds=seconds)

    def move(self, seconds: float) -> None:
        """Move the clock from where it is."""
        with self._lock:
            self._offset += timedelta(seconds=seconds)

    def set_to(self, moment: datetime) -> None:
        """Let the clock show this moment now, and go on from it."""
        with self._lock:
            self._offset = moment - self._base()
