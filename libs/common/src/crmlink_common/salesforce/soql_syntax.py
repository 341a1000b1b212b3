"""SOQL parsed by its grammar: never matched by pattern."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from crmlink_common.errors import InvalidInputError

LONGEST_QUERY = 100_000
Node = Tree[Token]


class SoqlError(InvalidInputError):
    """A query that is not sent. Never quotes it: ``code``, line and column tell."""

    def __init__(self, code: str, *, line: int, column: int, cure: str | None = None) -> None:
        super().__init__(f"{code} at line {line}, column {column}", field="query", cure=cure)
        self.code = code
        self.line = line
        self.column = column


@cache
def _parser() -> Lark:
    return Lark.open_from_package(
        "crmlink_common.salesforce",
        "grammar.lark",
        parser="lalr",
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


def parse(query: str) -> Node:
    """Return the outermost query; raise SoqlError."""
    if len(query) > LONGEST_QUERY:
        raise SoqlError("refused_too_long", line=1, column=1, cure="Ask for less at once.")
    try:
        root = _parser().parse(query)
    except UnexpectedInput as exc:
        line, column = _place(query, exc)
        raise SoqlError("syntax_error", line=line, column=column) from None
    return subtree(root, "query")


def _place(query: str, exc: UnexpectedInput) -> tuple[int, int]:
    at = exc.pos_in_stream
    if at is None or getattr(getattr(exc, "token", None), "type", "") == "$END":
        at = len(query)
    return query.count("\n", 0, at) + 1, at - query.rfind("\n", 0, at)


def subtree(node: Node, rule: str) -> Node:
    """Return the part that the grammar always has."""
    found = part(node, rule)
    if found is None:
        raise LookupError(rule)
    return found


def part(node: Node, rule: str) -> Node | None:
    """Return a clause of this query itself, not of one inside it."""
    return next(iter(parts(node, rule)), None)


def parts(node: Node, rule: str) -> list[Node]:
    """Return all clauses of one kind."""
    return [c for c in node.children if isinstance(c, Tree) and c.data == rule]


def nodes(root: Node, *, within: str | None = None) -> Iterator[Node]:
    """Yield every node in the order of the text; do not enter nodes called ``within``."""
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if node.data != within:
            waiting.extend(c for c in reversed(node.children) if isinstance(c, Tree))


def tokens(root: Node) -> list[Token]:
    """Return every token in the order of the text, however deep the nesting."""
    found: list[Token] = []
    waiting: list[Node | Token] = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Tree):
            waiting.extend(reversed(one.children))
        else:
            found.append(one)
    return found


def start_of(token: Token) -> int:
    """Return where a token begins."""
    return token.start_pos or 0


def end_of(token: Token) -> int:
    """Return where a token ends."""
    return token.end_pos or 0
