"""A statement as tokens: words, values and marks, each with its place."""

import re
from dataclasses import dataclass

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.soql.place import complain, unreadable

END = "END"
WORD = "WORD"
MARK = "MARK"
OPERATORS = "*+-/!"
_TOKEN = re.compile(
    r"""
      (?P<SPACE>\s+|//[^\n]*|/\*.*?\*/)
    | (?P<DATETIME>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})(?!\w))
    | (?P<DATE>\d{4}-\d{2}-\d{2}(?!\w))
    | (?P<TIME>\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?(?!\w))
    | (?P<NUMBER>[+-]?\s?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?(?!\w))
    | (?P<CURRENCY>[a-z]{3}-?\d+(?:\.\d*)?(?![\w.]))
    | (?P<WORD>[a-z]\w*)
    | (?P<STRING>'(?:\\.|[^'\\])*')
    | (?P<MARK><=|>=|<>|!=|[=<>(),.:])
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `word` is its text in capitals, as keywords compare."""

    kind: str
    text: str
    at: int
    word: str


def tokens_of(text: str, code: str = "MALFORMED_QUERY") -> list[Token]:
    """Return the tokens of a statement, an END last; raise an error of that code."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _strange(code, text, at)
        kind = match.lastgroup or MARK
        if kind != "SPACE":
            part = match.group()
            found.append(Token(kind, part, at, part.upper()))
        at = match.end()
    found.append(Token(END, "<EOF>", len(text), "<EOF>"))
    return found


def _strange(code: str, text: str, at: int) -> ApiError:
    if text[at] == "'":
        message = "mismatched character '<EOF>' expecting '''"
        return unreadable(code, text, len(text), message)
    if text[at] in OPERATORS:
        return complain(code, text, at, f"unexpected token: '{text[at]}'")
    return unreadable(code, text, at, f"no viable alternative at character '{text[at]}'")
