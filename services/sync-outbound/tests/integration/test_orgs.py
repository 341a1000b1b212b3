"""The two fences: work in flight is bound to the epoch, pairs and changes to the org id."""

from __future__ import annotations

import json

import pytest

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_sync_outbound.fakes import FakeOrg
from crmlink_sync_outbound.fakeworld import World
from crmlink_sync_outbound.service.tidying import Tidy

pytestmark = pytest.mark.integration
COPY = "00D000000000002EAA"  # a sandbox copy: the same record ids, another org


async def linked(world: World) -> str:
    """Have one pair that agrees."""
    await world.configure()
    record = world.org.put("1", LastName="Byron", Email="m1@example.org", Phone="1")
    await world.member("m1", phone="1")
    await world.link("m1", record)
    await world.work()
    assert (await world.pair("m1")).outcome in ("unchanged", "written")
    return record


async def asked(world: World) -> list[tuple[str, object, object]]:
    said = [json.loads(one) for one in await world.said("member-changes.v1")]
    return [(c["field"], c["expected"], c["value"]) for one in said for c in one["changes"]]


async def tidied(world: World) -> None:
    tidy = Tidy(world.sessions, world.telling)
    for _ in range(20):
        if not await tidy.once():
            return


async def test_disconnect_and_connect_lose_no_change_that_is_on_the_bus(world: World) -> None:
    """Both sides change while nobody is connected; the new epoch is no reason to drop either."""
    record = await linked(world)
    await world.connect(status=ConnectionStatus.AWAITING_OAUTH)
    world.org.edit(record, Phone="2")
    await world.seen(record, world.org.clock, Phone="2")
    await world.member("m1", version=2, phone="1", last_name="King")
    await world.work()
    assert world.org.records[record]["LastName"] == "Byron"
    await world.connect()
    await world.work()
    assert world.org.records[record]["LastName"] == "King"
    assert await asked(world) == [("phone", "1", "2")]


async def test_while_another_org_waits_to_be_confirmed_nothing_is_sent(world: World) -> None:
    record = await linked(world)
    await world.connect(org_confirmed=False)
    await world.member("m1", version=2, phone="9")
    await world.work()
    assert world.org.records[record]["Phone"] == "1"
    await world.connect()
    await world.work()
    assert world.org.records[record]["Phone"] == "9"


async def test_a_copy_with_the_same_record_ids_is_left_alone_and_the_first_org_catches_up(
    world: World,
) -> None:
    record = await linked(world)
    copy = FakeOrg(org_id=COPY, records={record: dict(world.org.records[record])})
    await world.connect(org_id=COPY)
    base = (await world.pair("m1")).base
    await world.member("m1", version=2, phone="9")
    await world.work(world.worker(org=copy))
    pair = await world.pair("m1")
    assert (pair.outcome, pair.outcome_code, pair.base) == ("skipped", "other_org", base)
    assert (copy.records[record]["Phone"], world.org.records[record]["Phone"]) == ("1", "1")
    await tidied(world)
    assert await world.pending() == []
    await world.connect()
    await tidied(world)
    await world.work()
    pair = await world.pair("m1")
    assert (pair.outcome, pair.outcome_code) == ("written", "")
    assert (copy.records[record]["Phone"], world.org.records[record]["Phone"]) == ("1", "9")


async def test_a_change_seen_in_the_copy_says_nothing_about_the_first_orgs_record(
    world: World,
) -> None:
    record = await linked(world)
    await world.connect(org_id=COPY)
    before = (await world.pair("m1")).record
    await world.observe("changes", world.change(record, world.org.clock, org_id=COPY, Phone="7"))
    assert (await world.pair("m1")).record == before
    assert await world.pending() == []
