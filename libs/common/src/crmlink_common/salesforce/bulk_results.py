"""What became of the records of an ingest job: found by their keys, since nothing else tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crmlink_common.errors import CrmLinkError, LimitError, NotConnectedError, TransientError
from crmlink_common.salesforce.bulk_csv import Row, rows_in
from crmlink_common.salesforce.bulk_job import Job, JobRef, JobState
from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforceUnknownOutcomeError,
    of_the_call,
    row_failure,
)
from crmlink_common.salesforce.records import Record
from crmlink_common.salesforce.session import Session
from crmlink_common.salesforce.write_keys import id_key, key_of
from crmlink_common.salesforce.writes import Operation, Outcome, Write

LARGEST_RESULTS = 1_000_000_000  # bytes: a job's upload, an id and an error to each row
TRIES = 3  # to read one answer that breaks off


@dataclass(slots=True)
class Results:
    """Outcomes by record, as far as the job has told them."""

    session: Session
    ref: JobRef
    write: Write
    records: Sequence[Record]
    found: dict[int, Outcome] = field(default_factory=dict)
    unread: SalesforceError | None = None  # why some answer could not be read
    _positions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Learn the keys; of two records with one key the job can hold only one."""
        for position, record in enumerate(self.records):
            key = self.write.key(record)
            if key is not None:
                self._positions.setdefault(key, position)

    async def read(self, job: Job) -> None:
        """Ask for no more than is needed to know all."""
        if job.processed or job.state is JobState.COMPLETE:
            await self._read("successfulResults", job)
            if not self.is_whole:
                await self._read("failedResults", job)
        if not self.is_whole:
            await self._read("unprocessedrecords/", job)

    @property
    def is_whole(self) -> bool:
        """Tell whether every record has an outcome."""
        return len(self.found) == len(self._positions)

    def outcomes(self, job: Job) -> list[Outcome]:
        """Return one per record: what the job says nothing of may have been done or not."""
        nothing_done = job.state in {JobState.FAILED, JobState.ABORTED} and not job.processed
        code = self.unread.salesforce_code if self.unread else "NO_RESULT"
        error = job.failure if nothing_done else SalesforceUnknownOutcomeError(code)
        missing = Outcome(ok=False, error=error)
        return [self.found.get(position, missing) for position in range(len(self.records))]

    async def _read(self, which: str, job: Job) -> None:
        """Read an answer from its start until it is whole: outcomes are found by key."""
        for left in range(TRIES, 0, -1):
            try:
                await self._read_once(which, job)
            except TransientError as exc:
                self.unread = of_the_call(exc)
                if left == 1 or isinstance(exc, LimitError | NotConnectedError):
                    return
            except CrmLinkError as exc:
                self.unread = of_the_call(exc)
                return
            else:
                return

    async def _read_once(self, which: str, job: Job) -> None:
        path = f"/services/data/v{self.ref.version}/jobs/ingest/{self.ref.job_id}/{which}"
        headers = {"Accept": "text/csv"}
        receiving = self.session.receive("GET", path, headers=headers, largest=LARGEST_RESULTS)
        async with receiving as received:
            async for rows in rows_in(received):
                for row in rows:
                    self._learn(which, row, job)

    def _learn(self, which: str, row: Row, job: Job) -> None:
        position = self._position(row)
        if position is None or position in self.found:
            return
        if which == "successfulResults":
            upserted = self.write.operation is Operation.UPSERT
            created = upserted and row.get("sf__created", "").lower() == "true"
            self.found[position] = Outcome(ok=True, record_id=row.get("sf__id"), created=created)
        elif which == "failedResults":
            error = row_failure(row.get("sf__error", ""))
            self.found[position] = Outcome(ok=False, error=error)
        else:
            self.found[position] = Outcome(ok=False, error=job.failure)

    def _position(self, row: Row) -> int | None:
        told = row.get(self.ref.key_field.lower()) or ""
        if self.write.by_id:
            told = told or row.get("sf__id", "")
        key = id_key(told) if self.write.by_id else key_of(told)
        return self._positions.get(key) if key is not None else None
