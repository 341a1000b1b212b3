"""Updates whose answer is lost: the record is read again before it is written again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crmlink_common.salesforce.errors import SalesforceUnknownOutcomeError
from crmlink_sync_outbound.fakeworld import RULES, W, World
from crmlink_sync_outbound.service.desk import Asked

pytestmark = pytest.mark.integration
ONE_WAY = RULES[:3]  # known values are written without being read first


async def linked(world: World) -> str:
    """Link a member whose record is known, and let Salesforce fall silent at the next change."""
    await world.configure(rules=ONE_WAY)
    record = world.org.put("1", LastName="Old", Email="m1@example.org")
    await world.member("m1")
    await world.link("m1", record)
    await world.work()
    assert (await world.pair("m1")).outcome == "written"
    world.org.calls.clear()
    return record


def kinds(world: World) -> list[str]:
    return [kind for kind, _ in world.org.calls if kind in {"retrieve", "update"}]


async def test_an_update_without_an_answer_waits_for_seconds_and_is_no_failure(
    world: World,
) -> None:
    await linked(world)
    world.org.lose_updates = True
    await world.member("m1", 2, last_name="Lovelace")
    await world.work()
    pair, [left] = await world.pair("m1"), await world.pending()
    assert (pair.outcome, pair.reread) == ("written", True)
    assert (left.last_code, left.attempts, left.lease_holder) == ("LOST", 1, "")
    assert left.due_at < datetime.now(UTC) + timedelta(seconds=5)
    assert kinds(world) == ["update"]


async def test_what_has_taken_effect_is_read_and_not_written_again(world: World) -> None:
    record = await linked(world)
    world.org.lose_updates = True
    await world.member("m1", 2, last_name="Lovelace")
    await world.work()
    world.org.lose_updates = False
    await world.soon()
    await world.work()
    assert kinds(world) == ["update", "retrieve"]
    pair = await world.pair("m1")
    assert (pair.outcome, pair.reread, pair.record["LastName"]) == ("unchanged", False, "Lovelace")
    assert world.org.records[record]["LastName"] == "Lovelace"
    assert await world.pending() == []


async def test_what_has_not_taken_effect_is_read_and_then_written(world: World) -> None:
    record = await linked(world)
    world.org.refuse = lambda _: SalesforceUnknownOutcomeError("ReadTimeout")
    await world.member("m1", 2, last_name="Lovelace")
    await world.work()
    world.org.refuse = lambda _: None
    await world.soon()
    await world.work()
    assert kinds(world) == ["update", "retrieve", "update"]
    assert world.org.records[record]["LastName"] == "Lovelace"
    assert (await world.pair("m1")).outcome == "written"


async def test_what_a_person_changed_in_between_in_both_ways_is_kept(world: World) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Byron", Email="m1@example.org", Phone="1")
    await world.member("m1", phone="1")
    await world.link("m1", record)
    await world.work()
    world.org.lose_updates = True
    await world.member("m1", 2, phone="1", last_name="Lovelace")
    await world.work()
    world.org.lose_updates = False
    world.org.edit(record, Phone="2")
    await world.soon()
    await world.work()
    assert world.org.records[record]["Phone"] == "2"
    assert world.org.records[record]["LastName"] == "Lovelace"


async def test_a_run_that_waits_no_longer_tells_that_the_outcome_is_unknown(world: World) -> None:
    await linked(world)
    world.org.refuse = lambda _: SalesforceUnknownOutcomeError("ReadTimeout")
    await world.member("m1", 2, last_name="Lovelace")
    run = await world.desk.start_run(W, Asked(direction="outbound", scope="all"), "tester")
    ended = await world.follow(run.id)
    assert (ended.done, ended.counts) == (1, {"unknown": 1})
    assert len(await world.pending()) == 1
