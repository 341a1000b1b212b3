"""The records each user used last."""

import threading
from collections import OrderedDict

MOST_RECENT = 200


class Recent:
    """Ids by user, the latest first; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_user: dict[str, OrderedDict[str, str]] = {}

    def use(self, user: str, sobject: str, record_id: str) -> None:
        """Put a record first."""
        with self._lock:
            kept = self._of_user.setdefault(user, OrderedDict())
            kept[record_id] = sobject
            kept.move_to_end(record_id, last=False)
            while len(kept) > MOST_RECENT:
                kept.popitem()

    def of(self, user: str, sobject: str | None = None) -> list[str]:
        """Return the ids, of one object or of all."""
        with self._lock:
            kept = self._of_user.get(user, OrderedDict())
            return [one for one, name in kept.items() if sobject in (None, name)]
