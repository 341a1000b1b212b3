"""SOQL parsed by its grammar: never matched by pattern."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import cast

from lark import Lark
from lark.exceptions import UnexpectedToken

from crmlink_common.salesforce.soql.errors import SoqlError, at_place, readable
from crmlink_common.salesforce.soql.rules import check
from crmlink_common.salesforce.soql.tree import Node, nodes
from crmlink_common.salesforce.soql.trial import acceptable
from crmlink_common.salesforce.soql.words import Word, Words

LONGEST_QUERY = 100_000


@cache
def _parser() -> Lark:
    built = Lark.open_from_package(
        "crmlink_common.salesforce.soql",
        "grammar.lark",
        parser="lalr",
        lexer=Words,
        tree_class=Node,
        keep_all_tokens=True,
        maybe_placeholders=False,
    )
    saved = BytesIO()
    built.save(saved)
    saved.seek(0)
    return Lark.load(saved)  # its names are plain text, which compares twice as fast


def parse(query: str) -> Node:
    """Return the outermost query's tree; raise SoqlError for what is no SOQL."""
    return parsed(query)[0]


def parsed(query: str) -> list[Node]:
    """Return all nodes of the tree, its root first, in the order of the text."""
    if len(query) > LONGEST_QUERY:
        raise too_long()
    try:
        root = cast("Node", _parser().parse(query))
    except UnexpectedToken as exc:
        raise _unexpected(query, exc) from None
    found = list(nodes(cast("Node", root.children[0])))
    check(query, found)
    return found


def too_long() -> SoqlError:
    """Return the error for a query that Salesforce would not take for its length."""
    return SoqlError("refused_too_long", line=1, column=1, cure="Ask for less at once.")


def _unexpected(query: str, exc: UnexpectedToken) -> SoqlError:
    token = exc.token
    at = len(query) if token.type == "$END" else cast("Word", token).start_pos
    return at_place(query, at, expected=readable(acceptable(exc.state)))
