"""A whole write: unfit records fail alone, no key is twice in a call, Bulk 2.0 takes many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from crmlink_common.errors import InvalidInputError, PermanentError
from crmlink_common.salesforce.errors import SalesforceTransientError
from crmlink_common.salesforce.write_keys import rounds
from crmlink_common.salesforce.writes import Operation, Outcome
from crmlink_common.salesforce.writing import Writing

BulkWay = Callable[[Writing, Sequence[int]], Awaitable[list[int]]]
"""Writes some of the positions by Bulk 2.0 and returns those that are left."""


@dataclass(frozen=True, slots=True)
class _Parted:
    rounds: list[list[int]]
    earlier: dict[int, int]  # a later record of the same key -> the one before it


async def write_all(writing: Writing, bulk: BulkWay | None = None) -> list[Outcome]:
    """Return an outcome per record, in their order.

    Records that share a key are written one after the other, the last one stands; after one that
    may still come to something, those that follow it are not sent. A key is deleted once.
    """
    fit = _fit(writing)
    if writing.write.options.all_or_none:
        await _all_or_none(writing, fit)
    else:
        await _in_rounds(writing, fit, bulk)
    return [writing.outcomes[position] for position in range(len(writing.records))]


def _fit(writing: Writing) -> list[int]:
    fit = []
    for position, record in enumerate(writing.records):
        if error := writing.write.unfit(record):
            writing.outcomes[position] = Outcome(ok=False, error=error)
        else:
            fit.append(position)
    return fit


async def _in_rounds(writing: Writing, fit: Sequence[int], bulk: BulkWay | None) -> None:
    parted = _part(writing, fit)
    for ready in parted.rounds:
        if writing.write.operation is Operation.DELETE and ready[0] in parted.earlier:
            writing.outcomes |= {one: writing.outcomes[parted.earlier[one]] for one in ready}
            continue
        go = [position for position in ready if _may_go(writing, parted, position)]
        writing.not_sent(sorted(set(ready).difference(go)))
        left = await bulk(writing, go) if bulk and not writing.stopped else go
        await writing.send(left)


def _part(writing: Writing, fit: Sequence[int]) -> _Parted:
    keys = [writing.write.key(writing.records[position]) for position in fit]
    last: dict[str, int] = {}
    earlier: dict[int, int] = {}
    for position, key in zip(fit, keys, strict=True):
        if key is not None:
            if key in last:
                earlier[position] = last[key]
            last[key] = position
    return _Parted([[fit[n] for n in one] for one in rounds(keys)], earlier)


def _may_go(writing: Writing, parted: _Parted, position: int) -> bool:
    before = parted.earlier.get(position)
    outcome = writing.outcomes[before] if before is not None else None
    return outcome is None or outcome.error is None or isinstance(outcome.error, PermanentError)


async def _all_or_none(writing: Writing, fit: Sequence[int]) -> None:
    requests = sum(len(call.chunks) for call in writing.plan(fit))
    if requests > 1 or len(_part(writing, fit).rounds) > 1:
        raise InvalidInputError("all or none takes one call, and no key twice", field="all_or_none")
    if len(fit) < len(writing.records):
        rolled_back = SalesforceTransientError("ALL_OR_NONE_OPERATION_ROLLED_BACK")
        writing.outcomes |= {one: Outcome(ok=False, error=rolled_back) for one in fit}
        return
    await writing.send(fit)
