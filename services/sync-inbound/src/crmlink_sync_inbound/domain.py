"""What to ask Salesforce for, where a poll ends, and when the next is due: decided, not done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

FAST_EDGE = timedelta(seconds=5)  # a change is visible only at commit, after its SystemModstamp
SAFETY_WINDOW = timedelta(minutes=30)  # a transaction may commit this long after it wrote
SAFETY_EVERY = timedelta(minutes=5)
PAGE = 2000
ALWAYS = (
    "AccountId",
    "OwnerId",
    "MasterRecordId",
    "IsConverted",
    "ConvertedContactId",
    "ConvertedAccountId",
)
SYSTEM = ("Id", "SystemModstamp", "LastModifiedDate", "IsDeleted")

Record = Mapping[str, Any]
Kind = Literal["updated", "deleted", "merged", "converted", "reread"]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last record seen, in the order of (SystemModstamp, Id)."""

    modstamp: datetime
    record_id: str = ""


def fast_edge(server_time: datetime) -> datetime:
    """Give the time up to which a poll reads: Salesforce's clock, held back."""
    return (server_time - FAST_EDGE).replace(microsecond=0)


def soql_time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: object) -> datetime | None:
    """Read Salesforce's `2026-05-01T07:25:37.000+0000`; None for what is no time."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    except ValueError:
        return None


def watched_fields(described: Iterable[str], mapped: Iterable[str]) -> list[str]:
    """List what a poll selects: what the object has of the system's, ours and the rules' fields."""
    there = {name.lower(): name for name in described}
    wanted = dict.fromkeys([*SYSTEM, *ALWAYS, *mapped])
    found = dict.fromkeys(there[name.lower()] for name in wanted if name.lower() in there)
    return list(found)


def poll_query(sobject: str, fields: Sequence[str], cursor: Cursor, edge: datetime) -> str:
    """Ask for the next page after the cursor: keyset, because many records share a second."""
    since = soql_time(cursor.modstamp)
    after = f"SystemModstamp > {since}"
    if cursor.record_id:
        after = f"({after} OR (SystemModstamp = {since} AND Id > '{cursor.record_id}'))"
    return (
        f"SELECT {', '.join(fields)} FROM {sobject} "  # noqa: S608 - SOQL, of names and times
        f"WHERE {after} AND SystemModstamp <= {soql_time(edge)} "
        f"ORDER BY SystemModstamp, Id LIMIT {PAGE}"
    )


def safety_query(sobject: str, start: Cursor, end: datetime) -> str:
    """Ask who changed inside the window: ids and stamps alone."""
    return poll_query(sobject, ["Id", "SystemModstamp"], start, end)


def advanced(cursor: Cursor, records: Sequence[Record]) -> Cursor:
    """Move to the last record of a page. An empty page moves nothing: late commits may come."""
    if not records:
        return cursor
    stamp = read_time(records[-1].get("SystemModstamp"))
    return Cursor(stamp, str(records[-1]["Id"])) if stamp else cursor


def kind_of(record: Record) -> Kind:
    """Say what happened to a record, from how it is now."""
    if record.get("MasterRecordId"):
        return "merged"
    if record.get("IsDeleted") is True:
        return "deleted"
    if record.get("IsConverted") is True:
        return "converted"
    return "updated"


def successor_of(record: Record) -> str:
    """Name the record that a merged or converted one lives on as; '' when there is none."""
    return str(record.get("MasterRecordId") or record.get("ConvertedContactId") or "")


def next_wait(previous: timedelta, *, busy: bool, shortest: int, longest: int) -> timedelta:
    """Poll at once while there is news, then ever more rarely. Seconds come from the settings."""
    if busy:
        return timedelta(seconds=shortest)
    grown = max(previous, timedelta(seconds=shortest)) * 1.5
    return min(grown, timedelta(seconds=longest))


def stretched(wait: timedelta, remaining_share: float) -> timedelta:
    """Poll more rarely as the org's daily limit is used up: four times at its last fifth."""
    if remaining_share >= 0.5:  # noqa: PLR2004 - half the limit
        return wait
    return wait * (2 if remaining_share >= 0.2 else 4)  # noqa: PLR2004 - a fifth of it
