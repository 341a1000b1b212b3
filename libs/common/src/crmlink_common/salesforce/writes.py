"""Writing many records: how they are cut into calls, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmlink_common.salesforce.composite import HEAVY_PER_CALL
from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforcePermanentError,
    failure,
    lost,
)
from crmlink_common.salesforce.ids import is_id
from crmlink_common.salesforce.records import Record
from crmlink_common.salesforce.transport import json_body

PER_COLLECTION = 200
BYTES_PER_CALL = 5_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record; the class of ``error`` tells what to do."""

    ok: bool
    record_id: str | None = None
    created: bool | None = None
    error: SalesforceError | None = None


@dataclass(slots=True)
class Halvings:
    """How often calls of one write may be cut in two to find the record that spoils them."""

    left: int = 16

    def take(self) -> bool:
        """Use one up, if there is one."""
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class Write:
    """One kind of Collections request."""

    method: str
    path: str  # below composite/sobjects
    sobject: str
    repeatable: bool
    created: bool | None  # None: each answer tells
    by_id: bool = False
    halvings: Halvings = field(default_factory=Halvings)

    def body(self, records: Sequence[Record]) -> dict[str, Any]:
        """Render one Collections request."""
        return {"allOrNone": False, "records": [self._typed(record) for record in records]}

    def _typed(self, record: Record) -> Record:
        values = {name: value for name, value in record.items() if name != "attributes"}
        return {"attributes": {"type": self.sobject}, **values}

    def unfit(self, record: Record) -> SalesforceError | None:
        """Find what would make Salesforce refuse the whole call for one record's sake."""
        if self.by_id and not record.get("Id"):
            return SalesforcePermanentError("MISSING_ARGUMENT", fields=("Id",))
        if self.by_id and not is_id(str(record["Id"])):
            return SalesforcePermanentError("MALFORMED_ID", fields=("Id",))
        try:
            json_body(record)
        except (TypeError, ValueError, RecursionError):
            return SalesforcePermanentError("JSON_PARSER_ERROR")
        return None


def calls(records: Sequence[Record]) -> Iterator[list[list[Record]]]:
    """Cut records into calls of up to 5 Collections of up to 200, each call of some 5 MB."""
    call: list[list[Record]] = []
    collection: list[Record] = []
    size = 0
    for record in records:
        weight = len(json_body(record))
        if len(collection) == PER_COLLECTION:
            call.append(collection)
            collection = []
        if len(call) == HEAVY_PER_CALL or (size + weight > BYTES_PER_CALL and size):
            yield [*call, collection] if collection else call
            call, collection, size = [], [], 0
        collection.append(record)
        size += weight
    if collection:
        call.append(collection)
    if call:
        yield call


def read_outcomes(told: object, write: Write, count: int) -> list[Outcome]:
    """Read a Collections answer; one item per record, in their order."""
    if isinstance(told, SalesforceError):
        return spread(told, count)
    if not isinstance(told, list) or len(told) != count:
        return spread(lost("MALFORMED_ANSWER", repeatable=write.repeatable), count)
    return [_outcome(item, write) for item in told]


def spread(error: SalesforceError, count: int) -> list[Outcome]:
    """Let a call's failure be that of each of its records."""
    return [Outcome(ok=False, error=error)] * count


def _outcome(item: object, write: Write) -> Outcome:
    told = item if isinstance(item, dict) else {}
    record_id = told.get("id")
    if told.get("success") is True and isinstance(record_id, str):
        created = write.created if write.created is not None else bool(told.get("created"))
        return Outcome(ok=True, record_id=record_id, created=created)
    if told.get("success") is False:
        return Outcome(ok=False, error=failure(told.get("errors"), repeatable=True))
    return Outcome(ok=False, error=lost("MALFORMED_ANSWER", repeatable=write.repeatable))
