"""How workers lock pairs: never waiting, so that nothing can wait for them in a circle.

Locks are taken in one order: pairs, pending, run marks, workspace_queue. Who holds a pair is the
only one who may want its pending work; who cannot have it at once leaves it and comes back.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from crmlink_common.errors import TransientError
from crmlink_sync_outbound.storage.sql import Statements, Values

SOME = 250  # of one transaction: others wait no longer than that takes
LOCK_PAIRS = """
select p.entity, p.member_id from pairs p
join jsonb_to_recordset(cast(:rows as jsonb)) as s(entity text, member_id text)
  on s.entity = p.entity and s.member_id = p.member_id
where p.workspace_id = :workspace_id order by p.entity, p.member_id for update of p skip locked
"""
T = TypeVar("T")
Key = tuple[str, str]


class PairsBusyError(TransientError):
    """Pairs stayed locked longer than any transaction should last."""

    code = "pairs_busy"


async def lock_pairs(sql: Statements, workspace_id: str, keys: Sequence[Values]) -> set[Key]:
    """Lock those that nobody else has; name them (entity, member)."""
    found = await sql.over(LOCK_PAIRS, keys, workspace_id=workspace_id)
    return {(row.entity, row.member_id) for row in found}


def pauses() -> Iterator[float]:
    """Yield waits in seconds, jittered; ten of them, about six seconds in all."""
    for n in range(10):
        yield min(0.05 * 2**n, 1) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


async def until_done(
    items: Sequence[T],
    work: Callable[[Sequence[T]], Awaitable[list[T]]],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Work some at a time; what ``work`` returns was busy and comes again.

    Raises:
        PairsBusyError: some were busy whenever they were tried.
    """
    left = list(items)
    for pause in pauses():
        busy: list[T] = []
        for n in range(0, len(left), SOME):
            busy += await work(left[n : n + SOME])
        if not busy:
            return
        left = busy
        await sleep(pause)
    raise PairsBusyError("pairs stayed locked")
