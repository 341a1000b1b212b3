"""The org's own thread: work that goes on after the call that asked for it was answered."""

import logging
import sqlite3
import threading
from collections.abc import Callable

STOP_SECONDS = 30.0
HELD_SECONDS = 0.01
BREATH_SECONDS = 0.001

log = logging.getLogger(__name__)


class Background:
    """One thread, there only while there is work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._held = threading.Event()
        self._asked = False
        self._thread: threading.Thread | None = None

    def wake(self, work: Callable[[], None]) -> None:
        """Have the work done soon; asked for while it runs, it runs once more."""
        with self._lock:
            self._asked = True
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
                self._thread.start()

    def goes_on(self) -> bool:
        """Let others have their turn; wait while held; tell whether to go on."""
        while self._held.is_set() and not self._stopping.wait(HELD_SECONDS):
            pass
        return not self._stopping.wait(BREATH_SECONDS)

    @property
    def held(self) -> bool:
        """Tell whether the work is kept from going on."""
        return self._held.is_set()

    def hold(self, *, held: bool) -> None:
        """Keep the work from going on, or let it go on again."""
        if held:
            self._held.set()
        else:
            self._held.clear()

    def stop(self) -> None:
        """End the thread at the next place where the work can be resumed."""
        self._stopping.set()
        if (thread := self._thread) is not None:
            thread.join(STOP_SECONDS)

    def _run(self, work: Callable[[], None]) -> None:
        while self._more():
            try:
                work()
            except sqlite3.ProgrammingError:  # the store was closed: the org is gone
                self._stopping.set()
                log.info("work ends with its org")

    def _more(self) -> bool:
        with self._lock:
            if not self._asked or self._stopping.is_set():
                self._thread = None
                return False
            self._asked = False
            return True
