"""Which records were changed or deleted in a window of time (facts §10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crmlink_salesforce_sim.api.call import Answer, Call
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.store import quoted
from crmlink_salesforce_sim.times import read_datetime, written

UPDATED_KEPT = timedelta(days=30)
DELETED_KEPT = timedelta(days=15)
MOST_IDS = 600_000
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Window:
    """The minutes asked about, and how far the answer can be relied on."""

    start: datetime
    end: datetime
    covered: datetime

    @property
    def bounds(self) -> tuple[str, str]:
        """Return the window as it is stored: from its start, before its end."""
        return written(self.start), written(self.end)


def add_replication(router: Router) -> None:
    """Add updated and deleted."""
    router.add("sobjects/*/updated", GET=_updated)
    router.add("sobjects/*/deleted", GET=_deleted)


def window_of(
    start: str, end: str, now: datetime, earliest: datetime | None, kept: timedelta
) -> Window:
    """Return the window of a call; seconds are ignored.

    `earliest` is when the oldest transaction that still runs began: what it wrote is not to be
    seen yet, so that the answer covers no more than the time before it. Raises
    INVALID_REPLICATION_DATE when the start is not before the end, or longer ago than is `kept`.
    """
    first, last = _minute(start, "start"), _minute(end, "end")
    if first >= last:
        raise _invalid(f"start ({written(first)}) has to be before end ({written(last)})")
    if first < now - kept - MINUTE:
        raise _invalid(f"start ({written(first)}) cannot be more than {kept.days} days ago")
    covered = min(last, now.replace(second=0, microsecond=0))
    return Window(first, last, covered if earliest is None else min(covered, earliest))


def _minute(text: str, name: str) -> datetime:
    if not text:
        raise ApiError("MISSING_ARGUMENT", f"{name} not specified")
    moment = read_datetime(text.replace(" ", "+"))  # a plus that was not encoded
    if moment is None:
        raise _invalid(f"{name} is not a date and time: {text}")
    return moment.replace(second=0, microsecond=0)


def _invalid(message: str) -> ApiError:
    return ApiError("INVALID_REPLICATION_DATE", message)


def _window(org: Org, call: Call, kept: timedelta) -> Window:
    # what runs is asked for first: what ends in between is seen by the read that follows
    earliest = org.transactions.earliest()
    start, end = call.params.get("start", ""), call.params.get("end", "")
    return window_of(start, end, org.now(), earliest, kept)


def _updated(org: Org, call: Call, name: str) -> Answer:
    table = quoted(org.schema.required(name).name)
    window = _window(org, call, UPDATED_KEPT)
    test = "WHERE SystemModstamp >= ? AND SystemModstamp < ? AND IsDeleted = 0 ORDER BY Id LIMIT ?"
    with org.store.reading() as connection:
        words = ["SELECT Id FROM", table, test]
        rows = connection.execute(" ".join(words), (*window.bounds, MOST_IDS + 1)).fetchall()
    _check_count(rows)
    ids = [str(one) for (one,) in rows]
    return Answer({"ids": ids, "latestDateCovered": written(window.covered)})


def _deleted(org: Org, call: Call, name: str) -> Answer:
    sobject = org.schema.required(name)
    window = _window(org, call, DELETED_KEPT)
    binned = "IsDeleted = 1 AND SystemModstamp >= ? AND SystemModstamp < ?"
    removed = "sobject = ? AND deleted_at >= ? AND deleted_at < ?"
    words = ["SELECT Id, SystemModstamp FROM", quoted(sobject.name), "WHERE", binned]
    words += ["UNION ALL SELECT id, deleted_at FROM sim_removed WHERE", removed]
    words.append("ORDER BY 2, 1 LIMIT ?")
    values = (*window.bounds, sobject.name, *window.bounds, MOST_IDS + 1)
    with org.store.reading() as connection:
        rows = connection.execute(" ".join(words), values).fetchall()
    _check_count(rows)
    found: list[Row] = [{"id": one, "deletedDate": at} for one, at in rows]
    available = written((org.now() - DELETED_KEPT).replace(second=0, microsecond=0))
    return Answer(
        {
            "deletedRecords": found,
            "earliestDateAvailable": available,
            "latestDateCovered": written(window.covered),
        }
    )


def _check_count(rows: Sequence[object]) -> None:
    if len(rows) > MOST_IDS:
        message = f"Your query returned more than {MOST_IDS} ids: ask for a shorter time"
        raise ApiError("EXCEEDED_ID_LIMIT", message)
