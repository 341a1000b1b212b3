"""What can be asked of one org."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from crmlink_common.errors import InvalidInputError, PermanentError
from crmlink_common.salesforce.composite import (
    HEAVY_PER_CALL,
    Subrequest,
)
from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforceTransientError,
)
from crmlink_common.salesforce.ids import to_18
from crmlink_common.salesforce.records import (
    QueryResult,
    Record,
    json_of,
    own_path,
    plain_record,
    read_page,
    read_retrieved,
)
from crmlink_common.salesforce.writing_session import WritingSession

LONGEST_IN_URL = 4000  # a longer query goes in the body of a Composite
IDS_PER_RETRIEVE = 2000
ROWS_OF_MANY = 2000
NAME = re.compile(r"[A-Za-z]\w{0,254}", re.ASCII)
FIELD = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*", re.ASCII)


class Org(WritingSession):
    """One workspace's org. Every method raises the errors of ``crmlink_common.errors``."""

    async def query(self, soql: str, *, include_deleted: bool = False) -> QueryResult:
        """Return the first page."""
        path = self._query_path(soql, include_deleted=include_deleted)
        if len(path) <= LONGEST_IN_URL:
            return read_page(json_of(await self.send("GET", path)))
        [told] = await self.composite([Subrequest("GET", path)], repeatable=True)
        if isinstance(told, SalesforceError):
            raise told
        return read_page(told)

    async def query_more(self, next_path: str) -> QueryResult:
        """Return the page that another page named."""
        return read_page(json_of(await self.send("GET", own_path(next_path))))

    async def query_pages(
        self, soql: str, *, include_deleted: bool = False, max_records: int
    ) -> AsyncIterator[list[Record]]:
        """Yield pages until all or max_records are told."""
        page = await self.query(soql, include_deleted=include_deleted)
        left = max_records
        while page.records and left > 0:
            yield page.records[:left]
            left -= len(page.records)
            if left <= 0 or page.next_path is None:
                return
            page = await self.query_more(page.next_path)
        if page.next_path is not None and left > 0:
            raise SalesforceTransientError("MALFORMED_ANSWER")  # a next page, yet no record

    async def query_many(
        self, soqls: Sequence[str], *, include_deleted: bool = False
    ) -> list[QueryResult | SalesforceError]:
        """Ask five queries a call; of each all rows, at most 2000, or its error."""
        results: list[QueryResult | SalesforceError] = []
        for start in range(0, len(soqls), HEAVY_PER_CALL):
            some = soqls[start : start + HEAVY_PER_CALL]
            paths = [self._query_path(soql, include_deleted=include_deleted) for soql in some]
            requests = [Subrequest("GET", path) for path in paths]
            for told in await self.composite(requests, repeatable=True):
                failed = isinstance(told, SalesforceError)
                results.append(told if failed else await self._completed(read_page(told)))
        return results

    async def retrieve(
        self, sobject: str, ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, Record]:
        """Return the records that are there, by 18-character id."""
        wanted = list(dict.fromkeys(to_18(record_id) for record_id in ids))
        path = self.data_path(f"composite/sobjects/{_name(sobject)}")
        names = list(dict.fromkeys(["Id", *map(_field, fields)]))
        found: dict[str, Record] = {}
        for start in range(0, len(wanted), IDS_PER_RETRIEVE):
            body = {"ids": wanted[start : start + IDS_PER_RETRIEVE], "fields": names}
            told = json_of(await self.send("POST", path, json=body, repeatable=True))
            found |= read_retrieved(told)
        return found

    async def get(
        self, sobject: str, record_id: str, fields: Sequence[str] | None = None
    ) -> Record:
        """Return one record; raise NotFoundError."""
        path = self.data_path(f"sobjects/{_name(sobject)}/{to_18(record_id)}")
        if fields:
            path += "?fields=" + ",".join(map(_field, fields))
        return plain_record(_object(await self.send("GET", path)))

    async def describe(self, sobject: str) -> dict[str, Any]:
        """Return the object's description, at most a minute old."""
        known = self._means.descriptions
        key = (self.workspace_id, self.org_id, _name(sobject))
        found = known.find(key)
        if found and known.is_fresh(found):
            return found.told
        since = {"If-Modified-Since": found.last_modified} if found and found.last_modified else {}
        path = self.data_path(f"sobjects/{sobject}/describe")
        answer = await self.send("GET", path, headers=since)
        if found and answer.status_code == httpx.codes.NOT_MODIFIED:
            return known.keep(key, found.told, found.last_modified)
        last_modified = answer.headers.get("last-modified") or answer.headers.get("date", "")
        return known.keep(key, _object(answer), last_modified)

    async def limits(self) -> dict[str, Any]:
        """Return the org's limits and what is left of them."""
        return _object(await self.send("GET", self.data_path("limits")))

    async def identity(self) -> dict[str, Any]:
        """Return who is connected; not counted against the limit."""
        return _object(await self.send("GET", "/services/oauth2/userinfo"))

    def _query_path(self, soql: str, *, include_deleted: bool = False) -> str:
        verb = "queryAll" if include_deleted else "query"
        return self.data_path(f"{verb}?q={quote(soql, safe='')}")

    async def _completed(self, page: QueryResult) -> QueryResult:
        records = list(page.records)
        total, following = page.total_size, page.next_path
        while following is not None and total <= ROWS_OF_MANY:
            page = await self.query_more(following)
            records += page.records
            following = page.next_path if page.records else None
        if total > ROWS_OF_MANY:
            raise PermanentError("more rows than query_many returns")
        if page.next_path is not None:
            raise SalesforceTransientError("MALFORMED_ANSWER")  # a next page, yet no record
        return QueryResult(records, total, done=True)


def _object(response: httpx.Response) -> dict[str, Any]:
    told = json_of(response)
    if not isinstance(told, dict):
        raise SalesforceTransientError("MALFORMED_ANSWER")
    return told


def _name(text: str) -> str:
    if NAME.fullmatch(text) is None:
        raise InvalidInputError("not the name of an object or field")
    return text


def _field(text: str) -> str:
    if FIELD.fullmatch(text) is None:
        raise InvalidInputError("not the name of a field")
    return text
