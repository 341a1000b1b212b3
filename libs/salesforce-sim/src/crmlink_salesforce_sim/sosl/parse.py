"""SOSL text to nodes."""

import re
from dataclasses import replace

from crmlink_salesforce_sim.soql.nodes import FieldItem, Item, Path, Query, Source
from crmlink_salesforce_sim.soql.parse import Parser
from crmlink_salesforce_sim.soql.place import complain, unreadable
from crmlink_salesforce_sim.soql.tokens import END, tokens_of
from crmlink_salesforce_sim.sosl.nodes import Returning, Search
from crmlink_salesforce_sim.sosl.terms import malformed

MOST_CHARACTERS = 100_000
GROUPS = ("ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR")
NO_TERM = "No search term found. The search term must be enclosed in braces."
_FIND = re.compile(r"\s*FIND\s*\{((?:\\.|[^\\{}])*)\}", re.IGNORECASE | re.DOTALL)
_STRANGE = re.compile(r"(?:\\.|[^\\&|!\[\]^~])*[&|!\[\]^~]", re.DOTALL)  # not escaped
_FILTERS = ("DIVISION", "NETWORK", "PRICEBOOKID")


class SearchParser(Parser):
    """Reads what follows FIND {…}."""

    code = "MALFORMED_SEARCH"

    def search(self, term: str) -> Search:
        """Return the whole statement."""
        found = Search(self.text, term)
        if self.accept("IN"):
            found = replace(found, group=self._group())
        if self.accept("RETURNING"):
            found = replace(found, returning=tuple(self.many(self._returning)))
        while self.accept("WITH"):
            found = self._filter(found)
        if self.accept("LIMIT"):
            found = replace(found, limit=self.whole())
        if self.accept("UPDATE"):
            self.many(lambda: self.one_of(("TRACKING", "VIEWSTAT")))
        if self.here.kind != END:
            raise self.unexpected()
        return found

    def _group(self) -> str:
        group = self._word(GROUPS)
        self._word(("FIELDS",))
        return group

    def _word(self, words: tuple[str, ...]) -> str:
        token = self.here
        if token.word not in words:
            message = f"Malformed search token: {token.text}"
            raise complain(self.code, self.text, token.at - 1, message)
        return self.take().word

    def _returning(self) -> Returning:
        path = self.path()
        plain = Query((FieldItem(Path(("Id",), path.at)),), (Source(path),), path.at)
        if not self.accept("("):
            return Returning(plain)
        query, list_view = replace(plain, items=tuple(self.many(self._field))), None
        if self.accept("WHERE"):
            query = replace(query, where=self.conditions())
        if self.accept("USING"):
            self.expect("LISTVIEW", "=")
            list_view = self.name().text
        if self.accept("ORDER"):
            self.expect("BY")
            query = replace(query, order=tuple(self.many(self.ordering)))
        if self.accept("LIMIT"):
            query = replace(query, limit=self.whole())
        if self.accept("OFFSET"):
            query = replace(query, offset=self.whole())
        self.expect(")")
        return Returning(query, list_view)

    def _field(self) -> Item:
        if self.at("(") or self.at("FIELDS", "("):  # a subquery, a set of fields: SOQL has them
            raise self.unexpected()
        return self.item()

    def _filter(self, search: Search) -> Search:
        if self.accept("DATA"):
            self.expect("CATEGORY")
            self.categories()
            return replace(search, unexecuted="WITH DATA CATEGORY")
        if self.accept("METADATA"):
            self.expect("=")
            self.value()
            return replace(search, metadata=True)
        if self.here.word in _FILTERS:
            return self._named(search)
        if self.accept("SNIPPET"):
            if self.accept("("):
                self.expect("TARGET_LENGTH", "=")
                self.whole()
                self.expect(")")
        elif self.accept("SPELL_CORRECTION"):
            self.expect("=")
            self.value()
        else:
            self.one_of(("HIGHLIGHT", "USER_MODE", "SYSTEM_MODE", "SECURITY_ENFORCED"))
        return search

    def _named(self, search: Search) -> Search:
        word = self.take().word
        if self.accept("IN"):
            self.expect("(")
            self.many(self.value)
            self.expect(")")
        else:
            self.expect("=")
            self.value()
        return replace(search, unexecuted=f"WITH {word}")


def parse_search(text: str) -> Search:
    """Return what the statement says, or raise MALFORMED_SEARCH."""
    if len(text) > MOST_CHARACTERS:
        raise malformed("SOSL statement is longer than 100000 characters")
    if (found := _FIND.match(text)) is None or not found[1].strip():
        raise malformed(NO_TERM)
    if (strange := _STRANGE.match(found[1])) is not None:
        at = found.start(1) + strange.end() - 1
        message = f"mismatched character '{text[at]}' expecting '}}'"
        raise unreadable(SearchParser.code, text, at, message)
    blank = re.sub(r"\S", " ", found[0])  # places stay what they are
    return SearchParser(text, tokens_of(blank + text[found.end() :], SearchParser.code)).search(
        found[1]
    )
