"""Changes to a query's text that leave all the rest as it was written."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from crmlink_common.salesforce.soql.tree import Node, words

PAIRS = frozenset({"GROUP_BY", "ORDER_BY"})  # one word each, with whatever parts it
Edit = tuple[int, int, str]  # from, to, what stands there instead


def spliced(text: str, start: int, end: int, edits: Iterable[Edit]) -> str:
    """Return the text from start to end with the changes that lie in it."""
    rendered: list[str] = []
    for first, last, instead in sorted(edits):
        if start <= first and last <= end:
            rendered += [text[start:first], instead]
            start = last
    return "".join([*rendered, text[start:end]])


def comments(text: str, root: Node) -> list[Edit]:
    """Return the changes that leave the comments out: between words, and within ORDER BY."""
    if "//" not in text and "/*" not in text:
        return []
    found = words(root)
    gaps = [(before.end_pos, after.start_pos) for before, after in pairwise(found)]
    pairs = [(w.start_pos, w.end_pos, str(w)) for w in found if w.type in PAIRS]
    between = [(start, end, " ") for start, end in gaps if text[start:end].strip()]
    return between + [(start, end, pair) for start, end, pair in pairs if "/" in text[start:end]]
