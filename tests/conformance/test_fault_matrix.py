"""Each fault that passes by each kind of call: attempts, records, outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from crmlink_common.errors import (
    CrmLinkError,
    LimitError,
    NotConnectedError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.client import Outcome, QueryResult
from crmlink_common.salesforce.opening import OF_CALLS, Timeouts

from .asking import Asking, typed
from .matrix import (
    CREATES,
    DELETES,
    FAULTS,
    LATE,
    LATE_ANSWER,
    READS,
    SEVERAL,
    TITLE,
    UPDATES,
    WRITES,
    Fault,
    World,
)
from .own_client import Counting, Logins, opened
from .world import Control, SimulatedOrg

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]
NOTHING_TO_CUT = {"update one", "delete one"}  # they answer without a body
IMPATIENT = {  # a read waits for its answer, a write for the time of the whole call
    id(READS): Timeouts(read=0.6, whole=10.0),
    id(WRITES): Timeouts(read=0.6, whole=0.8),
}
FOR_GOOD = 10_000  # calls or records: more than any bound
ATTEMPTS = 4  # of one call, the first among them
MOST_ATTEMPTS = 24  # of a write in parts, locked rows and all: never without end
BULK_ATTEMPTS = 60  # a job takes five calls or more, some of them looks at its state


@dataclass(frozen=True, slots=True)
class Matrix:
    """One caller's way to the org, what it sends, and the operator's switch."""

    caller: str
    world: World
    sent: Counting
    control: Control
    ask: Asking

    async def breaks(self, fault: Fault, count: int) -> None:
        per_caller = {} if fault.setting == "record-failures" else {"client": self.caller}
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


@pytest.fixture
def faults(control: Control) -> Iterator[Control]:
    control.reset()
    yield control
    control.reset()


@pytest.fixture(scope="module")
def logins(org: SimulatedOrg) -> Logins:
    return Logins(org)


Opening = Callable[..., AbstractAsyncContextManager[Matrix]]


@pytest.fixture
def opening(
    org: SimulatedOrg, logins: Logins, faults: Control, ask: Asking, name: Names
) -> Opening:
    @asynccontextmanager
    async def open_one(kind: str, timeouts: Timeouts = OF_CALLS) -> AsyncIterator[Matrix]:
        mark = name()
        records = [typed("Contact", LastName=f"{mark}b") for _ in range(SEVERAL)]
        told = await asyncio.to_thread(ask.create_all, records)  # nothing may keep others waiting
        before = [str(one["id"]) for one in told]
        async with opened(org, logins, client_name=mark, timeouts=timeouts) as (own, sent):
            world = World(own, mark, before)
            if kind == "next page":
                world.page = await first_page(world, ask)
            yield Matrix(mark, world, sent, faults, ask)

    return open_one


async def first_page(world: World, ask: Asking) -> QueryResult:
    for _ in range(2):
        records = [typed("Lead", LastName="x", Company=world.mark)] * 200
        await asyncio.to_thread(ask.create_all, records)
    soql = f"SELECT Id FROM Lead WHERE Company = '{world.mark}'"  # noqa: S608 - SOQL
    return await world.org.query(soql, page_size=200)


def bound(kind: str) -> int:
    if kind.startswith("bulk"):
        return BULK_ATTEMPTS
    return ATTEMPTS if kind in READS else MOST_ATTEMPTS


def cases(kinds: Iterable[str], *, writes: bool) -> list[object]:
    return [
        pytest.param(fault, kind, id=f"{fault.name} - {kind}")
        for fault in FAULTS
        for kind in kinds
        if (writes or not fault.writes_alone)
        and not (fault.name == "truncated" and kind in NOTHING_TO_CUT)
    ]


async def read_once(matrix: Matrix, fault: Fault, kind: str) -> None:
    await matrix.breaks(fault, 1)
    if fault.parks:
        with pytest.raises(LimitError):
            await READS[kind](matrix.world)
        assert len(matrix.sent.sent) == 1
        return
    assert await READS[kind](matrix.world) is not None
    assert len(matrix.sent.sent) <= bound(kind)


async def read_in_vain(matrix: Matrix, fault: Fault, kind: str) -> None:
    before = await matrix.seen()
    await matrix.breaks(fault, FOR_GOOD)
    with pytest.raises(TransientError):
        await READS[kind](matrix.world)
    assert 1 <= len(matrix.sent.sent) <= ATTEMPTS
    assert (await matrix.seen()) - before <= ATTEMPTS
    await matrix.heals(fault)


async def write_once(matrix: Matrix, fault: Fault, kind: str) -> None:
    await matrix.breaks(fault, 1)
    outcomes = await WRITES[kind](matrix.world)
    assert len(matrix.sent.sent) <= bound(kind)
    await compare(matrix, fault, kind, outcomes)
    if fault.parks:
        assert all(isinstance(one.error, LimitError) for one in outcomes)
    elif fault.writes_alone and kind.startswith("bulk"):  # Salesforce itself has tried again
        assert all(one.ok or isinstance(one.error, TransientError) for one in outcomes)
    elif fault is LATE_ANSWER:  # the time of a whole call may be up before its repeat
        assert all(isinstance(one.error, CrmLinkError | None) for one in outcomes)
    elif kind not in CREATES:
        assert all(one.ok for one in outcomes)


async def write_in_vain(matrix: Matrix, fault: Fault, kind: str) -> None:
    before = await matrix.seen()
    await matrix.breaks(fault, FOR_GOOD)
    outcomes = await WRITES[kind](matrix.world)
    attempts = len(matrix.sent.sent)
    assert 1 <= attempts <= bound(kind)
    await matrix.heals(fault)
    await compare(matrix, fault, kind, outcomes)
    assert (await matrix.seen()) - before <= attempts
    for outcome in outcomes:
        assert isinstance(outcome.error, TransientError | UnknownOutcomeError)
        assert fault.parks is isinstance(outcome.error, LimitError)
        if fault.name == "expired session":
            assert isinstance(outcome.error, NotConnectedError)


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
        assert outcome.ok is False or seen.records == 0
    elif kind in UPDATES:
        assert outcome.ok is False or seen.titles == 1
    else:
        assert seen.records <= 1, "created twice"
        assert outcome.ok is False or seen.records == 1
    if kind in CREATES and not outcome.ok and not isinstance(outcome.error, UnknownOutcomeError):
        assert seen.records == 0, "said not to be, and is"


@fact("F12.4")
@pytest.mark.parametrize(("fault", "kind"), cases(READS, writes=False))
async def test_a_read_outlives_a_fault_and_gives_up_in_the_end(
    opening: Opening, fault: Fault, kind: str
) -> None:
    async with opening(kind) as matrix:
        await read_once(matrix, fault, kind)
        if not fault.parks:
            await read_in_vain(matrix, fault, kind)


@fact("F12.6")
@pytest.mark.parametrize(("fault", "kind"), cases(WRITES, writes=True))
async def test_a_write_tells_of_each_record_what_became_of_it(
    opening: Opening, fault: Fault, kind: str
) -> None:
    async with opening(kind) as matrix:
        await write_once(matrix, fault, kind)


@fact("F12.6")
@pytest.mark.parametrize(("fault", "kind"), cases(WRITES, writes=True))
async def test_a_write_under_a_fault_that_stays_comes_to_an_end(
    opening: Opening, fault: Fault, kind: str
) -> None:
    async with opening(kind) as matrix:
        await write_in_vain(matrix, fault, kind)


@fact("F12.4", "F12.6")
@pytest.mark.parametrize(
    ("kinds", "way"),
    [(READS, read_once), (READS, read_in_vain), (WRITES, write_once), (WRITES, write_in_vain)],
)
async def test_answers_that_come_too_late(
    opening: Opening, kinds: Iterable[str], way: Callable[..., Awaitable[None]]
) -> None:
    """All kinds at once: each waits for nothing but time."""

    async def one(kind: str) -> None:
        async with opening(kind, IMPATIENT[id(kinds)]) as matrix:
            await way(matrix, LATE_ANSWER, kind)

    async with asyncio.TaskGroup() as tasks:
        for kind in kinds:
            tasks.create_task(one(kind), name=kind)
