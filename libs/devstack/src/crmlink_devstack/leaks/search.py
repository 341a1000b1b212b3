"""Looks for many texts in many bytes, in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from crmlink_devstack.leaks.forms import SHORTEST, Secret

# what a form is made of; of one with other characters, its longest such part is looked for
_LETTERS = rb"[A-Za-z0-9+/=_.!%~@$*-]"
_PART = re.compile(_LETTERS + b"+")
_RUN = re.compile(_LETTERS + b"{%d,}" % SHORTEST)
_WORDS = re.compile(r"([^\W\d_]{2,})(?: |\+|%20|_)(?=([^\W\d_][^\W\d_']*(?:'[^\W\d_]+)?))")


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """What was found, in which form; never the text itself."""

    kind: str
    form: str
    place: str = ""


class Search:
    """Texts of eight characters and more, and whole names of people beside them."""

    def __init__(self, wanted: Iterable[Secret], names: Iterable[str] = ()) -> None:
        self._starts: dict[bytes, list[tuple[bytes, Found]]] = {}
        self._names = {tuple(name.split(" ", 1)) for name in names if " " in name}
        self.size = 0
        for secret in wanted:
            for form, text in secret.forms().items():
                part = max(_PART.findall(text.encode()), key=len, default=b"")
                if len(part) < SHORTEST:
                    raise ValueError(f"{secret.kind}, {form}: too short to be searched for")
                found = self._starts.setdefault(part[:SHORTEST], [])
                found.append((part, Found(secret.kind, form)))
                self.size += 1

    def find(self, data: bytes) -> set[Found]:
        """Give all that is in there."""
        seen = {run.group() for run in _RUN.finditer(data)}
        found: set[Found] = set()
        for run in seen:
            found.update(self._in_run(run))
        if self._names:
            pairs = _WORDS.findall(data.decode(errors="replace"))
            if any(pair in self._names for pair in pairs):
                found.add(Found("name of a person", "plain"))
        return found

    def _in_run(self, run: bytes) -> Iterable[Found]:
        starts = self._starts
        for place in range(len(run) - SHORTEST + 1):
            for part, found in starts.get(run[place : place + SHORTEST], ()):
                if run.startswith(part, place):
                    yield found
