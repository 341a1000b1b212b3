"""Each fault that passes by each kind of call: attempts, records, outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

from crmlink_common.errors import (
    CrmLinkError,
    LimitError,
    NotConnectedError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.client import Outcome
from crmlink_common.salesforce.opening import Timeouts

from .faulted import Matrix, Opening, compare
from .matrix import FAULTS, LATE_ANSWER, NEVER_TWICE, READS, WRITES, Fault

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


def ends_unknown(matrix: Matrix, outcomes: list[Outcome]) -> None:
    """One attempt, and nobody says what it came to."""
    assert len(matrix.sent.sent) == 1
    assert outcomes
    assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes)


async def write_once(matrix: Matrix, fault: Fault, kind: str) -> None:
    await matrix.breaks(fault, 1)
    outcomes = await WRITES[kind](matrix.world)
    assert len(matrix.sent.sent) <= bound(kind)
    await compare(matrix, fault, kind, outcomes)
    if fault.loses and kind in NEVER_TWICE:
        ends_unknown(matrix, outcomes)
    elif fault.parks:
        assert all(isinstance(one.error, LimitError) for one in outcomes)
    elif fault.writes_alone and kind.startswith("bulk"):  # Salesforce itself has tried again
        assert all(one.ok or isinstance(one.error, TransientError) for one in outcomes)
    elif fault is LATE_ANSWER:  # the time of a whole call may be up before its repeat
        assert all(isinstance(one.error, CrmLinkError | None) for one in outcomes)
    else:
        assert all(one.ok for one in outcomes)


async def write_in_vain(matrix: Matrix, fault: Fault, kind: str) -> None:
    before = await matrix.seen()
    await matrix.breaks(fault, FOR_GOOD)
    outcomes = await WRITES[kind](matrix.world)
    attempts = len(matrix.sent.sent)
    if fault.loses and kind in NEVER_TWICE:
        ends_unknown(matrix, outcomes)
    assert 1 <= attempts <= bound(kind)
    await matrix.heals(fault)
    await compare(matrix, fault, kind, outcomes)
    assert (await matrix.seen()) - before <= attempts
    for outcome in outcomes:
        assert isinstance(outcome.error, TransientError | UnknownOutcomeError)
        assert fault.parks is isinstance(outcome.error, LimitError)
        if fault.name == "expired session":
            assert isinstance(outcome.error, NotConnectedError)


@fact("F12.4")
@pytest.mark.parametrize(("fault", "kind"), cases(READS, writes=False))
async def test_a_read_outlives_a_fault_and_gives_up_in_the_end(
    opening: Opening, name: Names, fault: Fault, kind: str
) -> None:
    async with opening(name(), kind) as matrix:
        await read_once(matrix, fault, kind)
        if not fault.parks:
            await read_in_vain(matrix, fault, kind)


@fact("F12.6")
@pytest.mark.parametrize(("fault", "kind"), cases(WRITES, writes=True))
async def test_a_write_tells_of_each_record_what_became_of_it(
    opening: Opening, name: Names, fault: Fault, kind: str
) -> None:
    async with opening(name(), kind) as matrix:
        await write_once(matrix, fault, kind)


@fact("F12.6")
@pytest.mark.parametrize(("fault", "kind"), cases(WRITES, writes=True))
async def test_a_write_under_a_fault_that_stays_comes_to_an_end(
    opening: Opening, name: Names, fault: Fault, kind: str
) -> None:
    async with opening(name(), kind) as matrix:
        await write_in_vain(matrix, fault, kind)


@fact("F12.4", "F12.6")
@pytest.mark.parametrize(
    ("kinds", "way"),
    [(READS, read_once), (READS, read_in_vain), (WRITES, write_once), (WRITES, write_in_vain)],
)
async def test_answers_that_come_too_late(
    opening: Opening, name: Names, kinds: Iterable[str], way: Callable[..., Awaitable[None]]
) -> None:
    """All kinds at once: each waits for nothing but time."""

    async def one(kind: str) -> None:
        async with opening(name(), kind, IMPATIENT[id(kinds)]) as matrix:
            await way(matrix, LATE_ANSWER, kind)

    async with asyncio.TaskGroup() as tasks:
        for kind in kinds:
            tasks.create_task(one(kind), name=kind)
