"""What a SOQL statement says, with the place of each part for error messages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Path:
    """A field, or a field of a parent: `Account.Owner.Name`."""

    names: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        """Return the path as it is written."""
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value: its kind is the name of its token, or NULL, TRUE, FALSE, LITERAL."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Function:
    """An aggregate, a date function, or a wrapper such as toLabel()."""

    name: str
    arguments: "tuple[Path | Function | Literal, ...]"
    at: int

    @property
    def kind(self) -> str:
        """Return the name as functions are known by: in capitals."""
        return self.name.upper()

    @property
    def text(self) -> str:
        """Return the function as it is written."""
        return f"{self.name}({', '.join(one.text for one in self.arguments)})"


Operand = Path | Function


@dataclass(frozen=True, slots=True)
class Compared:
    """`operand operator value`."""

    operand: Operand
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Listed:
    """`operand IN (…)`, and its relatives."""

    operand: Operand
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """`operand IN (SELECT …)`."""

    operand: Operand
    negated: bool
    query: "Query"
    at: int


@dataclass(frozen=True, slots=True)
class Logic:
    """Terms under one AND or OR."""

    word: str
    terms: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Negation:
    """`NOT term`."""

    term: "Condition"


Condition = Compared | Listed | Joined | Logic | Negation


@dataclass(frozen=True, slots=True)
class FieldItem:
    """One selected field or function, perhaps with an alias."""

    operand: Operand
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class FieldsItem:
    """`FIELDS(ALL)` and its relatives."""

    kind: str
    at: int


@dataclass(frozen=True, slots=True)
class ChildItem:
    """A subquery over the children of each record."""

    query: "Query"
    at: int


@dataclass(frozen=True, slots=True)
class When:
    """What TYPEOF selects of one object."""

    sobject: Path
    items: tuple[Path | FieldsItem, ...]


@dataclass(frozen=True, slots=True)
class TypeofItem:
    """`TYPEOF path WHEN … THEN … ELSE … END`."""

    path: Path
    whens: tuple[When, ...]
    otherwise: tuple[Path | FieldsItem, ...]
    at: int


Item = FieldItem | FieldsItem | ChildItem | TypeofItem


@dataclass(frozen=True, slots=True)
class Source:
    """An object, a child relationship or a path over parents in FROM, with its alias."""

    path: Path
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Ordering:
    """One term of ORDER BY."""

    operand: Operand
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Grouping:
    """GROUP BY: plain, ROLLUP or CUBE."""

    kind: str
    operands: tuple[Operand, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Query:
    """A whole statement."""

    items: tuple[Item, ...]
    sources: tuple[Source, ...]
    at: int = 0
    scope: Path | None = None
    where: Condition | None = None
    unexecuted: str | None = None
    grouping: Grouping | None = None
    having: Condition | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int | None = None
    purposes: tuple[str, ...] = ()
    all_rows: bool = False

    @property
    def source(self) -> Path:
        """Return the object, or the relationship, the statement is about."""
        return self.sources[0].path

    @property
    def alias(self) -> str | None:
        """Return the other name of the source."""
        return self.sources[0].alias

    @property
    def group(self) -> tuple[Operand, ...]:
        """Return what rows are grouped by."""
        return self.grouping.operands if self.grouping else ()
