"""What a SOQL statement says, with the place of each part for error messages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Path:
    """A field, or a field of a parent: `Account.Owner.Name`."""

    names: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        """Return the path as it is written."""
        return ".".join(self.names)


@dataclass(frozen=True)
class Function:
    """An aggregate, a date function, or a wrapper such as toLabel()."""

    name: str
    argument: "Path | Function | None"
    at: int


Operand = Path | Function


@dataclass(frozen=True)
class Literal:
    """A value: its kind is the grammar's name for it."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Compared:
    """`operand operator value`."""

    operand: Operand
    operator: str
    value: Literal


@dataclass(frozen=True)
class Listed:
    """`operand IN (…)`, and its relatives."""

    operand: Operand
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Joined:
    """`operand IN (SELECT …)`."""

    operand: Operand
    negated: bool
    query: "Query"
    at: int


@dataclass(frozen=True)
class Logic:
    """Terms under one AND or OR."""

    word: str
    terms: "tuple[Condition, ...]"


@dataclass(frozen=True)
class Negation:
    """`NOT term`."""

    term: "Condition"


Condition = Compared | Listed | Joined | Logic | Negation


@dataclass(frozen=True)
class FieldItem:
    """One selected field or function, perhaps with an alias."""

    operand: Operand
    alias: str | None


@dataclass(frozen=True)
class FieldsItem:
    """`FIELDS(ALL)` and its relatives."""

    kind: str
    at: int


@dataclass(frozen=True)
class ChildItem:
    """A subquery over the children of each record."""

    query: "Query"
    at: int


Item = FieldItem | FieldsItem | ChildItem


@dataclass(frozen=True)
class Ordering:
    """One term of ORDER BY."""

    operand: Operand
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Query:
    """A whole statement."""

    items: tuple[Item, ...]
    source: Path
    alias: str | None
    scope: str | None
    where: Condition | None
    group: tuple[Operand, ...]
    having: Condition | None
    order: tuple[Ordering, ...]
    limit: int | None
    offset: int
    at: int
