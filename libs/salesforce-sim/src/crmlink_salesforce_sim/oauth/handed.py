"""What was handed out in plain: whoever tests a client for leaks has to know what to look for."""

import threading
from collections import deque
from collections.abc import Mapping

MOST_REMEMBERED = 10_000  # of each kind, the newest; in memory alone
KINDS = {
    "access_token": "access_tokens",
    "refresh_token": "refresh_tokens",
    "id_token": "id_tokens",
}


class Handed:
    """Remembers codes, verifiers, states and tokens, as long as the org runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, deque[str]] = {}

    def note(self, kind: str, text: str | None) -> None:
        """Remember one, unless there is none."""
        if not text:
            return
        with self._lock:
            self._texts.setdefault(kind, deque(maxlen=MOST_REMEMBERED)).append(text)

    def note_answer(self, answer: Mapping[str, str]) -> None:
        """Remember the tokens of a token endpoint's answer."""
        for name, kind in KINDS.items():
            self.note(kind, answer.get(name))

    def told(self) -> dict[str, list[str]]:
        """Return all, by kind, the oldest first."""
        with self._lock:
            return {kind: list(texts) for kind, texts in self._texts.items()}

    def forget(self) -> None:
        """Forget all."""
        with self._lock:
            self._texts.clear()
