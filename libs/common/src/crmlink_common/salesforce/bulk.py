"""Bulk 2.0 ingest: a job's id is handed over before its upload, its results are found by key."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from crmlink_common.errors import (
    CrmLinkError,
    InvalidInputError,
    LimitError,
    NotConnectedError,
    NotFoundError,
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.bulk_csv import (
    Cells,
    cells_of,
    columns_of,
    lines_of,
    parts_of,
    size_of,
)
from crmlink_common.salesforce.bulk_job import (
    ENDED,
    Job,
    JobRef,
    JobState,
    Polling,
    begun,
    read_job,
)
from crmlink_common.salesforce.bulk_results import Results
from crmlink_common.salesforce.errors import (
    SalesforceTransientError,
    SalesforceUnknownOutcomeError,
    of_the_call,
)
from crmlink_common.salesforce.opening import OF_STREAMS
from crmlink_common.salesforce.records import Record, json_of
from crmlink_common.salesforce.session import Session
from crmlink_common.salesforce.writes import Operation, Outcome, Write, spread

BYTES_PER_JOB = 100_000_000
"""Of CSV, before compression: Salesforce takes 150 MB as base64 (Facts §7)."""
CLOSED = frozenset({*JobState} - {JobState.OPEN})
CHANGES = 3  # of a state, when answers are lost
STILL_RUNNING = "JOB_STILL_RUNNING"
UPLOADS = 3  # jobs begun anew when nobody knows whether the upload came through
CSV = "text/csv; charset=UTF-8"
JobCreated = Callable[[JobRef], Awaitable[None]]


async def told_nobody(_: JobRef) -> None:
    """For writes that nobody attaches to again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestJobs:
    """Ingest jobs of one org. ``clock`` is in seconds and never goes back."""

    session: Session
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    polling: Polling = field(default_factory=Polling)
    most_bytes: int = BYTES_PER_JOB
    delete_read: bool = False  # a job whose every result was read; else it is kept seven days

    async def run(
        self,
        write: Write,
        records: Sequence[Record],
        *,
        within: float,
        job_created: JobCreated = told_nobody,
        positions: Sequence[int] = (),
    ) -> list[Outcome]:
        """Write records as one job; return an outcome per record, in their order.

        ``within`` are the seconds it may take. When they are over, and when this is cancelled, the
        job goes on: records without a result are of unknown outcome until ``attach`` has read the
        job to its end. ``job_created`` is awaited before the upload, once per job begun.

        Raises:
            InvalidInputError: not an update by id or an upsert by a unique external id, no key
                twice, what no CSV can say, or more than one upload takes.
            CrmLinkError: the job could not be begun; nothing was written.
        """
        deadline = self.clock() + within
        rows = _rows(write, records, self.most_bytes)
        ref = await self._uploaded(write, rows, job_created, tuple(positions))
        try:
            await self._into(ref, JobState.UPLOAD_COMPLETE)
        except CrmLinkError as exc:
            return _unknown(exc, len(records))
        return await self._followed(ref, write, records, deadline)

    async def attach(
        self,
        ref: JobRef,
        records: Sequence[Record],
        *,
        within: float,
        job_created: JobCreated = told_nobody,
    ) -> list[Outcome]:
        """Go on with a job that was begun; ``records`` are those it was given, in any order.

        A job still open is aborted and its records are written by another: whether the upload came
        through nobody knows, and an open job has written nothing. So are those of a job that was
        aborted before it wrote anything.
        """
        deadline = self.clock() + within
        write = Write(Operation(ref.operation), ref.sobject, ref.key_field)
        try:
            job = await self.look(ref)
        except NotFoundError as exc:  # deleted, or older than seven days
            return _unknown(exc, len(records))
        if job.state is JobState.OPEN:
            job = await self.abort(ref)
        if job.state is not JobState.ABORTED or job.processed:
            return await self._followed(ref, write, records, deadline, job)
        left = max(0.0, deadline - self.clock())
        return await self.run(
            write, records, within=left, job_created=job_created, positions=ref.positions
        )

    async def look(self, ref: JobRef) -> Job:
        """Ask what the job says of itself."""
        return read_job(json_of(await self.session.send("GET", _path(ref))))

    async def abort(self, ref: JobRef) -> Job:
        """Stop a job; what it has written stays written. A job that has ended stays as it is."""
        return await self._into(ref, JobState.ABORTED)

    async def delete(self, ref: JobRef) -> None:
        """Delete a job that has ended, with its results."""
        await self.session.send("DELETE", _path(ref), repeatable=True)

    async def _uploaded(
        self,
        write: Write,
        rows: Sequence[Cells],
        job_created: JobCreated,
        positions: tuple[int, ...],
    ) -> JobRef:
        columns, lost = columns_of(rows), ""
        for _ in range(UPLOADS):
            ref = replace(await self._created(write), positions=positions)
            await job_created(ref)
            try:
                await self.session.send(
                    "PUT",
                    f"{_path(ref)}/batches",
                    content=lambda: parts_of(lines_of(columns, rows)),
                    content_type=CSV,
                    repeatable=False,  # a job takes one upload
                    timeouts=OF_STREAMS,
                )
            except CrmLinkError as exc:
                with suppress(CrmLinkError):  # an open job writes nothing, aborted or not
                    await self.abort(ref)
                if not isinstance(exc, UnknownOutcomeError):
                    raise
                lost = of_the_call(exc).salesforce_code
            else:
                return ref
        raise SalesforceTransientError(lost)  # nothing was closed, so nothing is written

    async def _created(self, write: Write) -> JobRef:
        told = {
            "object": write.sobject,
            "operation": write.operation.value,
            "contentType": "CSV",
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }
        if write.operation is Operation.UPSERT:
            told["externalIdFieldName"] = write.key_field
        return JobRef(
            job_id=(await begun(self.session, "jobs/ingest", told)).job_id,
            sobject=write.sobject,
            operation=write.operation.value,
            key_field=write.key_field,
            version=self.session.api_version,
        )

    async def _into(self, ref: JobRef, state: JobState) -> Job:
        """Change the state once: when the answer is lost the job itself tells."""
        reached = ENDED if state is JobState.ABORTED else CLOSED
        for left in range(CHANGES, 0, -1):
            try:
                answer = await self.session.send(
                    "PATCH", _path(ref), json={"state": state.value}, repeatable=False
                )
                return read_job(json_of(answer, repeatable=False), repeatable=False)
            except (UnknownOutcomeError, PermanentError):
                job = await self.look(ref)
                if job.state not in reached and left > 1:
                    continue
                if job.state not in reached:
                    raise
                return job
        return await self.look(ref)

    async def _followed(
        self,
        ref: JobRef,
        write: Write,
        records: Sequence[Record],
        deadline: float,
        job: Job | None = None,
    ) -> list[Outcome]:
        try:
            if job is None or job.state not in ENDED:
                job = await self._ended(ref, deadline)
        except CrmLinkError as exc:
            return _unknown(exc, len(records))
        if job is None:
            return spread(SalesforceUnknownOutcomeError(STILL_RUNNING), len(records))
        results = Results(self.session, ref, write, records)
        await results.read(job)
        if self.delete_read and results.is_whole:
            with suppress(CrmLinkError):  # Salesforce deletes it in a week
                await self.delete(ref)
        return results.outcomes(job)

    async def _ended(self, ref: JobRef, deadline: float) -> Job | None:
        """Look now and then; what is wrong with one look may be right at the next."""
        look = 0
        while True:
            wait = self.polling.wait(look, self.jitter())
            if self.clock() + wait > deadline:
                return None
            await self.sleep(wait)
            look += 1
            try:
                job = await self.look(ref)
            except (LimitError, NotConnectedError):
                raise
            except TransientError:
                continue
            if job.state in ENDED:
                return job


def _rows(write: Write, records: Sequence[Record], most_bytes: int) -> list[Cells]:
    rows = [row for row in map(cells_of, records) if row is not None]
    keys = {key for key in map(write.key, records) if key is not None}
    if not write.bulk or not len(records) == len(rows) == len(keys) > 0:
        raise InvalidInputError("not for Bulk 2.0")
    columns = len(columns_of(rows))
    if sum(size_of(row, columns) for row in rows) > most_bytes:
        raise InvalidInputError("more than one upload takes")
    return rows


def _unknown(error: CrmLinkError, count: int) -> list[Outcome]:
    return spread(SalesforceUnknownOutcomeError(of_the_call(error).salesforce_code), count)


def _path(ref: JobRef) -> str:
    return f"/services/data/v{ref.version}/jobs/ingest/{ref.job_id}"
