"""The words of a query: cut by what the grammar may take next."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from datetime import date

from lark import Token
from lark.lexer import Lexer, LexerState

from crmlink_common.salesforce.soql import vocabulary as known
from crmlink_common.salesforce.soql.trial import State, takes


class Word(Token):
    """A token that knows where it begins and ends; lines are counted only for an error."""

    __slots__ = ()
    line = None
    column = None
    end_line = None
    end_column = None
    start_pos: int
    end_pos: int

    def __new__(cls, kind: str, text: str, start: int, end: int) -> Word:  # noqa: PYI034 - Token's own says Token
        word = str.__new__(cls, text)
        word.type = kind
        word.start_pos = start
        word.end_pos = end
        return word


UNREADABLE = "UNREADABLE"  # no grammar takes it
MARKS = frozenset({"COMMA", "LPAR", "RPAR", "EQUALS", "COMPARISON", "PATTERN"})
GAP = r"(?:\s|//[^\r\n]*|/\*(?:[^*]++|\*(?!/))*\*/)"
_NAME = r"(?P<NAME>[A-Za-z]\w*(?:\s*\.\s*[A-Za-z]\w*)*)"
_NUMBER = r"(?P<NUMBER>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.:-]))"
_ESCAPED = r"\\(?:[nNrRtTbBfF\"'\\]|u[0-9A-Fa-f]{4}"
_MARKS = r"(?P<COMMA>,)|(?P<LPAR>\()|(?P<RPAR>\))"
_STRING = rf"(?P<STRING>'(?:[^'\\]++|{_ESCAPED}))*+')"
_PATTERN = rf"(?P<PATTERN>'(?:[^'\\]++|{_ESCAPED}|[_%]))*+')"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
_ZONE = r"(?:[Zz]|[+-](?:0?\d|1[0-4])(?::?[0-5]\d)?)"
_LITERAL = (
    rf"(?P<DAY>\d{{4}}-\d{{2}}-\d{{2}}(?:[Tt]{_TIME}{_ZONE})?(?![\w:.]))"
    rf"|(?P<TIME>{_TIME}[Zz](?!\w))"
    rf"|{_NUMBER}"
    r"|(?P<CURRENCY>[A-Za-z]{3}[+-]?\d+(?:\.\d*)?(?![\w.:]))"
    r"|(?P<COUNTED>[A-Za-z]\w*\s*:\s*[+-]?\d{1,9}(?![\w.]))"
    r"|(?P<NAME>[A-Za-z]\w*(?![.:\w]))"
    rf"|{_MARKS}"
)
Cut = Callable[[str, int], re.Match[str] | None]


def _cut(*choices: str) -> Cut:
    return re.compile(f"{GAP}*+(?:{'|'.join(choices)})", re.ASCII).match


def _followed(by: str) -> Cut:
    return re.compile(by, re.ASCII | re.IGNORECASE).match


PLAIN = _cut(
    _NAME, _MARKS, r"(?P<EQUALS>=)|(?P<COMPARISON>!\s*=|<\s*=|>\s*=|<>|<|>)", _NUMBER, _STRING
)
VALUES = _cut(_STRING, _LITERAL)
PATTERNS = _cut(_PATTERN, _LITERAL)
GAPS = re.compile(f"{GAP}*+", re.ASCII)
OPENS = _followed(rf"{GAP}*+\(")
COUNTS = _followed(rf"{GAP}++\d")
BY = _followed(rf"{GAP}++(by)\b")
PAIRS = {
    "ORDER": ("ORDER_BY", BY),
    "GROUP": ("GROUP_BY", BY),
    "ALL": ("ALL_ROWS", _followed(rf"{GAP}++(rows)\b")),
}
NOT_PLAIN = (
    known.RESERVED | known.CONTEXTUAL.keys() | known.CALLED.keys() | PAIRS.keys() | {"OFFSET"}
)
LONGEST_WHOLE = 18
Allowed = Container[str]


class Words(Lexer):
    """Cuts lazily: the parser's state tells what the next word may be."""

    __future_interface__ = 2

    def __init__(self, _: object) -> None:
        self._cuts: dict[object, Cut] = {}

    def lex(self, lexer_state: LexerState, parser_state: State) -> Iterator[Token]:
        """Yield words; one that nothing can be made of ends the text."""
        text: str = lexer_state.text.text
        states = parser_state.parse_conf.states
        stack = parser_state.state_stack
        at, end = 0, len(text)
        while at < end:
            state = stack[-1]
            allowed = states[state]
            cut = self._cuts.get(state) or self._cuts.setdefault(state, _cut_for(allowed))
            found = cut(text, at)
            if found is None:
                start = gap_end(text, at)
                if start < end:
                    yield Word(UNREADABLE, "", start, start)
                return
            word = _word(text, found, parser_state, allowed)
            at = word.end_pos
            yield word


