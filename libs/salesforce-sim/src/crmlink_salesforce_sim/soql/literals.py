"""Values in SOQL: escapes in strings, and which kind of value fits which field."""

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.ids import full_id
from crmlink_salesforce_sim.schema import Field
from crmlink_salesforce_sim.soql.dates import Span, span_of
from crmlink_salesforce_sim.soql.nodes import Literal
from crmlink_salesforce_sim.soql.place import complain
from crmlink_salesforce_sim.times import read_date, read_datetime, written

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_UNICODE = re.compile(r"u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|u([0-9a-f]{4})", re.IGNORECASE)
MOST_CHARACTERS = 4000
WILD = "%_"
NUMBERS = ("int", "long", "double", "currency", "percent")
TIMES = ("date", "datetime", "time")
TYPE_NAMES = {"datetime": "dateTime", "long": "int"}
NO_PATTERNS = (*NUMBERS, *TIMES, "boolean", "id", "reference", "multipicklist")

Bound = str | int | float | None


@dataclass(frozen=True)
class Between:
    """A date or a time that stands for a span: bound on each side."""

    first: str
    end: str


@dataclass(frozen=True)
class Values:
    """Reads the values of one statement; `today` decides what date literals mean."""

    text: str
    now: datetime

    def bound(self, literal: Literal, field: Field) -> Bound | Between:
        """Return what SQL compares with, or refuse a value of another kind."""
        if literal.kind == "NULL":
            return None
        if field.type in TIMES:
            return self._time(literal, field)
        if field.type == "boolean":
            return self._boolean(literal, field)
        if field.type in NUMBERS:
            return self._number(literal, field)
        return self._string(literal, field)

    def like(self, literal: Literal, field: Field) -> tuple[str, str]:
        """Return a LIKE pattern for SQL, and the plain text it starts with."""
        if literal.kind != "STRING" or field.type in NO_PATTERNS:
            text = f"invalid operator on {field.type} field"
            raise complain("INVALID_QUERY_FILTER_OPERATOR", self.text, literal.at, text)
        characters = self._characters(literal, wild=True)
        pattern = "".join(
            char if _is_wild(char, one) else escaped(char) for char, one in characters
        )
        plain = takewhile(lambda pair: not _is_wild(*pair), characters)
        return pattern, "".join(char for char, _ in plain)

    def glob(self, literal: Literal) -> str:
        """Return a LIKE pattern as GLOB takes it, which tells letter case apart."""
        wild = {"%": "*", "_": "?"}
        return "".join(
            wild[char] if _is_wild(char, one) else f"[{char}]" if char in "*?[" else char
            for char, one in self._characters(literal, wild=True)
        )

    def _string(self, literal: Literal, field: Field) -> str:
        if literal.kind != "STRING":
            raise self._wrong(literal, field, "string", quotes="should be enclosed in quotes")
        text = "".join(char for char, _ in self._characters(literal, wild=False))
        if field.type not in ("id", "reference") or not text:
            return text
        if (found := full_id(text)) is None:
            message = f"invalid ID field: {text}"
            raise complain("INVALID_QUERY_FILTER_OPERATOR", self.text, literal.at, message)
        return found

    def _boolean(self, literal: Literal, field: Field) -> int:
        if literal.kind not in ("TRUE", "FALSE"):
            quotes = "should not be enclosed in quotes"
            raise self._wrong(literal, field, "boolean", quotes=quotes)
        return int(literal.kind == "TRUE")

    def _number(self, literal: Literal, field: Field) -> float:
        if literal.kind == "CURRENCY" and field.type == "currency":
            return float(literal.text[3:])
        if literal.kind != "NUMBER":
            quotes = "should not be enclosed in quotes"
            raise self._wrong(literal, field, field.type, quotes=quotes)
        return float(literal.text.replace(" ", ""))

    def _time(self, literal: Literal, field: Field) -> Bound | Between:
        found: Bound | Between = None
        if literal.kind == "LITERAL" and field.type != "time":
            if (span := span_of(literal.text, self.now.date())) is not None:
                found = self._between(span, field)
        elif literal.kind == "DATE" and field.type == "date" and (day := read_date(literal.text)):
            found = day.isoformat()
        elif literal.kind == "DATETIME" and field.type == "datetime":
            moment = read_datetime(literal.text)
            found = precise(moment) if moment else None
        elif literal.kind == "TIME" and field.type == "time":
            found = literal.text[:8] + ".000Z" if "." not in literal.text else literal.text
        if found is None:
            raise self._wrong(literal, field, field.type, quotes="should not be enclosed in quotes")
        return found

    def _between(self, span: Span, field: Field) -> Between:
        if field.type == "date":
            return Between(span.first.isoformat(), span.end.isoformat())
        first, end = (f"{day.isoformat()}T00:00:00.000+0000" for day in (span.first, span.end))
        return Between(first, end)

    def _wrong(self, literal: Literal, field: Field, kind: str, *, quotes: str) -> ApiError:
        kind = TYPE_NAMES.get(kind, kind)
        message = (
            f"value of filter criterion for field '{field.name}' must be of type {kind}"
            f" and {quotes}"
        )
        return complain("INVALID_FIELD", self.text, literal.at, message)

    def _characters(self, literal: Literal, *, wild: bool) -> list[tuple[str, bool]]:
        """Return each character with whether a backslash made it plain."""
        body, found, n = literal.text[1:-1], list[tuple[str, bool]](), 0
        if len(body) > MOST_CHARACTERS:
            raise ApiError("QUERY_TOO_COMPLICATED", "a string is longer than 4000 characters")
        while n < len(body):
            if body[n] != "\\":
                found.append((body[n], False))
                n += 1
                continue
            char, used = self._escaped(literal, body[n + 1 :], wild=wild)
            found.append((char, True))
            n += 1 + used
        return found

    def _escaped(self, literal: Literal, rest: str, *, wild: bool) -> tuple[str, int]:
        mark = rest[:1]
        if wild and mark in WILD:
            return mark, 1
        if found := _UNICODE.match(rest):
            return _unicode(found), found.end()
        if (char := ESCAPES.get(mark) or ESCAPES.get(mark.lower())) is None:
            message = (
                f"invalid string literal {literal.text}: illegal character sequence '\\{mark}'"
            )
            raise complain("MALFORMED_QUERY", self.text, literal.at, message)
        return char, 1


def escaped(text: str) -> str:
    """Return a text that LIKE takes as it is written."""
    return "".join("\\" + char if char in "%_\\" else char for char in text)


def _is_wild(char: str, plain: bool) -> bool:  # noqa: FBT001 - half of a pair
    return char in WILD and not plain


def precise(moment: datetime) -> str:
    """Return a moment as stored ones compare with it: milliseconds count."""
    return written(moment).replace(".000", f".{moment.microsecond // 1000:03d}")


def _unicode(found: re.Match[str]) -> str:
    """Return one character; half a pair of surrogates is none, and becomes U+FFFD."""
    units = b"".join(int(one, 16).to_bytes(2, "big") for one in found.groups() if one)
    return units.decode("utf-16-be", "replace")
