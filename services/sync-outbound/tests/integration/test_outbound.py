"""Members go out: written by id, found and adopted, or created once."""

from __future__ import annotations

import pytest

from crmlink_common.contracts.member_links import LinkState
from crmlink_sync_outbound.fakeworld import W, World
from crmlink_sync_outbound.service.desk import Asked

pytestmark = pytest.mark.integration


async def test_a_linked_member_is_written_by_id(world: World) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="m1@example.org", Phone="")
    await world.member("m1", first_name="Ada")
    await world.link("m1", record)
    await world.work()
    held = world.org.records[record]
    assert (held["FirstName"], held["LastName"]) == ("Ada", "Byron")
    pair = await world.pair("m1")
    assert pair.outcome == "written"
    assert pair.base["last"]["assumed"] is True
    assert pair.last_write_at is not None
    assert await world.pending() == []


async def test_an_unknown_member_is_created_once_and_then_linked(world: World) -> None:
    await world.configure()
    await world.member("m1", first_name="Ada", phone="+1 415 555 0100")
    await world.work()
    assert len(world.org.records) == 1
    [match] = await world.deliver_matches()
    assert (match.action, match.origin, match.member_id) == ("confirm", "created", "m1")
    await world.work()
    pair = await world.pair("m1")
    assert (pair.outcome, pair.record_id) == ("unchanged", match.record_id)
    assert [kind for kind, _ in world.org.calls].count("create") == 1
    assert [kind for kind, _ in world.org.calls].count("update") == 0


async def test_a_record_with_the_same_email_is_adopted(world: World) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="M1@Example.org")
    await world.member("m1", first_name="Ada")
    await world.work()
    [match] = await world.deliver_matches()
    assert (match.origin, match.record_id, match.intent_id) == ("adopted", record, "")
    await world.work()
    assert world.org.records[record]["LastName"] == "Byron"
    assert len(world.org.records) == 1


async def test_run_sync_counts_every_member_once(world: World) -> None:
    await world.member("m1")
    await world.member("m2")
    await world.member("m3", email="")
    await world.member("m4", last_name="")
    world.org.put("9", LastName="Byron", Email="m2@example.org")
    await world.configure()
    assert await world.pending() == []
    run = await world.desk.start_run(W, Asked(scope="all"), "tester")
    ended = await world.follow(run.id)
    assert (ended.status, ended.total, ended.done) == ("completed_with_errors", 4, 4)
    assert ended.counts == {"adopted": 1, "created": 1, "failed": 1, "skipped": 1}
    items = await world.desk.items(W, run.id, None, 1, 50)
    codes = {(one["member_id"], one["code"]) for one in items["items"]}
    assert codes == {("m3", "no_upsert_value"), ("m4", "required_field_missing")}


async def test_an_email_that_only_a_lead_has_is_that_lead(world: World) -> None:
    await world.configure()
    lead = world.org.put("1", "Lead", LastName="Byron", Email="m1@example.org")
    for n in "23":
        world.org.put(n, "Lead", LastName="Byron", Email="m2@example.org")
    await world.member("m1")
    await world.member("m2")
    await world.work()
    [match] = await world.deliver_matches()
    assert (match.member_id, match.record_id, match.object) == ("m1", lead, "Lead")
    assert (await world.pair("m2")).outcome_code == "ambiguous"
    assert len(world.org.records) == 3


async def test_a_lead_is_written_with_the_fields_that_it_has(world: World) -> None:
    await world.configure()
    lead = world.org.put("1", "Lead", LastName="Old", Email="m1@example.org")
    world.org.fields = ("Id", "LastName", "Email", "Phone")
    await world.member("m1", first_name="Ada")
    await world.links("m1", 1, LinkState.LINKED, record_id=lead, object="Lead")
    await world.work()
    assert world.org.records[lead]["LastName"] == "Byron"
    assert "FirstName" not in world.org.records[lead]


async def test_a_refused_match_is_told_with_the_reconcilers_reason(world: World) -> None:
    await world.configure()
    world.org.put("1", LastName="Byron", Email="m1@example.org")
    await world.member("m1")
    await world.work()
    await world.links("m1", 1, LinkState.REFUSED, reason="record_linked_elsewhere")
    pair = await world.pair("m1")
    told = (pair.outcome, pair.outcome_code, pair.expected_record_id)
    assert told == ("skipped", "record_linked_elsewhere", "")


async def test_a_refusal_that_comes_before_the_work_is_settled_is_what_is_told(
    world: World,
) -> None:
    world.org.put("1", Email="m1@example.org", LastName="Byron")
    await world.configure()
    await world.member("m1")
    worker = world.worker()
    turn = await worker.turns.claim("a-turn")
    assert turn is not None
    work = await worker.turns.take(turn, ["event"])
    terms = await worker.turns.terms(W, "member")
    assert terms is not None
    done = await worker.unlinked.settle(turn, world.org, terms, work)
    await world.links("m1", 1, LinkState.REFUSED, reason="record_linked_elsewhere")
    await worker.turns.settle(turn, done)
    pair = await world.pair("m1")
    assert (pair.outcome, pair.outcome_code) == ("skipped", "record_linked_elsewhere")
    assert pair.expected_record_id == ""
