"""What a CEL text may use, judged on its syntax tree before it is ever run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from celpy.evaluation import celstr
from lark import Token, Tree

from crmlink_common.mapping.errors import ExpressionError
from crmlink_common.mapping.scope import MAX_MACRO_NESTING, MAX_MACROS

VARIABLES = frozenset({"source", "target", "workspace", "now"})
FUNCTIONS = frozenset(
    {
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "bool",
        "double",
        "int",
        "string",
        "uint",
        "timestamp",
        "duration",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getFullYear",
        "getMonth",
        "getHours",
        "getMilliseconds",
        "getMinutes",
        "getSeconds",
        "dyn",
    }
)
MACROS = frozenset({"map", "filter", "all", "exists", "exists_one"})
MACRO_PARTS = 2
MAX_DEPTH = 30  # brackets within brackets; deeper ones exhaust the parser's stack


@dataclass(slots=True)
class References:
    """The attributes of ``source`` and ``target`` that an expression reads."""

    source: set[str] = field(default_factory=set)
    target: set[str] = field(default_factory=set)

    def update(self, other: References) -> None:
        self.source |= other.source
        self.target |= other.target


def check(
    tree: Tree[Token], presets: Collection[str], attributes: Mapping[str, Collection[str] | None]
) -> References:
    """Return what the tree reads; raise ExpressionError for what it may not use.

    ``attributes`` lists the known names of ``source`` and ``target``; None admits any.
    """
    checker = _Checker(presets, attributes)
    checker.visit(tree, frozenset(), 0)
    return checker.references


class _Checker:
    def __init__(
        self, presets: Collection[str], attributes: Mapping[str, Collection[str] | None]
    ) -> None:
        self.functions = FUNCTIONS | set(presets)
        self.attributes = attributes
        self.references = References()
        self.macros = 0

    def visit(self, tree: Tree[Token], bound: frozenset[str], nesting: int) -> None:
        match tree.data:
            case "member_dot" | "member_index":
                self._attribute(tree, bound, nesting)
            case "member_dot_arg":
                self._method(tree, bound, nesting)
            case "ident_arg":
                self._function(tree)
                self._children(tree, bound, nesting)
            case "ident":
                self._name(tree, bound)
            case "member_object" | "dot_ident" | "dot_ident_arg":
                raise _error(tree, "Messages and names that begin with a dot are not supported.")
            case "literal":
                _check_literal(tree)
            case _:
                self._children(tree, bound, nesting)

    def _children(self, tree: Tree[Token], bound: frozenset[str], nesting: int) -> None:
        for child in _trees(tree):
            self.visit(child, bound, nesting)

    def _attribute(self, tree: Tree[Token], bound: frozenset[str], nesting: int) -> None:
        owner, names = _path(tree)
        if owner not in ("source", "target") or owner in bound:
            self._children(tree, bound, nesting)
            return
        if not names or names[0] is None:
            raise _error(tree, f"Name the attribute of {owner} literally: {owner}['name'].")
        self._reads(tree, owner, [*takewhile(lambda name: name is not None, names)])
        if None in names:  # further in, what is looked up may be an expression
            self._indexes(tree, bound, nesting)

    def _reads(self, tree: Tree[Token], owner: str, names: Sequence[str | None]) -> None:
        known = self.attributes[owner]
        if known is not None and names[0] not in known:
            raise _error(tree, f"{owner} has no attribute {names[0]}.")
        levels = 2 if known is not None else len(names)  # fields.<key>, or Account.Owner.Name
        found = self.references.source if owner == "source" else self.references.target
        found.add(".".join(str(name) for name in names[:levels]))

    def _indexes(self, tree: Tree[Token], bound: frozenset[str], nesting: int) -> None:
        node: object = tree
        while isinstance(node, Tree):
            if node.data == "member_index":
                self.visit(_tree(node.children[1]), bound, nesting)
            node = node.children[0]

    def _method(self, tree: Tree[Token], bound: frozenset[str], nesting: int) -> None:
        name = str(tree.children[1])
        arguments = list(_trees(tree.children[2])) if len(tree.children) > MACRO_PARTS else []
        if name not in MACROS:
            self._known_function(tree, name)
            self._children(tree, bound, nesting)
            return
        variable = _variable(arguments[0]) if len(arguments) == MACRO_PARTS else None
        if variable is None:
            raise _error(tree, f"{name} takes a name and an expression: list.{name}(x, ...).")
        if variable.startswith("_") or variable in VARIABLES or variable in self.functions:
            raise _error(tree, f"{variable} cannot be the name that {name} binds: it is taken.")
        self.macros += 1
        if self.macros > MAX_MACROS:
            raise _error(tree, f"At most {MAX_MACROS} macros (map, filter ...) in an expression.")
        if nesting >= MAX_MACRO_NESTING:
            raise _error(tree, f"Macros nest at most {MAX_MACRO_NESTING} deep.")
        self.visit(_tree(tree.children[0]), bound, nesting)
        self.visit(arguments[1], bound | {variable}, nesting + 1)

    def _function(self, tree: Tree[Token]) -> None:
        name = str(tree.children[0])
        if name == "has":
            raise _error(
                tree, "has() is always true here: an absent attribute is ''. Write x != ''."
            )
        self._known_function(tree, name)

    def _known_function(self, tree: Tree[Token], name: str) -> None:
        if name not in self.functions:
            raise _error(tree, f"There is no function {name}.")

    def _name(self, tree: Tree[Token], bound: frozenset[str]) -> None:
        name = str(tree.children[0])
        if name in bound or name in ("workspace", "now"):
            return
        if name in VARIABLES:
            raise _error(tree, f"{name} is used through an attribute: {name}.email, say.")
        raise _error(tree, f"There is no name {name}; use source, target, workspace or now.")


def check_depth(text: str) -> None:
    """Refuse brackets so deep that parsing them would fail without a position."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth > MAX_DEPTH:
            line = text.count("\n", 0, place) + 1
            column = place - text.rfind("\n", 0, place)
            raise ExpressionError("The brackets are nested too deeply.", line, column)


