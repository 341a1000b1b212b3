"""A reader over tokens: what comes next, and complaints about what should not."""

from dataclasses import dataclass
from typing import ClassVar

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.soql.nodes import Path
from crmlink_salesforce_sim.soql.place import complain
from crmlink_salesforce_sim.soql.tokens import END, WORD, Token

MOST_WHOLE, MOST_DIGITS = 2**31 - 1, 10


@dataclass
class Reader:
    """Reads tokens one by one; `code` is that of its complaints."""

    text: str
    tokens: list[Token]
    n: int = 0
    code: ClassVar[str] = "MALFORMED_QUERY"

    @property
    def here(self) -> Token:
        """Return the token that comes next."""
        return self.tokens[self.n]

    def ahead(self, steps: int = 1) -> Token:
        """Return a token further on; the END stays the last."""
        return self.tokens[min(self.n + steps, len(self.tokens) - 1)]

    def take(self) -> Token:
        """Return the next token and step over it."""
        token = self.tokens[self.n]
        if token.kind != END:
            self.n += 1
        return token

    def at(self, *words: str) -> bool:
        """Tell whether these keywords or marks come next; a string never is one."""
        return all(
            token.kind != "STRING" and token.word == word
            for token, word in zip(self.tokens[self.n : self.n + len(words)], words, strict=False)
        ) and self.n + len(words) <= len(self.tokens)

    def accept(self, *words: str) -> bool:
        """Step over these keywords when they come next."""
        if self.at(*words):
            self.n += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Step over these keywords, or complain about what is there."""
        for word in words:
            if not self.accept(word):
                raise self.unexpected()

    def name(self) -> Token:
        """Return the next token, which has to be a word."""
        if self.here.kind not in (WORD, "CURRENCY"):
            raise self.unexpected()
        return self.take()

    def path(self) -> Path:
        """Return words joined by dots."""
        first = self.name()
        names = [first.text]
        while self.accept("."):
            names.append(self.name().text)
        return Path(tuple(names), first.at)

    def whole(self) -> int:
        """Return a number of rows: digits alone."""
        if self.here.kind != "NUMBER" or not self.here.text.isdigit():
            raise self.unexpected()
        if len(self.here.text) > MOST_DIGITS or int(self.here.text) > MOST_WHOLE:
            message = f'For input string: "{self.here.text}"'
            raise complain(self.code, self.text, self.here.at, message)
        return int(self.take().text)

    def unexpected(self) -> ApiError:
        """Return a complaint about the next token."""
        token = self.here
        if token.word == ":":
            message = "Bind variables only allowed in Apex code"
            return complain(self.code, self.text, token.at, message)
        message = f"unexpected token: '{token.text}'"
        return complain(self.code, self.text, token.at, message)
