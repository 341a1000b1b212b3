"""The cheapest way to write records: which calls, and which records each of them carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from crmlink_common.salesforce.composite import HEAVY_PER_CALL
from crmlink_common.salesforce.versions import Feature, has
from crmlink_common.salesforce.writes import Operation

PER_COLLECTION = 200
PER_CALL = PER_COLLECTION * HEAVY_PER_CALL
ROWS_PER_CALL = 25  # subrequests of a Composite
BYTES_PER_CALL = 5_000_000
"""Of JSON, before compression. Salesforce takes larger bodies; a call of 1,000 records with long
texts should still end well before the ten minutes that a call may take."""
TYPES_PER_COLLECTION = 10  # runs of records of one type
BULK_OVER = 20_000
"""Records above which Bulk 2.0 is worth its wait: below it costs some twenty calls at most."""
CALLS_PER_JOB = 15  # create, upload, close, some polls, three results, delete


class Way(StrEnum):
    """The kinds of calls that write."""

    ROW = "row"  # one record, a call of its own
    ROWS = "rows"  # a Composite of such requests
    COLLECTION = "collection"
    COMPOSITE = "composite"  # of Collections


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call; each chunk holds the positions of the records of one request in it."""

    way: Way
    chunks: tuple[tuple[int, ...], ...]

    @property
    def positions(self) -> list[int]:
        """The positions of all its records, in order."""
        return [position for chunk in self.chunks for position in chunk]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much one call may carry; smaller after calls that took too long."""

    per_collection: int = PER_COLLECTION
    per_call: int = PER_CALL
    size: int = BYTES_PER_CALL

    def halved(self, count: int) -> Bounds:
        """Return bounds that part a call of ``count`` records in two."""
        half = max(1, min(count, self.per_call) // 2)
        return Bounds(per_collection=min(self.per_collection, half), per_call=half, size=self.size)


def plan_write(
    sizes: Sequence[int],
    operation: Operation,
    *,
    version: str,
    bounds: Bounds | None = None,
    by_path: bool = True,
    types: Sequence[str] = (),
) -> list[PlannedCall]:
    """Part records, by position, into the fewest calls that keep their order.

    ``sizes`` are bytes of JSON, one per record: it alone may be over the bound, no two together.
    ``by_path`` tells whether a single record can be named in a path. ``types`` are the records'
    objects where they differ. A version without Collections for the operation takes rows.
    """
    bounds = bounds or Bounds()
    if not sizes:
        return []
    upsert = operation is Operation.UPSERT
    if not has(version, Feature.COLLECTIONS_UPSERT if upsert else Feature.COLLECTIONS):
        most = min(ROWS_PER_CALL, bounds.per_call) if has(version, Feature.COMPOSITE) else 1
        return [_of_rows(one) for one in parted(range(len(sizes)), sizes, most, bounds.size)]
    if len(sizes) == 1 and by_path:
        return [PlannedCall(Way.ROW, ((0,),))]
    calls = parted(range(len(sizes)), sizes, bounds.per_call, bounds.size)
    return [one for call in calls for one in _of_collections(call, bounds, types)]


def _of_rows(chunk: tuple[int, ...]) -> PlannedCall:
    way = Way.ROW if len(chunk) == 1 else Way.ROWS
    return PlannedCall(way, tuple((position,) for position in chunk))


def _of_collections(
    call: tuple[int, ...], bounds: Bounds, types: Sequence[str]
) -> Iterator[PlannedCall]:
    chunks: list[tuple[int, ...]] = []
    for start in range(0, len(call), bounds.per_collection):
        chunks += _of_few_types(call[start : start + bounds.per_collection], types)
    for start in range(0, len(chunks), HEAVY_PER_CALL):
        some = tuple(chunks[start : start + HEAVY_PER_CALL])
        yield PlannedCall(Way.COMPOSITE if len(some) > 1 else Way.COLLECTION, some)


def _of_few_types(chunk: tuple[int, ...], types: Sequence[str]) -> Iterator[tuple[int, ...]]:
    if not types:
        yield chunk
        return
    start = runs = 0
    for number, position in enumerate(chunk):
        runs += number == start or types[position] != types[chunk[number - 1]]
        if runs > TYPES_PER_COLLECTION:
            yield chunk[start:number]
            start, runs = number, 1
    yield chunk[start:]


def parted(
    positions: Sequence[int], sizes: Sequence[int], most: int, bytes_most: int
) -> Iterator[tuple[int, ...]]:
    """Cut where a part would get too many records or too many bytes."""
    part: list[int] = []
    size = 0
    for position in positions:
        if part and (len(part) == most or size + sizes[position] > bytes_most):
            yield tuple(part)
            part, size = [], 0
        part.append(position)
        size += sizes[position]
    if part:
        yield tuple(part)


def takes_bulk(
    count: int,
    operation: Operation,
    *,
    unique: bool,
    version: str,
    over: int = BULK_OVER,
    calls_left: int | None = None,
) -> bool:
    """Decide whether Bulk 2.0 writes these records.

    Never creates: its results carry no input position, so nobody could tell which record is whose.
    Where too few calls are left of the day for Composites, a job that costs less is taken earlier.
    """
    if operation not in {Operation.UPDATE, Operation.UPSERT} or not unique:
        return False
    if not has(version, Feature.BULK_INGEST) or count == 0:
        return False
    calls = -(-count // PER_CALL)
    scarce = calls_left is not None and calls > CALLS_PER_JOB and calls > calls_left
    return count > over or scarce