def _check_literal(tree: Tree[Token]) -> None:
    token = tree.children[0]
    if isinstance(token, Token) and token.type in ("MLSTRING_LIT", "BYTES_LIT", "NULL_LIT"):
        sentence = {
            "MLSTRING_LIT": "Triple-quoted text is not supported; write \\n within quotes.",
            "BYTES_LIT": "Bytes are not supported; use text.",
            "NULL_LIT": "Nothing is ever null here: an absent attribute is ''. Compare with ''.",
        }[token.type]
        raise _error(tree, sentence)


def _variable(node: object) -> str | None:
    """Return the name when the node is nothing but a name."""
    while isinstance(node, Tree) and len(node.children) == 1:
        if node.data == "ident":
            return str(node.children[0])
        node = node.children[0]
    return None


def _path(tree: Tree[Token]) -> tuple[str | None, list[str | None]]:
    """Return the variable and the names that follow it; None for one that is computed."""
    names: list[str | None] = []
    node: object = tree
    while isinstance(node, Tree):
        if node.data == "member_dot":
            names.append(str(node.children[1]))
        elif node.data == "member_index":
            names.append(_literal_text(node.children[1]))
        elif node.data == "ident":
            return str(node.children[0]), names[::-1]
        elif len(node.children) > 1:
            return None, []
        node = node.children[0] if node.children else None
    return None, []


def _literal_text(node: object) -> str | None:
    while isinstance(node, Tree) and len(node.children) == 1:
        node = node.children[0]
    if isinstance(node, Token) and node.type == "STRING_LIT":
        return str(celstr(node))
    return None


def _trees(node: object) -> Iterator[Tree[Token]]:
    if isinstance(node, Tree):
        yield from (child for child in node.children if isinstance(child, Tree))


def _tree(node: object) -> Tree[Token]:
    if not isinstance(node, Tree):
        raise ExpressionError("The expression is not complete.")
    return node


def _error(tree: Tree[Token], sentence: str) -> ExpressionError:
    return ExpressionError(sentence, tree.meta.line, tree.meta.column)
