"""A syntax tree written out again."""

from __future__ import annotations

from crmlink_common.salesforce.soql.tree import Node, canonical, words

OPENING = frozenset(
    {
        "CONVERT_TIMEZONE",
        "COUNT",
        "CUBE",
        "DISTANCE",
        "FIELDS",
        "FORMULA",
        "FUNCTION",
        "GEOLOCATION",
        "ROLLUP",
    }
)


def render(root: Node) -> str:
    """Write a query in one way: keywords in capitals, one space between words, no comments.

    Nothing is lost: what is rendered parses to an equal tree, unless the spaces made it longer
    than a query may be.
    """
    written: list[str] = []
    before = "LPAR"
    for word in words(root):
        close = before == "LPAR" or word.type in {"COMMA", "RPAR"}
        if not close and not (word.type == "LPAR" and before in OPENING):
            written.append(" ")
        written.append(canonical(word))
        before = word.type
    return "".join(written)
