"""A caller of our own whose calls go wrong, and what its records came to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from crmlink_common.errors import UnknownOutcomeError
from crmlink_common.salesforce.client import Outcome, QueryResult
from crmlink_common.salesforce.opening import OF_CALLS, Timeouts

from .asking import Asking, typed
from .matrix import DELETES, LATE, LATE_ANSWER, NEVER_TWICE, SEVERAL, TITLE, UPDATES, Fault, World
from .own_client import Counting, Logins, opened
from .world import Control, SimulatedOrg

EVERY: Mapping[str, str] = {}  # call of the caller
Opening = Callable[..., AbstractAsyncContextManager["Matrix"]]


@dataclass(frozen=True, slots=True)
class Matrix:
    """One caller's way to the org, what it sends, and the operator's switch."""

    caller: str
    world: World
    sent: Counting
    control: Control
    ask: Asking

    async def breaks(self, fault: Fault, count: int, step: Mapping[str, str] = EVERY) -> None:
        per_caller = {} if fault.setting == "record-failures" else {"client": self.caller, **step}
        body = {**fault.body, **per_caller, "count": count}
        await asyncio.to_thread(self.control.tell, fault.setting, body)
        self.sent.sent.clear()

    async def heals(self, fault: Fault) -> None:
        await self.breaks(fault, 0)

    async def seen(self) -> int:
        """Tell how many calls of ours the org has carried out or refused."""
        callers: dict[str, dict[str, int]]
        callers = (await asyncio.to_thread(self.control.counts))["callers"]
        return sum(callers.get(self.caller, {}).values())


def opener(org: SimulatedOrg, logins: Logins, control: Control, ask: Asking) -> Opening:
    """Return what opens a caller of its own, with some records that are there already."""

    @asynccontextmanager
    async def open_one(
        mark: str, kind: str, timeouts: Timeouts = OF_CALLS
    ) -> AsyncIterator[Matrix]:
        records = [typed("Contact", LastName=f"{mark}b") for _ in range(SEVERAL)]
        told = await asyncio.to_thread(ask.create_all, records)  # nothing may keep others waiting
        before = [str(one["id"]) for one in told]
        async with opened(org, logins, client_name=mark, timeouts=timeouts) as (own, sent):
            world = World(own, mark, before)
            if kind == "next page":
                world.page = await first_page(world, ask)
            yield Matrix(mark, world, sent, control, ask)

    return open_one


async def first_page(world: World, ask: Asking) -> QueryResult:
    for _ in range(2):
        records = [typed("Lead", LastName="x", Company=world.mark)] * 200
        await asyncio.to_thread(ask.create_all, records)
    soql = f"SELECT Id FROM Lead WHERE Company = '{world.mark}'"  # noqa: S608 - SOQL
    return await world.org.query(soql, page_size=200)


async def compare(matrix: Matrix, fault: Fault, kind: str, outcomes: list[Outcome]) -> None:
    """Hold what was told of each record against what the org has."""
    if fault is LATE_ANSWER:
        await asyncio.sleep(LATE + 0.3)
    seen = await asyncio.to_thread(found, matrix, kind, len(outcomes))
    for outcome, there in zip(outcomes, seen, strict=True):
        check(kind, outcome, there)


@dataclass(frozen=True, slots=True)
class Found:
    """What of one record the org has in the end."""

    records: int
    titles: int


def found(matrix: Matrix, kind: str, count: int) -> list[Found]:
    """Look, as nobody's client, at each record in turn."""
    world = matrix.world
    if kind in UPDATES | DELETES:
        ids = ", ".join(f"'{one}'" for one in world.before)
        rows = matrix.ask.rows(f"SELECT Id, Title FROM Contact WHERE Id IN ({ids})")  # noqa: S608 - SOQL
        titles = {row["Id"]: row["Title"] for row in rows}
        return [
            Found(int(one in titles), int(titles.get(one) == TITLE)) for one in world.before[:count]
        ]
    rows = matrix.ask.rows(f"SELECT LastName FROM Contact WHERE Department = '{world.mark}'")  # noqa: S608 - SOQL
    names = [row["LastName"] for row in rows]
    return [Found(names.count(f"{world.mark}.{n}"), 0) for n in range(count)]


def check(kind: str, outcome: Outcome, seen: Found) -> None:
    """An outcome says no more, and no less, than what the org has."""
    if kind in DELETES:
        done = seen.records == 0
    elif kind in UPDATES:
        done = seen.titles == 1
    else:
        assert seen.records <= 1, "created twice"
        done = seen.records == 1
    assert done or not outcome.ok, "said to be done, and is not"
    if kind in NEVER_TWICE and not isinstance(outcome.error, UnknownOutcomeError):
        assert done is outcome.ok, "said not to be done, and is"
