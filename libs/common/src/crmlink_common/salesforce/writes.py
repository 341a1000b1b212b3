"""Writing records: what is asked, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.calls import json_body
from crmlink_common.salesforce.errors import (
    SalesforceError,
    SalesforcePermanentError,
    failure,
    lost,
)
from crmlink_common.salesforce.ids import is_id, to_18
from crmlink_common.salesforce.records import Record
from crmlink_common.salesforce.write_keys import find, id_key, key_of, without

ID = "Id"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record; the class of ``error`` tells what to do.

    ``record_id`` is None for an upsert that updated in an API version below 46.0, which tells no
    id. ``created`` is None where it cannot be known: an upsert that was sent twice, since the
    answer to the first was lost, may have created the record that the second updated.
    """

    ok: bool
    record_id: str | None = None
    created: bool | None = None
    error: SalesforceError | None = None


class Operation(StrEnum):
    """The kinds of writes, in the words of Bulk 2.0."""

    CREATE = "insert"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How a write is done where Salesforce lets one choose.

    ``all_or_none``: one record's failure undoes all; at most 200 records, no key twice.
    ``allow_duplicates``: save what a duplicate rule would only warn of.
    ``auto_assign``: False keeps assignment rules from giving leads and cases other owners.
    ``update_only``: an upsert of a single record never creates it.
    """

    all_or_none: bool = False
    allow_duplicates: bool = False
    auto_assign: bool = True
    update_only: bool = False

    def headers(self) -> dict[str, str]:
        """Return the headers that ask for it."""
        headers = {}
        if self.allow_duplicates:
            headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
        if not self.auto_assign:
            headers["Sforce-Auto-Assign"] = "FALSE"
        return headers


@dataclass(frozen=True, slots=True)
class Write:
    """One kind of write to one object.

    ``key_field`` names records that are there: ``Id`` for updates and deletes, an external id for
    upserts. ``unique`` says that no two records share a value of it.
    """

    operation: Operation
    sobject: str
    key_field: str = ""
    unique: bool = True
    options: WriteOptions = field(default_factory=WriteOptions)

    @property
    def repeatable(self) -> bool:
        """Tell whether it may be sent again when the answer was lost.

        Upserts by a unique external id alone: the second finds what the first has done. A create
        makes a double; so may an upsert by a field that several records can share. An update or a
        delete by id could undo what somebody else did in between.
        """
        return self.operation is Operation.UPSERT and self.unique and not self.by_id

    @property
    def bulk(self) -> bool:
        """Tell whether Bulk 2.0 may do it: its results are found by key, its jobs know no options.

        Never a create, whose results nobody could tell apart.
        """
        keyed = self.operation in {Operation.UPDATE, Operation.UPSERT}
        return keyed and self.unique and self.options == WriteOptions()

    def key(self, record: Record) -> str | None:
        """Return the record's key in a form that compares; None for a create."""
        if not self.key_field:
            return None
        value = find(record, self.key_field)
        return id_key(value) if self.by_id else key_of(value)

    @property
    def by_id(self) -> bool:
        """Tell whether the key is the record's id."""
        return self.key_field.lower() == "id"

    def unfit(self, record: Record) -> SalesforceError | None:
        """Find what would make Salesforce refuse the whole call for one record's sake."""
        if self.key_field and self.key(record) is None:
            return SalesforcePermanentError("MISSING_ARGUMENT", fields=(self.key_field,))
        if self.by_id and not is_id(str(find(record, ID))):
            return SalesforcePermanentError("MALFORMED_ID", fields=(ID,))
        try:
            json_body(record)
        except (TypeError, ValueError, RecursionError, InvalidInputError):
            return SalesforcePermanentError("JSON_PARSER_ERROR")
        return None

    def typed(self, record: Record) -> Record:
        """Render a record of a Collections request."""
        return {"attributes": {"type": self.sobject}, **without(record, "attributes")}


def read_collection(told: object, write: Write, count: int) -> list[Outcome] | SalesforceError:
    """Read a Collections answer, one item per record in their order, or why there is none."""
    if isinstance(told, SalesforceError):
        return told
    if not isinstance(told, list) or len(told) != count:
        return lost("MALFORMED_ANSWER", repeatable=False)
    return [_outcome(item, write) for item in told]


def spread(error: SalesforceError, count: int) -> list[Outcome]:
    """Let a call's failure be that of each of its records."""
    return [Outcome(ok=False, error=error)] * count


def _outcome(item: object, write: Write) -> Outcome:
    told = item if isinstance(item, dict) else {}
    record_id = told.get("id")
    if told.get("success") is True and isinstance(record_id, str):
        return Outcome(ok=True, record_id=record_id, created=_created(told, write))
    if told.get("success") is False:
        return Outcome(ok=False, error=failure(told.get("errors"), repeatable=True))
    return Outcome(ok=False, error=lost("MALFORMED_ANSWER", repeatable=write.repeatable))


def _created(told: Mapping[str, Any], write: Write) -> bool:
    if write.operation is Operation.UPSERT:
        return bool(told.get("created"))
    return write.operation is Operation.CREATE


def read_row(told: object, write: Write, record: Record) -> list[Outcome] | SalesforceError:
    """Read the answer to one row's own request; None is an answer without a body."""
    if isinstance(told, SalesforceError):
        return told
    if told is not None:  # below 46.0 only what was created has a body, and it does not say so
        return read_collection(
            [{"created": True, **told} if isinstance(told, dict) else told], write, 1
        )
    if write.operation is Operation.CREATE:
        return lost("MALFORMED_ANSWER", repeatable=False)
    known = to_18(str(find(record, ID))) if write.by_id else None
    return [Outcome(ok=True, record_id=known, created=False)]
