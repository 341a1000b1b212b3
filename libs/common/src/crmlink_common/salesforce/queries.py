"""Queries: pages, several in a call, and the pages of child records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from crmlink_common.errors import PermanentError
from crmlink_common.salesforce.composite import HEAVY_PER_CALL, Subrequest
from crmlink_common.salesforce.errors import SalesforceError, SalesforceTransientError
from crmlink_common.salesforce.names import LONGEST_IN_URL, encoded
from crmlink_common.salesforce.records import (
    QueryResult,
    Record,
    json_of,
    own_path,
    read_page,
)
from crmlink_common.salesforce.session import Session

ROWS_OF_MANY = 2000
PAGE_SIZES = range(200, 2001)


class Queries(Session):
    """Asks in SOQL. ``include_deleted`` asks queryAll: deleted and archived records too."""

    async def query(
        self, soql: str, *, include_deleted: bool = False, page_size: int | None = None
    ) -> QueryResult:
        """Return the first page; ``page_size``, 200 to 2,000 records, is but a wish (facts §2)."""
        path = self._query_path(soql, include_deleted=include_deleted)
        if len(path) <= LONGEST_IN_URL:
            wish = page_size if page_size in PAGE_SIZES else None
            headers = {"Sforce-Query-Options": f"batchSize={wish}"} if wish else {}
            return read_page(json_of(await self.send("GET", path, headers=headers)))
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

    async def with_children(self, records: Sequence[Record], *, max_children: int) -> list[Record]:
        """Return records with the further pages of their child records.

        At most ``max_children`` of them are asked for beyond those at hand; a list that is then
        still incomplete says ``done: false``.
        """
        left = [max_children]
        return [await self._whole(record, left) for record in records]

    async def _whole(self, record: Mapping[str, Any], left: list[int]) -> Record:
        return {name: await self._grown(value, left) for name, value in record.items()}

    async def _grown(self, value: Any, left: list[int]) -> Any:  # noqa: ANN401 - any JSON value
        if not isinstance(value, dict) or not isinstance(value.get("records"), list):
            return value
        rows, following = list(value["records"]), value.get("nextRecordsUrl")
        while following and left[0] > 0:
            page = await self.query_more(str(following))
            if not page.records:
                raise SalesforceTransientError("MALFORMED_ANSWER")  # a next page, yet no record
            taken = page.records[: left[0]]
            left[0] -= len(taken)
            rows += taken
            following = page.next_path if len(taken) == len(page.records) else None
        told = {
            "totalSize": value.get("totalSize", len(rows)),
            "done": value.get("totalSize", len(rows)) <= len(rows),
            "records": [await self._whole(row, left) for row in rows],
        }
        return {**told, "nextRecordsUrl": following} if following else told

    def _query_path(self, soql: str, *, include_deleted: bool = False) -> str:
        verb = "queryAll" if include_deleted else "query"
        return self.data_path(f"{verb}?q={encoded(soql)}")

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
