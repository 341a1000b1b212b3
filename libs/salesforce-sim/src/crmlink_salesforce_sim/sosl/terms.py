"""What a person searches for: words, phrases and operators, read from the text of FIND."""

import re
from dataclasses import dataclass

from crmlink_salesforce_sim.errors import ApiError

MOST_WITH_OPERATORS = 4000
MOST_CHARACTERS = 10_000
LEAST_CHARACTERS = 2
WILD = "*?"
_OPERATOR = {"AND", "OR", "NOT"}


@dataclass(frozen=True)
class Word:
    """One word or phrase: characters, each with whether it is a wildcard."""

    characters: tuple[tuple[str, bool], ...]
    phrase: bool = False


@dataclass(frozen=True)
class All:
    """Both have to match; with `without`, the second must not."""

    first: "Term"
    second: "Term"
    without: bool = False


@dataclass(frozen=True)
class Any:
    """Either has to match."""

    terms: "tuple[Term, ...]"


Term = Word | All | Any


def malformed(message: str) -> ApiError:
    """Return the error about a search that cannot be read."""
    return ApiError("MALFORMED_SEARCH", message)


def read_terms(text: str) -> Term | None:
    """Return what is searched for; None when it is so long that nothing is found."""
    if len(text) > MOST_CHARACTERS:
        return None
    parts = list(_parts(text))
    words = [one for one in parts if isinstance(one, Word) and not _operator(one)]
    if sum(map(_letters, words)) < LEAST_CHARACTERS:
        raise malformed("search term must be longer than one character")
    if len(text) > MOST_WITH_OPERATORS:
        parts = [*words]
    reader = _Terms(parts)
    found = reader.either()
    if reader.parts:
        raise malformed(f"unexpected token: '{reader.parts[0]}'")
    return found


def _letters(word: Word) -> int:
    return sum(not wild and not char.isspace() for char, wild in word.characters)


def _parts(text: str) -> list["Word | str"]:
    """Return words and brackets in order."""
    found: list[Word | str] = []
    word: list[tuple[str, bool]] = []
    quoted = False
    n = 0

    def close(*, phrase: bool = False) -> None:
        if word:
            found.append(Word(tuple(word), phrase))
            word.clear()

    while n < len(text):
        char = text[n]
        if char == "\\" and n + 1 < len(text):
            n += 1
            word.append((text[n], False))
        elif char == '"':
            close(phrase=quoted)
            quoted = not quoted
        elif quoted:
            word.append((char, char in WILD))
        elif char in "()":
            close()
            found.append(char)
        elif char.isspace():
            close()
        else:
            word.append((char, char in WILD))
        n += 1
    if quoted:
        raise malformed("unexpected token: '\"'")
    close()
    return found


def _operator(part: "Word | str") -> str | None:
    if not isinstance(part, Word) or part.phrase:
        return None
    text = "".join(char for char, _ in part.characters).upper()
    return text if text in _OPERATOR else None


class _Terms:
    """AND and AND NOT come before OR and are read from right to left; a space is AND."""

    def __init__(self, parts: "list[Word | str]") -> None:
        self.parts = parts

    def _next(self) -> str | None:
        return _operator(self.parts[0]) if self.parts else None

    def either(self) -> Term:
        terms = [self._both()]
        while self._next() == "OR":
            self.parts.pop(0)
            terms.append(self._both())
        return terms[0] if len(terms) == 1 else Any(tuple(terms))

    def _both(self) -> Term:
        first = self._unit()
        if not self.parts or self.parts[0] == ")" or self._next() == "OR":
            return first
        without = False
        if self._next() == "AND":
            self.parts.pop(0)
            if self._next() == "NOT":
                self.parts.pop(0)
                without = True
        return All(first, self._both(), without)

    def _unit(self) -> Term:
        if not self.parts:
            raise malformed("unexpected token: '}'")
        part = self.parts.pop(0)
        if part == "(":
            inner = self.either()
            if not self.parts or self.parts.pop(0) != ")":
                raise malformed("unexpected token: '('")
            return inner
        if not isinstance(part, Word) or _operator(part):
            shown = part if isinstance(part, str) else _operator(part)
            raise malformed(f"unexpected token: '{shown}'")
        return part


_PHONE = re.compile(r"[\d\s()+./-]+\Z")
LEAST_DIGITS = 7


def phone_digits(text: str) -> str | None:
    """Return the digits of a text that is a phone number as people type them."""
    plain = text.replace("\\", "").replace('"', "")
    digits = re.sub(r"\D", "", plain)
    return digits if _PHONE.match(plain) and len(digits) >= LEAST_DIGITS else None
