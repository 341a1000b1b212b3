"""SOQL that is not sent: it writes, locks, or asks for what Salesforce is known to refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from crmlink_common.salesforce.soql.errors import SoqlError, at_place
from crmlink_common.salesforce.soql.shape import is_aggregate, is_count
from crmlink_common.salesforce.soql.tree import (
    Node,
    first_word,
    last_word,
    part,
    parts,
    subtree,
    words,
)
from crmlink_common.salesforce.soql.words import Word

LARGEST_OFFSET = 2000
LONGEST_TEXT = 4000
ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)")
EFFECTS = {
    "for": "Leave the FOR clause out.",
    "update": "Leave UPDATE out.",
    "all_rows": "Ask to include deleted records.",
}
PAGE_ON = "Page by a condition on Id beyond 2000."
ONE_PARENT = "Only the child query of a single record may have OFFSET: add LIMIT 1."
NO_LIMIT = "Leave LIMIT out: one row comes back."
NO_ORDER = "Leave ORDER BY out: COUNT() returns no rows."
PLAIN_JOIN = "Leave ORDER BY, LIMIT and OFFSET out of the query behind IN."


def refuse(text: str, node: Node) -> None:
    """Raise SoqlError with a ``refused_*`` code and its cure for what may not be asked."""
    if (look := LOOKS.get(node.data)) is not None:
        look(text, node)


def _refuse_effect(text: str, clause: Node) -> None:
    first, *others = words(clause)
    second = f"_{others[0].lower()}" if others else ""
    raise refused(text, f"refused_{clause.data}{second}", first, EFFECTS[clause.data])


def _refuse_query(text: str, query: Node) -> None:
    offset, limit, order = (part(query, rule) for rule in ("offset", "limit", "order"))
    if offset is not None and int(last_word(offset)) > LARGEST_OFFSET:
        raise refused(text, "refused_offset", last_word(offset), PAGE_ON)
    single_row = part(query, "group") is None and is_aggregate(query) and not is_count(query)
    if limit is not None and single_row:
        raise refused(text, "refused_aggregate_limit", first_word(limit), NO_LIMIT)
    if order is not None and is_count(query):
        raise refused(text, "refused_count_order", first_word(order), NO_ORDER)
    one_parent = limit is not None and int(last_word(limit)) == 1
    for child in parts(subtree(query, "select"), "child"):
        inner = part(subtree(child, "query"), "offset")
        if inner is not None and not one_parent:
            raise refused(text, "refused_offset", first_word(inner), ONE_PARENT)


def _refuse_semi_join(text: str, join: Node) -> None:
    query = subtree(join, "query")
    for rule in ("order", "limit", "offset"):
        if (clause := part(query, rule)) is not None:
            raise refused(text, "refused_semi_join", first_word(clause), PLAIN_JOIN)


def _refuse_long_texts(text: str, node: Node) -> None:
    for word in node.children if len(text) > LONGEST_TEXT else ():
        if isinstance(word, Word) and _length(word) > LONGEST_TEXT:
            raise refused(text, "refused_long_text", word, "Shorten it to 4000 characters.")


def _length(word: Word) -> int:
    """Count the characters that a text means: an escape is one."""
    written = word[1:-1] if word.startswith("'") else word
    return len(written) if len(written) <= LONGEST_TEXT else len(ESCAPE.sub("x", written))


def refused(text: str, code: str, at: Word, cure: str) -> SoqlError:
    """Return the error for a word of a query."""
    return at_place(text, at.start_pos, code=code, cure=cure)


LOOKS: Mapping[str, Callable[[str, Node], None]] = {
    **dict.fromkeys(EFFECTS, _refuse_effect),
    **dict.fromkeys(("predicate", "list", "formula"), _refuse_long_texts),
    "query": _refuse_query,
    "semi_join": _refuse_semi_join,
}
