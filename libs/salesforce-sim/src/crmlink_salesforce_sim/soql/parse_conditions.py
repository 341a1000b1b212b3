"""WHERE and HAVING to nodes."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from crmlink_salesforce_sim.soql.dates import is_literal
from crmlink_salesforce_sim.soql.nodes import (
    Compared,
    Condition,
    Function,
    Joined,
    Listed,
    Literal,
    Logic,
    Negation,
    Operand,
    Path,
    Query,
)
from crmlink_salesforce_sim.soql.place import complain
from crmlink_salesforce_sim.soql.reading import Reader

NEVER_NAMES = {
    *("AND", "FROM", "HAVING", "IN", "LIKE", "NOT", "NULL", "OR", "SELECT", "USING", "WHERE"),
    "WITH",
}
COMPARISONS = ("=", "!=", "<>", "<=", ">=", "<", ">", "LIKE")
LISTS = ("IN", "INCLUDES", "EXCLUDES")
UNITS = ("'mi'", "'km'")
Arguments = tuple[Path | Function | Literal, ...]


def _one(arguments: Arguments) -> bool:
    return len(arguments) == 1 and isinstance(arguments[0], Path | Function)


def _distance(arguments: Arguments) -> bool:
    match arguments:
        case (Path(), Function(name, _, _), Literal("STRING", unit, _)):
            return name.upper() == "GEOLOCATION" and unit.lower() in UNITS
        case _:
            return False


_DATES = (
    *("CALENDAR_YEAR", "CALENDAR_QUARTER", "CALENDAR_MONTH", "DAY_ONLY", "HOUR_IN_DAY"),
    *("FISCAL_YEAR", "FISCAL_QUARTER", "FISCAL_MONTH", "WEEK_IN_MONTH", "WEEK_IN_YEAR"),
    *("DAY_IN_MONTH", "DAY_IN_WEEK", "DAY_IN_YEAR", "CONVERTTIMEZONE"),
)
_OTHERS = ("COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX", "GROUPING")
_WRAPPERS = ("TOLABEL", "FORMAT", "CONVERTCURRENCY")
FUNCTIONS: dict[str, Callable[[Arguments], bool]] = {
    **dict.fromkeys((*_DATES, *_OTHERS, *_WRAPPERS), _one),
    "COUNT": lambda arguments: not arguments or _one(arguments),
    "DISTANCE": _distance,
    "FORMULA": lambda arguments: len(arguments) == 1 and isinstance(arguments[0], Literal),
}
CONSTANTS = ("NULL", "TRUE", "FALSE")
VALUES = ("STRING", "NUMBER", "CURRENCY", "DATE", "DATETIME", "TIME")


class ConditionParser(Reader, ABC):
    """Reads conditions; whole statements inside them are read by `query`."""

    @abstractmethod
    def query(self) -> Query:
        """Return the statement that starts here."""

    def conditions(self) -> Condition:
        """Return terms joined by AND, or by OR: to mix them takes brackets."""
        terms = [self._unit()]
        for word in ("AND", "OR"):
            if self.at(word):
                while self.accept(word):
                    terms.append(self._unit())
                return Logic(word, tuple(terms))
        return terms[0]

    def _unit(self) -> Condition:
        if self.accept("NOT"):
            return Negation(self._unit())
        if self.accept("("):
            inner = self.conditions()
            self.expect(")")
            return inner
        return self._comparison()

    def operand(self) -> Operand:
        """Return a field or a function."""
        if self.here.word in NEVER_NAMES and self.ahead().word != ".":
            raise self.unexpected()
        path = self.path()
        return self.function(path) if self.at("(") and len(path.names) == 1 else path

    def function(self, path: Path) -> Function:
        """Return the function of that name, its arguments read from here."""
        self.expect("(")
        arguments: list[Path | Function | Literal] = []
        if not self.at(")"):
            arguments.append(self._argument())
            while self.accept(","):
                arguments.append(self._argument())
        self.expect(")")
        made = Function(path.text, tuple(arguments), path.at)
        if made.kind not in FUNCTIONS or not FUNCTIONS[made.kind](made.arguments):
            message = f"unexpected token: '{path.text}'"
            raise complain(self.code, self.text, path.at, message)
        return made

    def _argument(self) -> Path | Function | Literal:
        if self.here.kind in ("STRING", "NUMBER"):
            token = self.take()
            return Literal(token.kind, token.text, token.at)
        if self.at("GEOLOCATION", "("):
            return self._geolocation()
        return self.operand()

    def _geolocation(self) -> Function:
        name = self.take()
        self.expect("(")
        latitude = self.value()
        self.expect(",")
        longitude = self.value()
        self.expect(")")
        for one in (latitude, longitude):
            if one.kind != "NUMBER":
                message = f"unexpected token: '{one.text}'"
                raise complain(self.code, self.text, one.at, message)
        return Function(name.text, (latitude, longitude), name.at)

    def _comparison(self) -> Condition:
        operand = self.operand()
        for word in COMPARISONS:
            if self.accept(word):
                operator = "!=" if word == "<>" else word
                return Compared(operand, operator, self.value())
        negated = self.accept("NOT")
        for word in LISTS[:1] if negated else LISTS:
            if self.accept(word):
                return self._listed(operand, f"NOT_{word}" if negated else word)
        raise self.unexpected()

    def _listed(self, operand: Operand, operator: str) -> Condition:
        self.expect("(")
        if self.at("SELECT") and operator in ("IN", "NOT_IN"):
            at = self.here.at
            query = self.query()
            self.expect(")")
            return Joined(operand, operator == "NOT_IN", query, at)
        values = [self.value()]
        while self.accept(","):
            values.append(self.value())
        self.expect(")")
        return Listed(operand, operator, tuple(values))

    def value(self) -> Literal:
        """Return a value; a word is one only when it is a constant or a date literal."""
        token = self.here
        if token.kind in VALUES:
            self.take()
            return Literal(token.kind, token.text, token.at)
        if token.word in CONSTANTS:
            self.take()
            return Literal(token.word, token.text, token.at)
        if token.kind == "WORD" and is_literal(token.word):
            return self._date_literal()
        raise self.unexpected()

    def _date_literal(self) -> Literal:
        token = self.take()
        if "_N_" not in token.word and not token.word.startswith("N_"):
            return Literal("LITERAL", token.word, token.at)
        self.expect(":")
        if self.here.kind != "NUMBER" or not self.here.text.isdigit():
            message = f"invalid date literal {token.text}:{self.here.text}"
            raise complain(self.code, self.text, token.at, message)
        return Literal("LITERAL", f"{token.word}:{self.take().text}", token.at)
