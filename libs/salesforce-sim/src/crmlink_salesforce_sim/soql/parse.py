"""SOQL text to nodes."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.soql.nodes import (
    ChildItem,
    FieldItem,
    FieldsItem,
    Grouping,
    Item,
    Ordering,
    Path,
    Query,
    Source,
    TypeofItem,
    When,
)
from crmlink_salesforce_sim.soql.parse_conditions import ConditionParser
from crmlink_salesforce_sim.soql.place import complain
from crmlink_salesforce_sim.soql.tokens import END, WORD, tokens_of

__all__ = ["complain", "parse"]

T = TypeVar("T")
MOST_CHARACTERS = 100_000
CACHED, MOST_CACHED = 512, 4000  # statements, and characters of one
RESERVED = {
    *("AND", "ASC", "DESC", "EXCLUDES", "FROM", "GROUP", "HAVING", "IN", "INCLUDES", "LIKE"),
    *("LIMIT", "NOT", "NULL", "OR", "ORDER", "SELECT", "USING", "WHERE", "WITH"),
}
AFTER_SOURCE = RESERVED | {"OFFSET", "FOR", "UPDATE", "ALL"}
FIELD_SETS = ("ALL", "STANDARD", "CUSTOM")
MODES = ("SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE")
SELECTORS = ("AT", "ABOVE", "BELOW", "ABOVE_OR_BELOW")
PURPOSES = ("VIEW", "REFERENCE", "UPDATE")
TRACKED = ("TRACKING", "VIEWSTAT")


class Parser(ConditionParser):
    """Reads one statement, clause by clause, in the only order there is."""

    def statement(self) -> Query:
        """Return the whole text as one statement."""
        query = self.query()
        if self.here.kind != END:
            raise self.unexpected()
        return query

    def query(self) -> Query:
        """Return the statement that starts here."""
        at = self.here.at
        self.expect("SELECT")
        items = self.many(self.item)
        self.expect("FROM")
        query = Query(tuple(items), tuple(self.many(self._source)), at)
        if self.accept("USING"):
            self.accept("SCOPE")
            query = replace(query, scope=self.path())
        if self.accept("WHERE"):
            query = replace(query, where=self.conditions())
        query = self._with(query)
        query = self._grouped(query)
        if self.accept("ORDER"):
            self.expect("BY")
            query = replace(query, order=tuple(self.many(self.ordering)))
        if self.accept("LIMIT"):
            query = replace(query, limit=self.whole())
        if self.accept("OFFSET"):
            query = replace(query, offset=self.whole())
        return self._purposes(query)

    def item(self) -> Item:
        """Return one element of a select list."""
        if self.accept("("):
            query = self.query()
            self.expect(")")
            return ChildItem(query, query.at)
        if self.at("TYPEOF") and self.ahead().kind == WORD and self.ahead().word != "FROM":
            return self._typeof()
        if self.at("FIELDS", "("):
            return self._field_set()
        operand = self.operand()
        alias = None
        offset = self.at("OFFSET") and self.ahead().kind == "NUMBER"  # as in RETURNING of SOSL
        named = self.here.kind in (WORD, "CURRENCY") and self.here.word not in RESERVED
        if named and not offset:
            alias = self.take().text
        return FieldItem(operand, alias)

    def _field_set(self) -> FieldsItem:
        at = self.take().at
        self.expect("(")
        if self.here.word not in FIELD_SETS:
            raise self.unexpected()
        kind = self.take().word
        self.expect(")")
        return FieldsItem(kind, at)

    def _typeof(self) -> TypeofItem:
        at = self.take().at
        path = self.path()
        whens = []
        while self.accept("WHEN"):
            sobject = self.path()
            self.expect("THEN")
            whens.append(When(sobject, tuple(self.many(self._of_type))))
        otherwise = tuple(self.many(self._of_type)) if self.accept("ELSE") else ()
        if not whens:
            raise self.unexpected()
        self.expect("END")
        return TypeofItem(path, tuple(whens), otherwise, at)

    def _of_type(self) -> Path | FieldsItem:
        return self._field_set() if self.at("FIELDS", "(") else self.path()

    def _source(self) -> Source:
        path = self.path()
        self.accept("AS")
        named = self.here.kind in (WORD, "CURRENCY") and self.here.word not in AFTER_SOURCE
        if self.at("OFFSET") and self.ahead().kind == END:  # no keyword without its number
            named = True
        return Source(path, self.take().text if named else None)

    def _with(self, query: Query) -> Query:
        while self.accept("WITH"):
            if self.accept("DATA"):
                self.expect("CATEGORY")
                self.categories()
                query = replace(query, unexecuted="WITH DATA CATEGORY")
            elif self.here.word in MODES:
                self.take()
            elif self.accept("RECORDVISIBILITYCONTEXT"):
                self._visibility()
            else:
                self.conditions()
                query = replace(query, unexecuted="a WITH that filters")
        return query

    def categories(self) -> None:
        """Step over the terms of WITH DATA CATEGORY."""
        while True:
            self.path()
            if self.here.word not in SELECTORS:
                raise self.unexpected()
            self.take()
            if self.accept("("):
                self.many(self.path)
                self.expect(")")
            else:
                self.path()
            if not self.accept("AND"):
                return

    def _visibility(self) -> None:
        self.expect("(")
        while True:
            self.name()
            self.expect("=")
            self.value()
            if not self.accept(","):
                break
        self.expect(")")

    def _grouped(self, query: Query) -> Query:
        if not self.at("GROUP"):
            return query
        at = self.take().at
        self.expect("BY")
        kind = "PLAIN"
        if self.here.word in ("ROLLUP", "CUBE") and self.ahead().word == "(":
            kind = self.take().word
            self.expect("(")
        operands = tuple(self.many(self.operand))
        if kind != "PLAIN":
            self.expect(")")
        query = replace(query, grouping=Grouping(kind, operands, at))
        return replace(query, having=self.conditions()) if self.accept("HAVING") else query

    def ordering(self) -> Ordering:
        """Return one term of ORDER BY."""
        operand = self.operand()
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        last = False
        if self.accept("NULLS"):
            last = self.accept("LAST")
            if not last:
                self.expect("FIRST")
        return Ordering(operand, descending, last)

    def _purposes(self, query: Query) -> Query:
        purposes: list[str] = []
        while True:
            if self.accept("ALL"):
                self.expect("ROWS")
                query = replace(query, all_rows=True)
            elif self.accept("FOR"):
                purposes += self.many(self._purpose)
            elif self.accept("UPDATE"):
                purposes += self.many(lambda: self.one_of(TRACKED))
            else:
                return replace(query, purposes=tuple(purposes))

    def _purpose(self) -> str:
        self.accept("FOR")
        return self.one_of(PURPOSES)

    def one_of(self, words: tuple[str, ...]) -> str:
        """Return the next word, which has to be one of these."""
        if self.here.word not in words:
            raise self.unexpected()
        return self.take().word

    def many(self, read: Callable[[], T]) -> list[T]:
        """Return one or more things, with commas between them."""
        found = [read()]
        while self.accept(","):
            found.append(read())
        return found


@lru_cache(maxsize=CACHED)
def _parsed(text: str) -> Query:
    return Parser(text, tokens_of(text)).statement()


def parse(text: str) -> Query:
    """Return what the statement says, or raise MALFORMED_QUERY."""
    if not text.strip():
        raise ApiError("MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    if len(text) > MOST_CHARACTERS:
        raise ApiError("QUERY_TOO_COMPLICATED", "SOQL statement is longer than 100000 characters")
    return _parsed(text) if len(text) <= MOST_CACHED else Parser(text, tokens_of(text)).statement()
