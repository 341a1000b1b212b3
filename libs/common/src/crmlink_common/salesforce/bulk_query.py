"""Bulk 2.0 query: a job's rows page by page, in little memory, and again after a restart."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from urllib.parse import quote

from crmlink_common.errors import LimitError, NotConnectedError, TransientError
from crmlink_common.salesforce.bulk_csv import Row, rows_in
from crmlink_common.salesforce.bulk_job import (
    ENDED,
    Job,
    JobState,
    Polling,
    QueryJobRef,
    begun,
    read_job,
)
from crmlink_common.salesforce.errors import SalesforceTransientError
from crmlink_common.salesforce.records import json_of
from crmlink_common.salesforce.session import Session

ROWS_PER_PAGE = 50_000
LARGEST_PAGE = 1_000_000_000  # bytes
TRIES = 3  # to read one page that breaks off
END = "null"  # a locator that names no page


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryJobs:
    """Query jobs of one org. ``clock`` is in seconds and never goes back."""

    session: Session
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    polling: Polling = field(default_factory=Polling)

    async def begin(self, soql: str, *, include_deleted: bool = False) -> QueryJobRef:
        """Begin a job; no aggregates, GROUP BY, OFFSET, TYPEOF, subqueries or compound fields."""
        told = {"operation": "queryAll" if include_deleted else "query", "query": soql}
        told |= {"contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF"}
        job = await begun(self.session, "jobs/query", told)
        return QueryJobRef(job_id=job.job_id, version=self.session.api_version)

    async def ended(self, ref: QueryJobRef, *, within: float) -> Job | None:
        """Wait for the job's end; None when it goes on after ``within`` seconds.

        Raises:
            SalesforceError: the job failed, or was aborted.
        """
        deadline, look = self.clock() + within, 0
        while True:
            job = await self._looked(ref)
            if job is not None and job.state in ENDED:
                if job.state is JobState.COMPLETE:
                    return job
                raise job.failure
            wait = self.polling.wait(look, self.jitter())
            if self.clock() + wait > deadline:
                return None
            await self.sleep(wait)
            look += 1

    async def pages(
        self, ref: QueryJobRef, *, max_rows: int, rows_per_page: int = ROWS_PER_PAGE
    ) -> AsyncIterator[list[Row]]:
        """Yield rows of a job that is complete as they come, ``max_rows`` in all.

        Every cell is text, by the lower-case name of its column; null is empty text. A page that
        breaks off is asked for again, and no row is told twice.
        """
        locator: str | None = ""
        left = max_rows
        while locator is not None and left > 0:
            page = _Page(self.session, ref, locator, min(rows_per_page, left))
            async with aclosing(page.parts()) as parts:
                async for part in parts:
                    if left > 0:
                        yield part[:left]
                    left -= len(part)
            locator = page.following

    async def abort(self, ref: QueryJobRef) -> None:
        """Stop a job that nobody wants any more."""
        await self.session.send("PATCH", _path(ref), json={"state": "Aborted"}, repeatable=True)

    async def delete(self, ref: QueryJobRef) -> None:
        """Delete a job that has ended, with its results."""
        await self.session.send("DELETE", _path(ref), repeatable=True)

    async def _looked(self, ref: QueryJobRef) -> Job | None:
        try:
            return read_job(json_of(await self.session.send("GET", _path(ref))))
        except (LimitError, NotConnectedError):
            raise
        except TransientError:
            return None


@dataclass(slots=True)
class _Page:
    """One page of results, read again from its start when it breaks off."""

    session: Session
    ref: QueryJobRef
    locator: str
    size: int
    following: str | None = None
    _told: int = 0

    async def parts(self) -> AsyncGenerator[list[Row]]:
        for left in range(TRIES, 0, -1):
            try:
                async with aclosing(self._read(self._told)) as parts:
                    async for part in parts:
                        self._told += len(part)
                        yield part
            except (LimitError, NotConnectedError):
                raise
            except TransientError:
                if left == 1:
                    raise
            else:
                return

    async def _read(self, skip: int) -> AsyncGenerator[list[Row]]:
        path = f"{_path(self.ref)}/results?maxRecords={self.size}"
        if self.locator:
            path += f"&locator={quote(self.locator, safe='')}"
        headers = {"Accept": "text/csv"}
        receiving = self.session.receive("GET", path, headers=headers, largest=LARGEST_PAGE)
        async with receiving as received:
            following = received.headers.get("sforce-locator", END)
            if following == self.locator:
                raise SalesforceTransientError("MALFORMED_ANSWER")  # it would never end
            self.following = None if following == END else following
            async for rows in rows_in(received):
                fresh = rows[skip:]
                skip -= len(rows) - len(fresh)
                if fresh:
                    yield fresh


def _path(ref: QueryJobRef) -> str:
    return f"/services/data/v{ref.version}/jobs/query/{ref.job_id}"