def gap_end(text: str, at: int) -> int:
    """Return where white space and comments end."""
    found = GAPS.match(text, at)
    return at if found is None else found.end()


def _cut_for(allowed: Allowed) -> Cut:
    if "PATTERN" in allowed:
        return PATTERNS
    return VALUES if "LITERAL" in allowed else PLAIN


def _word(text: str, found: re.Match[str], state: State, allowed: Allowed) -> Word:
    kind = found.lastgroup or UNREADABLE
    written = found[kind]
    end = found.end()
    start = end - len(written)
    if kind == "NAME":
        upper = written.upper()
        if "LITERAL" in allowed:
            kind = _value_kind(upper, allowed)
        elif "." in written:
            kind = "PATH"
        elif upper in NOT_PLAIN:
            return _keyword(text, upper, start, end, state)
    elif kind not in MARKS:
        kind = _kind(kind, written, allowed)
    return Word(kind, written, start, end)


def _value_kind(upper: str, allowed: Allowed) -> str:
    if upper in known.LITERALS:
        return "LITERAL"
    return upper if upper == "SELECT" and upper in allowed else UNREADABLE


def _kind(kind: str, written: str, allowed: Allowed) -> str:
    """Tell a value by what may stand here."""
    match kind:
        case "NUMBER" if "WHOLE" in allowed:
            return "WHOLE" if written.isdigit() and len(written) <= LONGEST_WHOLE else kind
        case "STRING" if "UNIT" in allowed:
            return "UNIT" if written.strip("' ").lower() in known.UNITS else kind
        case "NUMBER" | "CURRENCY" | "TIME" if "LITERAL" in allowed:
            return "LITERAL"
        case "DAY":
            return "LITERAL" if _is_day(written[:10]) else UNREADABLE
        case "COUNTED":
            name = written.partition(":")[0].rstrip().upper()
            return "LITERAL" if name in known.COUNTED else UNREADABLE
        case _:
            return kind


def _is_day(written: str) -> bool:
    try:
        date.fromisoformat(written)
    except ValueError:
        return False
    return True


def _keyword(text: str, upper: str, start: int, end: int, state: State) -> Word:
    """Tell a keyword from a name by what may come next and what does follow."""
    kind, follows = PAIRS.get(upper, ("", BY))
    if kind and takes(state, kind) and (found := follows(text, end)):
        return Word(kind, f"{text[start:end]} {found[1]}", start, found.end())
    if upper in known.CALLED and OPENS(text, end):
        kind = known.CALLED[upper]
    elif upper in known.RESERVED:
        kind = upper
    elif upper == "OFFSET":
        kind = upper if COUNTS(text, end) and takes(state, upper) else "NAME"
    else:
        kind = known.CONTEXTUAL.get(upper, "NAME")
        kind = kind if _means(kind, state) else "NAME"
    return Word(kind, text[start:end], start, end)


def _means(kind: str, state: State) -> bool:
    """Tell whether a word is the keyword it looks like."""
    allowed = state.parse_conf.states[state.position]
    return kind in allowed and ("NAME" not in allowed or takes(state, kind))
