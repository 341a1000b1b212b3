"""Searching: SOSL as text, or by its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.composite import Subrequest
from crmlink_common.salesforce.errors import SalesforceError, lost
from crmlink_common.salesforce.names import LONGEST_IN_URL, encoded, field_of, name_of
from crmlink_common.salesforce.records import MALFORMED, Record, json_of, plain_record
from crmlink_common.salesforce.session import Session
from crmlink_common.salesforce.versions import Feature, require

MOST_FOUND = 2000  # rows of a search (facts §4)
FIELD_GROUPS = frozenset({"ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR"})


@dataclass(frozen=True, slots=True)
class Found:
    """A record that a search found, and the object it is one of."""

    sobject: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchIn:
    """One object to search; ``where`` is a condition in SOQL, of fields that are asked for."""

    sobject: str
    fields: Sequence[str] = ()
    where: str = ""
    order_by: str = ""
    limit: int | None = None

    def rendered(self) -> dict[str, Any]:
        """Return it as the API takes it; raise InvalidInputError for names that are none."""
        told = {
            "name": name_of(self.sobject),
            "fields": [field_of(one) for one in self.fields],
            "where": self.where,
            "orderBy": self.order_by,
            "limit": self.limit,
        }
        return {name: value for name, value in told.items() if value not in ("", None, [])}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for, and where; the term is no SOSL and needs no escapes of it."""

    term: str
    sobjects: Sequence[SearchIn] = ()
    fields: Sequence[str] = ()  # of every object
    within: str = "ALL"  # fields that are searched: NAME, EMAIL, PHONE, SIDEBAR
    overall_limit: int = MOST_FOUND
    default_limit: int = 200  # of each object
    more: dict[str, Any] = field(default_factory=dict)  # spellCorrection, dataCategories ...

    def rendered(self) -> dict[str, Any]:
        """Return it as the API takes it; raise InvalidInputError."""
        if self.within not in FIELD_GROUPS or not 0 < self.overall_limit <= MOST_FOUND:
            raise InvalidInputError("not a group of fields, or a limit beyond 2,000")
        told: dict[str, Any] = {
            **self.more,
            "q": self.term,
            "in": self.within,
            "fields": [field_of(one) for one in self.fields],
            "sobjects": [one.rendered() for one in self.sobjects],
            "overallLimit": self.overall_limit,
            "defaultLimit": self.default_limit,
        }
        return {name: value for name, value in told.items() if value != []}


def read_found(told: Any) -> list[Found]:  # noqa: ANN401 - any JSON value
    """Read a search's answer; a plain list before version 37.0 (facts §4)."""
    try:
        rows = told if isinstance(told, list) else told["searchRecords"]
        return [Found(str(one["attributes"]["type"]), plain_record(one)) for one in rows]
    except MALFORMED:
        raise lost("MALFORMED_ANSWER", repeatable=True) from None


class Searches(Session):
    """What the search index finds: new records seconds to minutes after they were made."""

    async def search(self, sosl: str) -> list[Found]:
        """Return what a SOSL statement finds, at most 2,000 rows."""
        path = self.data_path(f"search?q={encoded(sosl)}")
        if len(path) <= LONGEST_IN_URL:
            return read_found(json_of(await self.send("GET", path)))
        [told] = await self.composite([Subrequest("GET", path)], repeatable=True)
        if isinstance(told, SalesforceError):
            raise told
        return read_found(told)

    async def parameterized_search(self, search: Search) -> list[Found]:
        """Return what a search by parameters finds."""
        require(self.api_version, Feature.PARAMETERIZED_SEARCH)
        path = self.data_path("parameterizedSearch")
        answer = await self.send("POST", path, json=search.rendered(), repeatable=True)
        return read_found(json_of(answer))
