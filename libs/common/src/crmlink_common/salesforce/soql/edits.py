"""Changes to a query's text that leave all the rest as it was written."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from crmlink_common.salesforce.soql.tree import Node, words

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
    """Return the changes that leave the comments between the words out."""
    if "//" not in text and "/*" not in text:
        return []
    gaps = [(before.end_pos, after.start_pos) for before, after in pairwise(words(root))]
    return [(start, end, " ") for start, end in gaps if text[start:end].strip()]
