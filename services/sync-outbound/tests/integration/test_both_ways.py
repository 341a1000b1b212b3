"""Changes made in Salesforce: asked of upstream, never mistaken for our own echo."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from crmlink_common.contracts.cloudevents import Deleted
from crmlink_common.contracts.member_links import LinkState
from crmlink_sync_outbound.fakeworld import W, World

pytestmark = pytest.mark.integration


async def linked(world: World, phone: str = "1") -> str:
    """Have one pair that agrees."""
    await world.configure()
    record = world.org.put("1", LastName="Byron", Email="m1@example.org", Phone=phone)
    await world.member("m1", phone=phone)
    await world.link("m1", record)
    await world.work()
    assert (await world.pair("m1")).outcome in ("unchanged", "written")
    return record


async def asked(world: World) -> list[tuple[str, object, object]]:
    said = [json.loads(one) for one in await world.said("member-changes.v1")]
    return [(c["field"], c["expected"], c["value"]) for one in said for c in one["changes"]]


async def test_a_change_in_salesforce_is_asked_of_upstream_until_the_member_shows_it(
    world: World,
) -> None:
    record = await linked(world)
    world.org.edit(record, Phone="2")
    await world.seen(record, world.org.clock, Phone="2")
    await world.work()
    assert await asked(world) == [("phone", "1", "2")]
    assert set((await world.pair("m1")).awaiting) == {"phone"}
    await world.member("m1", version=2, phone="1", role="x")
    await world.work()
    assert await asked(world) == []
    assert world.org.records[record]["Phone"] == "2"
    await world.member("m1", version=3, phone="2")
    await world.work()
    pair = await world.pair("m1")
    assert (pair.awaiting, pair.outcome) == ({}, "unchanged")
    assert world.org.records[record]["Phone"] == "2"


async def test_a_stale_echo_reverts_nothing(world: World) -> None:
    record = await linked(world)
    before = world.org.clock
    await world.member("m1", version=2, phone="5")
    await world.work()
    assert world.org.records[record]["Phone"] == "5"
    await world.seen(record, before, Phone="1")
    await world.work()
    assert await asked(world) == []
    pair = await world.pair("m1")
    assert (pair.record["Phone"], pair.reread) == ("5", False)
    assert world.org.records[record]["Phone"] == "5"


async def test_our_own_echo_makes_no_work(world: World) -> None:
    record = await linked(world)
    await world.member("m1", version=2, phone="5")
    await world.work()
    await world.seen(record, world.org.clock + timedelta(seconds=3), Phone="5")
    assert await world.pending() == []


async def test_the_same_message_twice_has_one_effect(world: World) -> None:
    record = await linked(world)
    world.org.edit(record, Phone="2")
    for _ in range(2):
        await world.seen(record, world.org.clock, Phone="2")
    await world.work()
    await world.seen(record, world.org.clock, Phone="2")
    await world.work()
    assert await asked(world) == [("phone", "1", "2")]


async def test_an_older_member_version_changes_nothing(world: World) -> None:
    await world.configure()
    await world.member("m1", version=5, first_name="New")
    await world.member("m1", version=4, first_name="Old")
    pair = await world.pair("m1")
    assert (pair.member_version, pair.member["first_name"]) == (5, "New")
    [pending] = await world.pending()
    assert pending.generation == 1


async def test_a_link_before_its_member_waits_for_it(world: World) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="m1@example.org")
    await world.link("m1", record)
    assert await world.pending() == []
    await world.member("m1")
    await world.work()
    assert world.org.records[record]["LastName"] == "Byron"


async def test_unlinking_forgets_the_record_and_the_base(world: World) -> None:
    await linked(world)
    await world.links("m1", 2, LinkState.EXCLUDED, reason="unlinked_by_person")
    pair = await world.pair("m1")
    assert (pair.record_id, pair.record, pair.base, pair.last_write_at) == ("", {}, {}, None)
    await world.member("m1", version=2, phone="9")
    await world.work()
    pair = await world.pair("m1")
    assert (pair.outcome, pair.outcome_code) == ("skipped", "unlinked_by_person")
    assert len(world.org.records) == 1


async def test_an_older_link_revision_changes_nothing(world: World) -> None:
    record = await linked(world)
    await world.links("m1", 3, LinkState.UNLINKED, reason="record_deleted")
    await world.link("m1", record, revision=2)
    assert (await world.pair("m1")).link_state == "unlinked"


async def test_an_erased_member_leaves_nothing_of_its_values(world: World) -> None:
    await linked(world)
    await world.observe("members", Deleted(f"{W}/m1", 9))
    pair = await world.pair("m1")
    assert (pair.member, pair.record, pair.base, pair.member_version) == ({}, {}, {}, 9)
    assert await world.pending() == []


async def test_an_unlink_while_a_write_is_leased_stops_it(world: World) -> None:
    record = await linked(world)
    await world.member("m1", version=2, first_name="Ada")
    worker = world.worker()
    turn = await worker.turns.claim("x")
    assert turn is not None
    work = await worker.turns.take(turn, ["event", "batch"])
    await world.links("m1", 2, LinkState.EXCLUDED, reason="unlinked_by_person")
    terms = await worker.turns.terms(W, "member")
    assert terms is not None
    done = await worker.linked.settle(turn, world.org, terms, work)
    assert [(one.outcome.kind, one.outcome.code) for one in done] == [("retry", "link_changed")]
    assert "FirstName" not in world.org.records[record]


async def test_observing_reports_differences_and_moves_nothing(world: World) -> None:
    await world.configure(mode="observe")
    record = world.org.put("1", LastName="Old", Email="m1@example.org", Phone="2")
    await world.member("m1", phone="1")
    await world.member("m2")
    await world.link("m1", record)
    await world.work()
    pair = await world.pair("m1")
    assert (pair.outcome, pair.outcome_code) == ("skipped", "observe")
    assert sorted(pair.outcome_fields) == ["LastName", "phone"]
    assert (await world.pair("m2")).outcome_code == "observe"
    assert await asked(world) == []
    assert list(world.org.records) == [record]
    assert world.org.records[record]["LastName"] == "Old"


async def test_what_upstream_has_not_applied_for_a_day_is_listed(world: World) -> None:
    record = await linked(world)
    world.org.edit(record, Phone="2")
    await world.seen(record, world.org.clock, Phone="2")
    await world.work()
    assert (await world.desk.errors(W, 1, 10))["total"] == 0
    await world.rows(
        """update pairs set awaiting = jsonb_set(awaiting, '{phone,since}',
        to_jsonb(now() - interval '25 hours'))"""
    )
    [listed] = (await world.desk.errors(W, 1, 10))["items"]
    told = (listed["member_id"], listed["code"], listed["fields"])
    assert told == ("m1", "upstream_not_applied", ["phone"])
