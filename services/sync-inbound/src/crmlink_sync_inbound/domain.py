"""What to ask Salesforce for, where a poll ends, and when the next is due: decided, not done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from crmlink_common.salesforce.soql import quote, select

FAST_EDGE = timedelta(seconds=5)  # a change is visible only at commit, after its SystemModstamp
SAFETY_WINDOW = timedelta(minutes=30)  # a transaction may commit this long after it wrote
SAFETY_EVERY = timedelta(minutes=5)
CALL_EVERY = timedelta(seconds=30)  # looking back at a busy org makes no more calls than this
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
NOT_PLAIN = frozenset({"address", "location", "base64", "complexvalue"})

Record = Mapping[str, Any]
Kind = Literal["updated", "deleted", "merged", "converted", "reread"]
State = Literal["waiting_for_connection", "waiting_for_links", "waiting_for_budget"]


@dataclass(frozen=True, slots=True)
class News:
    """What a person would want to know of capture; the code says why, or why it had stopped."""

    action: Literal["capture.stopped", "capture.resumed"]
    code: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last record seen, in the order of (SystemModstamp, Id)."""

    modstamp: datetime
    record_id: str = ""


def fast_edge(server_time: datetime) -> datetime:
    """Give the time up to which a poll reads: Salesforce's clock, held back."""
    return (server_time - FAST_EDGE).replace(microsecond=0)


def read_time(text: object) -> datetime | None:
    """Read Salesforce's `2026-05-01T07:25:37.000+0000`; None for what is no time."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)
    except ValueError:
        return None


def watched_fields(described: Iterable[Mapping[str, Any]], mapped: Iterable[str]) -> list[str]:
    """List what a poll selects: what the object has of the system's, ours and the rules' fields.

    Compound fields are left out: their parts are fields of their own.
    """
    there = {
        str(field["name"]).lower(): str(field["name"])
        for field in described
        if field.get("type") not in NOT_PLAIN
    }
    wanted = dict.fromkeys([*SYSTEM, *ALWAYS, *mapped])
    return list(dict.fromkeys(there[name.lower()] for name in wanted if name.lower() in there))


def poll_query(sobject: str, fields: Sequence[str], cursor: Cursor, edge: datetime) -> str:
    """Ask for the next page after the cursor: keyset, because many records share a second."""
    since = quote(cursor.modstamp.astimezone(UTC))
    after = f"SystemModstamp > {since}"
    if cursor.record_id:
        after = f"({after} OR (SystemModstamp = {since} AND Id > {quote(cursor.record_id)}))"
    until = quote(edge.astimezone(UTC))
    where = f"{after} AND SystemModstamp <= {until}"
    return select(fields, sobject, where=where, order_by="SystemModstamp, Id", limit=PAGE)


def safety_query(sobject: str, start: Cursor, end: datetime) -> str:
    """Ask who changed inside the window: ids and stamps alone."""
    return poll_query(sobject, ["Id", "SystemModstamp"], start, end)


def look_back_from(verified_at: datetime | None, now: datetime) -> datetime:
    """Give where a look back begins: what wrote earlier had appeared when we last looked."""
    return (verified_at or now) - SAFETY_WINDOW


def next_look_back(now: datetime, calls: int) -> datetime:
    """Say when to look back again: the longer it took, the later, but within the window."""
    return now + max(SAFETY_EVERY, min(calls * CALL_EVERY, SAFETY_WINDOW))


def advanced(cursor: Cursor, records: Sequence[Record]) -> Cursor:
    """Move to the last record of a page. An empty page moves nothing: late commits may come."""
    if not records:
        return cursor
    stamp = read_time(records[-1].get("SystemModstamp"))
    return Cursor(stamp, str(records[-1]["Id"])) if stamp else cursor


def kind_of(record: Record) -> Kind:
    """Say what happened to a record, from how it is now. The loser of a merge is deleted too."""
    if record.get("IsDeleted") is True:
        return "merged" if record.get("MasterRecordId") else "deleted"
    if record.get("IsConverted") is True:
        return "converted"
    return "updated"


def successor_of(record: Record) -> str:
    """Name the record that a merged or converted one lives on as; '' when there is none."""
    name = {"merged": "MasterRecordId", "converted": "ConvertedContactId"}.get(kind_of(record))
    return str(record.get(name) or "") if name else ""


def plain_values(record: Record, fields: Iterable[str]) -> dict[str, Any]:
    """Keep the watched fields; what has parts of its own is no field's value."""
    return {
        name: record[name]
        for name in fields
        if name in record and not isinstance(record[name], (dict, list))
    }


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


def news_of(before: str, told: str, now: str) -> News | None:
    """Judge error codes: of the last turn, last told to people, of this turn.

    What passes by the next turn is no news; what was told is told to be over.
    """
    if now and before and (not told or told != now == before):
        return News("capture.stopped", now)
    return News("capture.resumed", told) if told and not now else None


def capture_state(
    *, active: bool, has_links: bool, parked: bool, failed: bool
) -> State | Literal["error", "polling"]:
    """Tell a person in one word how capture stands."""
    if not active:
        return "waiting_for_connection"
    if not has_links:
        return "waiting_for_links"
    if parked:
        return "waiting_for_budget"
    return "error" if failed else "polling"
