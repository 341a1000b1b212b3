"""SOQL text to nodes, by the grammar beside this file."""

from importlib.resources import files
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedEOF, UnexpectedToken
from lark.exceptions import VisitError

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.soql.nodes import (
    ChildItem,
    Compared,
    Condition,
    FieldItem,
    FieldsItem,
    Function,
    Item,
    Joined,
    Listed,
    Literal,
    Logic,
    Negation,
    Operand,
    Ordering,
    Path,
    Query,
)

MOST_CHARACTERS = 100_000
SHOWN = 60


def complain(code: str, text: str, at: int, message: str) -> ApiError:
    """Return an error that points at its place in the statement."""
    before = text[:at]
    row = before.count("\n") + 1
    column = at - (before.rfind("\n") + 1)
    line = text.split("\n")[row - 1]
    start = max(0, column - SHOWN)
    shown = line[start : column + SHOWN]
    caret = " " * (column - start) + "^"
    place = f"ERROR at Row:{row}:Column:{column + 1}"
    return ApiError(code, f"\n{shown}\n{caret}\n{place}\n{message}")


class _Nodes(Transformer[Token, object]):
    """Turns the tree into nodes; every method is named after its rule."""

    def PATH(self, token: Token) -> Path:  # noqa: N802 - named after its terminal
        names = tuple(part.strip() for part in str(token).split("."))
        return Path(names, token.start_pos or 0)

    def value(self, parts: list[Token]) -> Literal:
        [token] = parts
        return Literal(token.type, str(token), token.start_pos or 0)

    def function(self, parts: list[Operand | None]) -> Function:
        name, argument = parts
        path = cast("Path", name)
        return Function(path.text, argument, path.at)

    def field(self, parts: list[Path | None]) -> FieldItem:
        path, alias = parts
        return FieldItem(cast("Path", path), alias.text if alias else None)

    def aggregate(self, parts: list[Operand | None]) -> FieldItem:
        function, alias = parts
        name = alias.text if isinstance(alias, Path) else None
        return FieldItem(cast("Function", function), name)

    def fields(self, parts: list[object]) -> FieldsItem:
        path = cast("Path", parts[1])
        return FieldsItem(path.text.upper(), path.at)

    def child(self, parts: list[Query]) -> ChildItem:
        return ChildItem(parts[0], parts[0].at)

    def items(self, parts: list[Item]) -> tuple[Item, ...]:
        return tuple(parts)

    def scope(self, parts: list[Path]) -> str:
        return parts[0].text

    def where(self, parts: list[Condition]) -> Condition:
        return parts[0]

    having = where

    def security(self, parts: list[Path]) -> str:
        return parts[0].text

    def group(self, parts: list[Operand]) -> tuple[Operand, ...]:
        return tuple(parts)

    def order(self, parts: list[Ordering]) -> tuple[Ordering, ...]:
        return tuple(parts)

    def ordering(self, parts: list[object]) -> Ordering:
        operand, direction, nulls = parts
        descending = isinstance(direction, Token) and direction.type == "DESC"
        last = isinstance(nulls, Token) and nulls.type == "NULLS_LAST"
        return Ordering(cast("Operand", operand), descending, last)

    def limit(self, parts: list[Token]) -> Token:
        return parts[0]

    offset = limit

    def lock(self, parts: list[Path]) -> str:
        return parts[0].text

    def both(self, parts: list[Condition]) -> Logic:
        return Logic("AND", tuple(parts))

    def either(self, parts: list[Condition]) -> Logic:
        return Logic("OR", tuple(parts))

    def negation(self, parts: list[Condition]) -> Negation:
        return Negation(parts[0])

    def compared(self, parts: tuple[Operand, Token, Literal]) -> Compared:
        operand, operator, value = parts
        return Compared(operand, str(operator).upper(), value)

    def listed(self, parts: list[object]) -> Listed:
        operand, operator, *values = parts
        found = tuple(one for one in values if isinstance(one, Literal))
        return Listed(cast("Operand", operand), cast("Token", operator).type, found)

    def joined(self, parts: tuple[Operand, Token, Query]) -> Joined:
        operand, operator, query = parts
        return Joined(operand, operator.type == "NOT_IN", query, query.at)

    def query(self, parts: list[object]) -> Query:
        select, items, source, alias, scope, where, _, group, having, order, limit, offset, _ = (
            parts
        )
        return Query(
            items=cast("tuple[Item, ...]", items),
            source=cast("Path", source),
            alias=alias.text if isinstance(alias, Path) else None,
            scope=cast("str | None", scope),
            where=cast("Condition | None", where),
            group=cast("tuple[Operand, ...]", group or ()),
            having=cast("Condition | None", having),
            order=cast("tuple[Ordering, ...]", order or ()),
            limit=None if limit is None else _whole(limit),
            offset=0 if offset is None else _whole(offset),
            at=cast("Token", select).start_pos or 0,
        )

    def start(self, parts: list[Query]) -> Query:
        return parts[0]


class _BadNumberError(Exception):
    def __init__(self, token: Token) -> None:
        super().__init__()
        self.token = token


def _whole(token: object) -> int:
    assert isinstance(token, Token)  # noqa: S101 - the grammar says so
    if not token.isdigit():
        raise _BadNumberError(token)
    return int(token)


_GRAMMAR = files("crmlink_salesforce_sim.soql").joinpath("grammar.lark").read_text()
_PARSER = Lark(_GRAMMAR, parser="lalr", maybe_placeholders=True, transformer=_Nodes())


def parse(text: str) -> Query:
    """Return what the statement says, or raise MALFORMED_QUERY."""
    if not text.strip():
        raise ApiError("MALFORMED_QUERY", "A query string has to be specified")
    if len(text) > MOST_CHARACTERS:
        raise ApiError("QUERY_TOO_COMPLICATED", "SOQL statement is longer than 100000 characters")
    try:
        tree = _PARSER.parse(text)
    except UnexpectedToken as exc:
        raise _unexpected(text, exc.token) from None
    except UnexpectedCharacters as exc:
        at = cast("int", exc.pos_in_stream)
        message = f"unexpected token: '{text[at]}'"
        raise complain("MALFORMED_QUERY", text, at, message) from None
    except UnexpectedEOF:
        raise complain("MALFORMED_QUERY", text, len(text), "unexpected token: '<EOF>'") from None
    except _BadNumberError as exc:
        raise _unexpected(text, exc.token) from None
    except VisitError as exc:
        if isinstance(exc.orig_exc, _BadNumberError):
            raise _unexpected(text, exc.orig_exc.token) from None
        raise
    assert isinstance(tree, Query)  # noqa: S101 - what the start rule returns
    return cast("Query", tree)


def _unexpected(text: str, token: Token) -> ApiError:
    if token.type == "$END":
        return complain("MALFORMED_QUERY", text, len(text), "unexpected token: '<EOF>'")
    return complain("MALFORMED_QUERY", text, token.start_pos or 0, f"unexpected token: '{token}'")
