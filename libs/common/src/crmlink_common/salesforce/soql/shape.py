"""What kind of query a tree is."""

from __future__ import annotations

from crmlink_common.salesforce.soql.tree import Node, first_word, part, subtree
from crmlink_common.salesforce.soql.vocabulary import AGGREGATES
from crmlink_common.salesforce.soql.words import Word


def is_aggregate(query: Node) -> bool:
    """Tell whether the select list counts or sums; child queries have their own."""
    return any(has_aggregate(item) for item in items(query))


def is_count(query: Node) -> bool:
    """Tell whether COUNT() alone is selected: the answer has a total and no records."""
    return part(subtree(query, "select"), "count") is not None


def has_aggregate(item: Node) -> bool:
    """Tell whether an expression calls an aggregate, in however many other calls."""
    waiting = [item]
    while waiting:
        node = waiting.pop()
        if node.data == "count" or (node.data == "call" and first_word(node).upper() in AGGREGATES):
            return True
        waiting.extend(c for c in node.children if isinstance(c, Node))
    return False


def all_fields(query: Node) -> Word | None:
    """Return where FIELDS(ALL) or FIELDS(CUSTOM) stands: no more than 200 rows have them."""
    for item in items(query):
        call = item.children[0]
        if isinstance(call, Node) and call.data == "call":
            kind = call.children[2]
            if isinstance(kind, Word) and kind.type == "FIELD_SET" and kind.upper() != "STANDARD":
                return first_word(call)
    return None


def items(query: Node) -> list[Node]:
    """Return the columns of the select list."""
    select = subtree(query, "select")
    return [c for c in select.children if isinstance(c, Node) and c.data in {"column", "count"}]
