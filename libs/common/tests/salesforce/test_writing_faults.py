"""Each fault that passes, in each way to write: bounded calls, no doubles, the right outcomes."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.errors import LimitError, TransientError, UnknownOutcomeError
from crmlink_common.salesforce.bulk_way import Bulk
from crmlink_common.salesforce.client import Org, Outcome
from crmlink_common.salesforce.fakes import FakeOrg, FakeTokens, a_token
from crmlink_common.salesforce.ids import to_18

from .writing_world import AFTER, NEVER, UNSEEN, Json, World

LOST = [*UNSEEN, *AFTER]
WAYS = {"row": 1, "collection": 3, "composite": 210, "bulk": 12}
BULK_OVER = 10
KEYED = [(way, op) for way in WAYS for op in ("update", "upsert", "delete")]
MOST_CALLS = 24  # four tries here, times four of the transport's, and a job's own calls


async def opened(world: World) -> tuple[FakeOrg, Org]:
    fake = FakeOrg(answers=[world.answer] * 400, tokens=FakeTokens([a_token() for _ in range(20)]))
    return fake, await fake.open()


def ids(world: World, count: int) -> list[str]:
    found = [to_18(f"003{n:012}") for n in range(count)]
    world.records |= {one: {"Key__c": f"k{n}", "Phone": "0"} for n, one in enumerate(found)}
    return found


async def written(org: Org, world: World, way: str, op: str) -> list[Outcome]:
    """Write as many records as take this way; leave twenty others alone."""
    known = ids(world, WAYS[way] + 20)[: WAYS[way]]
    bulk = Bulk(over=BULK_OVER if way == "bulk" else 100_000)
    if op == "delete":
        return await org.delete("Contact", known)
    if op == "update":
        records = [{"Id": one, "Phone": "1"} for one in known]
        return await org.update("Contact", records, bulk=bulk)
    keys = [{"Key__c": f"k{n * 2}", "Phone": "1"} for n in range(len(known))]
    return await org.upsert("Contact", "Key__c", keys, bulk=bulk)


def never_twice(way: str, op: str) -> bool:
    """Tell whether a lost answer ends the write: by id, and no job does it."""
    return op == "delete" or (op == "update" and way != "bulk")


def is_right(world: World, way: str, op: str) -> bool:
    """Tell whether the org holds what the write says, and nothing twice."""
    count, kept = WAYS[way], list(world.records.values())
    if op == "delete":
        return len(kept) == 20
    keys = [record["Key__c"] for record in kept]
    phones = [record["Phone"] for record in kept]
    return len(keys) == len(set(keys)) and phones.count("1") == count


PASSING = [name for name in (*NEVER, *LOST) if name != "concurrency"]


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize(("way", "op"), KEYED)
async def test_a_fault_that_passes_comes_out_right_or_unknown(
    fault: str, way: str, op: str
) -> None:
    world = World(faults=[fault])
    fake, org = await opened(world)
    outcomes = await written(org, world, way, op)
    await fake.orgs.aclose()
    if fault in LOST and never_twice(way, op):
        assert world.calls == 1
        assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes)
        assert is_right(world, way, op) is (fault in AFTER)
        return
    assert all(one.ok for one in outcomes)
    assert is_right(world, way, op)
    assert world.calls <= MOST_CALLS


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("op", ["update", "upsert"])
async def test_a_fault_at_any_step_of_a_job_comes_out_right(fault: str, step: int, op: str) -> None:
    world = World(faults=[""] * step + [fault])
    fake, org = await opened(world)
    outcomes = await written(org, world, "bulk", op)
    await fake.orgs.aclose()
    assert all(one.ok for one in outcomes)
    assert is_right(world, "bulk", op)
    assert world.calls <= MOST_CALLS
    loaded = [job for job in world.jobs.values() if "done" in job]
    assert len(loaded) == 1


@pytest.mark.parametrize("fault", [*PASSING, "concurrency"])
@pytest.mark.parametrize(("way", "op"), KEYED)
async def test_a_fault_that_stays_ends_in_few_calls(fault: str, way: str, op: str) -> None:
    world = World(always=fault)
    fake, org = await opened(world)
    outcomes = await written(org, world, way, op)
    await fake.orgs.aclose()
    assert world.calls <= MOST_CALLS
    if fault in LOST and never_twice(way, op):
        assert world.calls == 1
        assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes)
    else:
        assert all(isinstance(one.error, TransientError) for one in outcomes)
    keys = [record["Key__c"] for record in world.records.values()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("fault", [*PASSING, "concurrency"])
@pytest.mark.parametrize("way", ["row", "collection", "composite"])
@pytest.mark.parametrize("stays", [False, True])
async def test_a_create_is_never_made_twice(fault: str, way: str, *, stays: bool) -> None:
    world = World(always=fault) if stays else World(faults=[fault])
    fake, org = await opened(world)
    outcomes = await org.create("Contact", [{"Key__c": f"k{n}"} for n in range(WAYS[way])])
    await fake.orgs.aclose()
    keys = [record["Key__c"] for record in world.records.values()]
    assert len(keys) == len(set(keys))
    if fault in LOST:
        assert world.calls == 1
        assert all(isinstance(one.error, UnknownOutcomeError) for one in outcomes)
        assert len(keys) == (WAYS[way] if fault in AFTER else 0)
    elif fault == "concurrency":
        assert world.calls == 1
        assert all(isinstance(one.error, LimitError) for one in outcomes)
    elif stays:
        assert world.calls <= MOST_CALLS
        assert all(isinstance(one.error, TransientError) for one in outcomes)
        assert not keys
    else:
        assert all(one.ok for one in outcomes)
        assert len(keys) == WAYS[way]


async def test_a_limit_that_is_used_up_stops_at_once() -> None:
    world = World(faults=["concurrency"])
    fake, org = await opened(world)
    outcomes = await written(org, world, "composite", "update")
    await fake.orgs.aclose()
    assert all(isinstance(one.error, LimitError) for one in outcomes)
    assert world.calls == 1


CHANGES = st.lists(
    st.tuples(st.sampled_from("abcdeF"), st.sampled_from(["Phone", "Fax"]), st.integers(0, 9)),
    max_size=12,
)
FAULTS = st.lists(
    st.sampled_from(["", *LOST, "429", "lock"]), max_size=3
)  # a fourth in a row is told


@settings(deadline=None, max_examples=40)
@given(changes=CHANGES, faults=FAULTS, by_job=st.booleans())
def test_whatever_is_lost_the_org_ends_as_if_all_was_written_in_order(
    changes: list[tuple[str, str, int]], faults: list[str], *, by_job: bool
) -> None:
    expected: dict[str, Json] = {}
    for key, name, value in changes:
        expected.setdefault(key, {"Key__c": key})[name] = value

    async def write() -> list[Outcome]:
        fake, org = await opened(world)
        records = [{"Key__c": key, name: value} for key, name, value in changes]
        try:
            bulk = Bulk(over=1 if by_job else 1000)
            return await org.upsert("Contact", "Key__c", records, bulk=bulk)
        finally:
            await fake.orgs.aclose()

    world = World(faults=[*faults])
    outcomes = asyncio.run(write())
    assert all(one.ok for one in outcomes)
    assert len(outcomes) == len(changes)
    kept = {one["Key__c"]: as_texts(one) for one in world.records.values()}
    assert kept == {key: as_texts(one) for key, one in expected.items()}
    told = [one.record_id for one in outcomes]
    assert [world.records[one or ""]["Key__c"] for one in told] == [key for key, _, _ in changes]


def as_texts(record: Json) -> dict[str, str]:
    """Leave out cells that change nothing: a job's values are text."""
    return {name: str(value) for name, value in record.items() if value != ""}
