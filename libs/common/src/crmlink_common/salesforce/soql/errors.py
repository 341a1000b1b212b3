"""What is wrong with a query, told by place: the query itself is never quoted."""

from __future__ import annotations

from collections.abc import Iterable

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.soql.vocabulary import READABLE

MOST_EXPECTED = 12


class SoqlError(InvalidInputError):
    """A query that is not sent. Never quotes it: ``code``, line and column tell.

    ``code`` is ``syntax_error`` for what is no SOQL, ``refused_*`` for SOQL that is not allowed
    here. ``expected`` lists at most twelve things that could have stood at the place instead;
    ``cure`` says so, if there is no better advice.
    """

    def __init__(
        self,
        code: str,
        *,
        line: int,
        column: int,
        cure: str | None = None,
        expected: Iterable[str] = (),
    ) -> None:
        self.expected = tuple(expected)
        wanted = f"Expected {', '.join(self.expected)}." if self.expected else None
        message = f"{code} at line {line}, column {column}"
        super().__init__(message, field="query", cure=cure or wanted)
        self.code = code
        self.line = line
        self.column = column


def at_place(
    text: str,
    at: int,
    *,
    code: str = "syntax_error",
    cure: str | None = None,
    expected: Iterable[str] = (),
) -> SoqlError:
    """Return the error for a position in the text."""
    return SoqlError(
        code,
        line=text.count("\n", 0, at) + 1,
        column=at - text.rfind("\n", 0, at),
        cure=cure,
        expected=expected,
    )


def readable(kinds: Iterable[str]) -> tuple[str, ...]:
    """Name kinds of words as a person would."""
    return tuple(sorted({READABLE.get(kind, kind) for kind in kinds})[:MOST_EXPECTED])
