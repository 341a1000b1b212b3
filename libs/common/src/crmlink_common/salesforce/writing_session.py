"""A session that writes records, the cheapest way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.bulk import IngestJobs
from crmlink_common.salesforce.bulk_query import QueryJobs
from crmlink_common.salesforce.bulk_way import Bulk, ByJobs
from crmlink_common.salesforce.names import name_of
from crmlink_common.salesforce.records import Record
from crmlink_common.salesforce.session import Session
from crmlink_common.salesforce.write_all import write_all
from crmlink_common.salesforce.write_keys import is_usual
from crmlink_common.salesforce.writes import ID, Operation, Outcome, Write, WriteOptions
from crmlink_common.salesforce.writing import Writing

AS_USUAL = WriteOptions()
BY_ITSELF = Bulk()


class WritingSession(Session):
    """Writes; every record gets an outcome, in the order of the records.

    One record takes a call of its own, up to 200 a Collections call, up to 1,000 a Composite of
    five of those; above 20,000 updates by id, and upserts by a unique external id, go by Bulk 2.0
    (see ``Bulk``). A call whose answer is lost is sent again for upserts by a unique external id
    alone (see ``Write.repeatable``); else its records' outcome is unknown. Look for what was
    created before another try, and let its absence count after eleven minutes only (see
    ``absence``); read what was updated or deleted again before anything else is written to it.
    """

    async def create(
        self, sobject: str, records: Sequence[Record], *, options: WriteOptions = AS_USUAL
    ) -> list[Outcome]:
        """Create records. An outcome may be unknown: then look before another try."""
        return await self._written(
            Write(Operation.CREATE, name_of(sobject), options=options), records
        )

    async def update(
        self,
        sobject: str,
        records: Sequence[Record],
        *,
        options: WriteOptions = AS_USUAL,
        bulk: Bulk = BY_ITSELF,
    ) -> list[Outcome]:
        """Update records, each with its ``Id``, never twice; of two with one id the last stands."""
        write = Write(Operation.UPDATE, name_of(sobject), ID, options=options)
        return await self._written(write, records, bulk)

    async def upsert(
        self,
        sobject: str,
        external_id_field: str,
        records: Sequence[Record],
        *,
        unique: bool = True,
        options: WriteOptions = AS_USUAL,
        bulk: Bulk = BY_ITSELF,
    ) -> list[Outcome]:
        """Create or update by an external id; one that is not unique is not tried twice.

        Raises:
            InvalidInputError: ``update_only`` of several records, or by a value no path carries.
        """
        field = name_of(external_id_field)
        if options.update_only and (len(records) > 1 or not _all_usual(records, field)):
            raise InvalidInputError("update_only takes one record with a plain key")
        write = Write(Operation.UPSERT, name_of(sobject), field, unique=unique, options=options)
        return await self._written(write, records, bulk)

    async def delete(
        self, sobject: str, ids: Sequence[str], *, options: WriteOptions = AS_USUAL
    ) -> list[Outcome]:
        """Delete records. Of unknown outcome: look which are there, and delete those."""
        write = Write(Operation.DELETE, name_of(sobject), ID, options=options)
        return await self._written(write, [{ID: one} for one in ids])

    def ingest_jobs(self, *, delete_read: bool = False) -> IngestJobs:
        """Return the way to Bulk 2.0 jobs that write: to attach to one, or to stop it."""
        means = self._means
        return IngestJobs(
            session=self, sleep=means.sleep, jitter=means.jitter, delete_read=delete_read
        )

    def query_jobs(self) -> QueryJobs:
        """Return the way to Bulk 2.0 jobs that read."""
        return QueryJobs(session=self, sleep=self._means.sleep, jitter=self._means.jitter)

    async def _written(
        self, write: Write, records: Sequence[Record], bulk: Bulk = BY_ITSELF
    ) -> list[Outcome]:
        """Wait for answers as long as the whole call may take: giving up costs a look-up each."""
        means = self._means
        patient = replace(means.timeouts, read=max(means.timeouts.read, means.timeouts.whole))
        writing = Writing(
            self, write, records, sleep=means.sleep, jitter=means.jitter, timeouts=patient
        )
        return await write_all(writing, ByJobs(self.ingest_jobs(), bulk))


def _all_usual(records: Sequence[Record], field: str) -> bool:
    return all(is_usual(record.get(field)) for record in records)
