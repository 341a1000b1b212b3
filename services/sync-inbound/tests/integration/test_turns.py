"""What turns of capture see and tell, on real PostgreSQL; the org and the bus are fakes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from crmlink_common.contracts.cloudevents import Record
from crmlink_sync_inbound.capture import INACTIVE
from crmlink_sync_inbound.fakes.org import NOON, an_id
from crmlink_sync_inbound.fakes.world import MINUTE, World, a_config, a_link
from crmlink_sync_inbound.storage.tables import CaptureRow

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


async def test_a_new_link_is_read_and_then_its_changes_are_told_once(world: World) -> None:
    key = world.org.put(1, NOON - timedelta(days=9), Email="old@x.example")
    await world.learn(links=a_link(1))
    [first] = await world.turn()
    assert (first.kind, first.record_id, first.values["Email"]) == ("reread", key, "old@x.example")
    world.org.put(1, Email="new@x.example")
    [second] = await world.turn()
    assert (second.kind, second.values["Email"]) == ("updated", "new@x.example")
    assert await world.turn() == []


async def test_only_watched_fields_are_told(world: World) -> None:
    world.org.put(1, Email="a@x.example", Phone="1")
    await world.learn(links=a_link(1))
    [told] = await world.turn()
    assert set(told.values) == {"Id", "SystemModstamp", "IsDeleted", "MasterRecordId", "Email"}


async def test_an_idle_poll_is_one_call(world: World) -> None:
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    world.org.asked.clear()
    await world.turn()
    assert world.org.asked == ["query_many"]
    world.org.asked.clear()
    await world.turn(timedelta(minutes=20))  # what it knows of fields and clock is too old
    assert sorted(world.org.asked)[:2] == ["describe Contact", "describe Lead"]


async def test_without_links_nothing_is_asked_of_the_org(world: World) -> None:
    assert await world.turn() == []
    assert world.org.asked == []
    assert (await world.row(CaptureRow)).wait_seconds == INACTIVE.total_seconds()
    assert (await world.shown())["state"] == "waiting_for_links"


async def test_observed_before_known_is_read_again_when_the_link_comes(world: World) -> None:
    await world.learn(links=a_link(1))
    world.org.put(1)
    await world.turn()
    world.org.put(2, Email="unseen@x.example")
    assert await world.turn() == []  # not linked: dropped, and the cursor has moved past it
    await world.learn(links=a_link(2))
    [told] = await world.turn()
    assert (told.record_id, told.kind) == (an_id(2), "reread")
    assert told.values["Email"] == "unseen@x.example"


async def test_a_link_that_changes_during_its_re_read_is_read_once_more(world: World) -> None:
    world.org.put(1)
    world.org.put(2, Email="two@x.example")
    await world.learn(links=a_link(1))
    publish = world.publish

    async def meanwhile(records: Sequence[Record]) -> None:
        await publish(records)
        await world.learn(links=a_link(1, revision=2, record_id=an_id(2)))

    world.capture = world.a_poller("one")
    object.__setattr__(world.capture.teller, "publish", meanwhile)
    await world.turn()
    object.__setattr__(world.capture.teller, "publish", publish)
    told = await world.turn()
    assert [one.values["Email"] for one in told if one.kind == "reread"] == ["two@x.example"]


async def test_a_newly_mapped_field_is_read_from_every_linked_record(world: World) -> None:
    for number in (1, 2, 3):
        world.org.put(number, NOON - timedelta(days=9), Phone=str(number))
    await world.learn(links=[a_link(number) for number in (1, 2, 3)])
    await world.turn()
    await world.learn(configs=a_config(2, "Email", "Phone"))
    assert [one.values["Phone"] for one in await world.turn()] == ["1", "2", "3"]
    await world.learn(configs=a_config(3, "Phone"))
    assert await world.turn() == []


async def test_a_field_that_becomes_visible_later_is_read_from_every_linked_record(
    world: World,
) -> None:
    world.org.put(1, NOON - timedelta(days=9))
    await world.learn(links=a_link(1), configs=a_config(2, "New__c"))
    [told] = await world.turn()
    assert "New__c" not in told.values
    world.org.objects["Contact"] = [*world.org.objects["Contact"], "New__c"]
    world.org.rows["Contact"][an_id(1)]["New__c"] = "here"
    told_again = await world.turn(timedelta(minutes=20))
    assert [one.values["New__c"] for one in told_again] == ["here"]


async def test_more_re_reads_than_one_page_take_several_turns(
    world: World, pages_of_two: None
) -> None:
    for number in range(5):
        world.org.put(number, NOON - timedelta(days=9), Phone=str(number))
    await world.learn(links=[a_link(number) for number in range(5)])
    told = [await world.turn() for _ in range(3)]
    assert sorted(one.record_id for some in told for one in some) == [an_id(n) for n in range(5)]
    await world.learn(configs=a_config(2, "Email", "Phone"))
    told = [await world.turn() for _ in range(3)]
    assert [one.values["Phone"] for some in told for one in some] == list("01234")
    assert await world.turn() == []


@pytest.mark.parametrize("count", [2, 3, 4, 7])
async def test_many_records_of_one_second_are_all_told_once(
    world: World, pages_of_two: None, count: int
) -> None:
    """A page that is exactly full may be the last, or not."""
    await world.learn(links=[a_link(number) for number in range(count)])
    for _ in range(count):
        await world.turn()
    for number in range(count):
        world.org.put(number)
    told = await world.turn() + await world.turn()
    assert [one.record_id for one in told] == [an_id(number) for number in range(count)]


async def test_catching_up_takes_turns_with_other_workspaces(
    world: World, pages_of_two: None
) -> None:
    await world.learn(links=[a_link(number) for number in range(30)])
    for _ in range(16):
        await world.turn()
    world.published.clear()
    for number in range(30):
        world.org.put(number)
    assert len(await world.turn()) == 20
    assert (await world.row(CaptureRow)).due_at <= datetime.now(UTC)
    assert len(await world.turn()) == 10


async def test_a_late_commit_is_found_by_looking_back(world: World) -> None:
    world.org.put(1)
    world.org.put(2)
    await world.learn(links=[a_link(1), a_link(2)])
    await world.turn()
    wrote = world.org.clock
    world.pass_time(MINUTE)
    world.org.put(2)
    await world.turn()  # the cursor passes the stamp of what is not yet to be seen
    world.org.put(1, wrote, Email="late@x.example")
    told = [one for _ in range(8) for one in await world.turn()]
    assert [(one.origin, one.values["Email"]) for one in told] == [("safety", "late@x.example")]


async def test_a_deleted_a_merged_and_a_converted_record_are_told_as_such(world: World) -> None:
    for number in (1, 2, 9):
        world.org.put(number)
    lead = world.org.put(3, Lead=True)
    links = [a_link(1), a_link(2), a_link(3, record_id=lead, object="Lead")]
    await world.learn(links=links)
    await world.turn()
    world.org.put(1, IsDeleted=True)
    world.org.put(2, IsDeleted=True, MasterRecordId=an_id(9))
    world.org.put(3, Lead=True, IsConverted=True, ConvertedContactId=an_id(9))
    told = {one.record_id: (one.kind, one.successor_id) for one in await world.turn()}
    assert told == {
        an_id(1): ("deleted", ""),
        an_id(2): ("merged", an_id(9)),
        lead: ("converted", an_id(9)),
    }


async def test_a_record_deleted_before_its_link_came_is_told_as_deleted(world: World) -> None:
    world.org.put(1, NOON - timedelta(days=2), IsDeleted=True)
    await world.learn(links=a_link(1))
    assert [one.kind for one in await world.turn()] == ["deleted"]


async def test_an_observation_is_dated_before_its_read(world: World) -> None:
    """A write that lands while we read must be younger than what we then say we saw."""
    world.org.put(1)
    await world.learn(links=a_link(1))
    await world.turn()
    world.org.put(1)
    world.pass_time(MINUTE)
    before = world.org.clock + MINUTE
    world.org.before_answer = lambda: world.pass_time(timedelta(seconds=20))
    [told] = await world.turn()
    assert told.observed_at <= before


async def test_a_change_during_the_poll_is_not_stepped_over(world: World) -> None:
    for number in (1, 2):
        world.org.put(number)
    await world.learn(links=[a_link(1), a_link(2)])
    await world.turn()
    world.org.put(1)

    def slowly() -> None:
        world.org.before_answer = lambda: None
        world.pass_time(timedelta(seconds=30))
        world.org.put(2, Email="meanwhile@x.example")
        world.pass_time(timedelta(seconds=30))

    world.org.before_answer = slowly
    assert [one.record_id for one in await world.turn()] == [an_id(1)]
    assert [one.record_id for one in await world.turn()] == [an_id(2)]
