"""What the parser would really take next.

A state of a LALR table also lists words that only a later reduction shows to be wrong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_parser_state import ParserState

State = ParserState[Any]
END = "$END"


def takes(state: State, kind: str) -> bool:
    """Tell whether a word of this kind may come next; neither feed nor copy anything."""
    conf = state.parse_conf
    below, depth = state.state_stack, len(state.state_stack)
    above: list[Any] = []
    while True:
        top = above[-1] if above else below[depth - 1]
        if kind == END and top == conf.end_state:
            return True
        action, rule = conf.states[top].get(kind, (None, None))
        if action is None or action is Shift:
            return action is Shift
        size = len(rule.expansion)
        depth -= max(0, size - len(above))
        del above[max(0, len(above) - size) :]
        top = above[-1] if above else below[depth - 1]
        above.append(conf.states[top][rule.origin.name][1])


def acceptable(state: State) -> Iterator[str]:
    """Yield the kinds of words that may come next."""
    for kind in state.parse_conf.states[state.position]:
        if (kind.isupper() or kind == END) and takes(state, kind):
            yield kind
