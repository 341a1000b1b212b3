"""The syntax tree of a query and ways through it, however deep."""

from __future__ import annotations

from collections.abc import Iterator

from crmlink_common.salesforce.soql.words import Word


class Node:
    """A rule of the grammar with its parts in the order of the text.

    Two trees are equal when their rules and words are; the case of keywords, white space and
    comments do not count.
    """

    __slots__ = ("children", "data")

    def __init__(self, data: str, children: list[Node | Word]) -> None:
        self.data = data
        self.children = children

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and list(_shape(self)) == list(_shape(other))

    def __hash__(self) -> int:
        return hash(tuple(_shape(self)))


def _shape(root: Node) -> Iterator[tuple[str, str]]:
    waiting: list[Node | Word] = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Node):
            yield one.data, str(len(one.children))
            waiting.extend(reversed(one.children))
        else:
            yield one.type, canonical(one)


def canonical(word: Word) -> str:
    """Write a word in one way: names and texts as they are, all else in capitals."""
    match word.type:
        case "STRING" | "PATTERN":
            return str(word)
        case "PATH":
            return "".join(word.split())
        case "NAME" | "FUNCTION" | "UNIT":
            return str(word)
        case "ORDER_BY" | "GROUP_BY" | "ALL_ROWS":
            return word.type.replace("_", " ")
        case _:
            return "".join(word.split()).upper()


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
    return [c for c in node.children if isinstance(c, Node) and c.data == rule]


def nodes(root: Node, *, within: str | None = None) -> Iterator[Node]:
    """Yield every node in the order of the text; do not enter nodes called ``within``."""
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if node.data != within:
            waiting += [c for c in node.children[::-1] if type(c) is Node]


def words(root: Node) -> list[Word]:
    """Return every word in the order of the text, however deep the nesting."""
    found: list[Word] = []
    waiting: list[Node | Word] = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Node):
            waiting.extend(reversed(one.children))
        else:
            found.append(one)
    return found


def first_word(root: Node) -> Word:
    """Return the word that a clause begins with."""
    one: Node | Word = root
    while isinstance(one, Node):
        one = one.children[0]
    return one


def last_word(root: Node) -> Word:
    """Return the word that a clause ends with."""
    one: Node | Word = root
    while isinstance(one, Node):
        one = one.children[-1]
    return one
