"""What one evaluation may use up, and the region its telephone numbers are read in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

MAX_EXPRESSION = 2_000  # characters
MAX_MACROS = 4
MAX_MACRO_NESTING = 2
MAX_LIST = 100
MAX_RESULT = 128 * 1024  # bytes
MAX_STEPS = 50_000  # operations; a macro within a macro over full lists passes 10,000 times
MAX_BUILT = 8 * MAX_RESULT  # characters that functions and concatenation may go through


class LimitReachedError(RuntimeError):
    """Not among the errors that CEL's ``||`` may swallow, so that it ends the evaluation."""


@dataclass(slots=True)
class Evaluation:
    """The account of one evaluation."""

    region: str = ""
    steps: int = 0
    built: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise LimitReachedError("too_many_steps")

    def build(self, size: int) -> None:
        self.step()
        self.built += size
        if self.built > MAX_BUILT:
            raise LimitReachedError("too_large")


_current: ContextVar[Evaluation | None] = ContextVar("evaluation", default=None)


def current() -> Evaluation:
    """Return the evaluation under way, or a fresh one outside of any."""
    return _current.get() or Evaluation()


@contextmanager
def evaluation(region: str) -> Iterator[Evaluation]:
    """Open an account for one evaluation."""
    token = _current.set(one := Evaluation(region))
    try:
        yield one
    finally:
        _current.reset(token)
