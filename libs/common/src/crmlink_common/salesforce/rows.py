"""Records by id or external id, and which have changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.composite import Subrequest
from crmlink_common.salesforce.errors import SalesforceError, lost
from crmlink_common.salesforce.ids import to_18
from crmlink_common.salesforce.names import (
    LONGEST_IN_URL,
    field_of,
    fields_of,
    name_of,
    time_of,
    value_of,
)
from crmlink_common.salesforce.records import (
    MALFORMED,
    Record,
    json_of,
    object_of,
    plain_record,
    read_retrieved,
)
from crmlink_common.salesforce.session import Session
from crmlink_common.salesforce.versions import Feature, require

IDS_PER_RETRIEVE = 2000


@dataclass(frozen=True, slots=True)
class Updated:
    """Ids of records created or changed, and up to when that is complete: the next start."""

    ids: list[str]
    latest_date_covered: datetime


@dataclass(frozen=True, slots=True)
class Deleted:
    """When each record was deleted, and the time that is told about."""

    at: dict[str, datetime]
    earliest_date_available: datetime
    latest_date_covered: datetime


def read_updated(told: Any) -> Updated:  # noqa: ANN401 - any JSON value
    """Read getUpdated's answer."""
    try:
        return Updated([to_18(one) for one in told["ids"]], _time(told["latestDateCovered"]))
    except MALFORMED:
        raise lost("MALFORMED_ANSWER", repeatable=True) from None


def read_deleted(told: Any) -> Deleted:  # noqa: ANN401 - any JSON value
    """Read getDeleted's answer."""
    try:
        rows = told["deletedRecords"]
        return Deleted(
            {to_18(one["id"]): _time(one["deletedDate"]) for one in rows},
            _time(told["earliestDateAvailable"]),
            _time(told["latestDateCovered"]),
        )
    except MALFORMED:
        raise lost("MALFORMED_ANSWER", repeatable=True) from None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class Rows(Session):
    """Reads records.

    A parent's fields, as ``Owner.Name``, are certain in queries alone; that rows tell them too is
    unverified.
    """

    async def get(
        self, sobject: str, record_id: str, fields: Sequence[str] | None = None
    ) -> Record:
        """Return one record, all its fields unless some are named; raise NotFoundError."""
        path = self.data_path(f"sobjects/{name_of(sobject)}/{to_18(record_id)}")
        return await self._row(path + fields_of(fields or ()))

    async def get_by_external_id(
        self, sobject: str, field: str, value: str, fields: Sequence[str] | None = None
    ) -> Record:
        """Return the record that has a value in an external id or other idLookup field.

        Raises:
            NotFoundError: there is none.
            ConflictError: there are several; its ``duplicates`` are their ids.
        """
        named = f"{name_of(sobject)}/{name_of(field)}/{value_of(value)}"
        return await self._row(self.data_path(f"sobjects/{named}") + fields_of(fields or ()))

    async def retrieve(
        self, sobject: str, ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, Record]:
        """Return the records that are there, by 18-character id; a call for each 2,000."""
        require(self.api_version, Feature.COLLECTIONS)
        wanted = list(dict.fromkeys(to_18(record_id) for record_id in ids))
        path = self.data_path(f"composite/sobjects/{name_of(sobject)}")
        names = list(dict.fromkeys(["Id", *map(field_of, fields)]))
        found: dict[str, Record] = {}
        for start in range(0, len(wanted), IDS_PER_RETRIEVE):
            body = {"ids": wanted[start : start + IDS_PER_RETRIEVE], "fields": names}
            told = json_of(await self.send("POST", path, json=body, repeatable=True))
            found |= read_retrieved(told)
        return found

    async def updated(self, sobject: str, start: datetime, end: datetime) -> Updated:
        """Return what was created or changed in a time of at most 30 days (facts §10).

        Raises:
            PermanentError: EXCEEDED_ID_LIMIT above 600,000 ids; INVALID_REPLICATION_DATE.
        """
        path = self._between(sobject, "updated", start, end)
        return read_updated(object_of(await self.send("GET", path)))

    async def deleted(self, sobject: str, start: datetime, end: datetime) -> Deleted:
        """Return what was deleted in a time that began at most 15 days ago (facts §10)."""
        path = self._between(sobject, "deleted", start, end)
        return read_deleted(object_of(await self.send("GET", path)))

    def _between(self, sobject: str, which: str, start: datetime, end: datetime) -> str:
        query = f"start={time_of(start)}&end={time_of(end)}"
        if start >= end:
            raise InvalidInputError("the time ends before it starts")
        return self.data_path(f"sobjects/{name_of(sobject)}/{which}/?{query}")

    async def _row(self, path: str) -> Record:
        if len(path) <= LONGEST_IN_URL:
            return plain_record(object_of(await self.send("GET", path)))
        [told] = await self.composite([Subrequest("GET", path)], repeatable=True)
        if isinstance(told, SalesforceError):
            raise told
        if not isinstance(told, dict):
            raise lost("MALFORMED_ANSWER", repeatable=True)
        return plain_record(told)
