"""What is no SOQL although the grammar would take it."""

from __future__ import annotations

from crmlink_common.salesforce.soql.errors import at_place
from crmlink_common.salesforce.soql.shape import has_aggregate, is_aggregate
from crmlink_common.salesforce.soql.tree import Node, first_word, nodes, part
from crmlink_common.salesforce.soql.words import Word


def check(text: str, root: Node) -> None:
    """Raise SoqlError at what Salesforce would not take."""
    for node in nodes(root):
        wrong: Word | None = None
        match node.data:
            case "query":
                wrong = _limited_aggregate(node)
            case "where":
                wrong = _call_of_aggregate(node)
            case "having":
                wrong = next((first_word(n) for n in nodes(node) if n.data == "formula"), None)
            case _:
                continue
        if wrong is not None:
            raise at_place(text, wrong.start_pos)


def _limited_aggregate(query: Node) -> Word | None:
    """Facts §3: LIMIT with an aggregate and no GROUP BY is invalid; COUNT() alone may have it."""
    limit = part(query, "limit")
    if limit is None or part(query, "group") is not None or not is_aggregate(query):
        return None
    [select, *_] = query.children
    counts = isinstance(select, Node) and part(select, "count") is not None
    return None if counts else first_word(limit)


def _call_of_aggregate(where: Node) -> Word | None:
    """Aggregates are compared in HAVING."""
    for node in nodes(where, within="semi_join"):
        if node.data == "call" and has_aggregate(node):
            return first_word(node)
    return None
