"""Killed anywhere, two at once, answers lost: nothing doubled, nothing forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.errors import TransientError
from crmlink_common.salesforce.errors import (
    SalesforceLimitError,
    SalesforcePermanentError,
    SalesforceTransientError,
)
from crmlink_common.salesforce.limits import ApiUsage
from crmlink_sync_outbound.fakes import FakeOrg
from crmlink_sync_outbound.fakeworld import W, World

pytestmark = pytest.mark.integration


class Killed(BaseException):
    """Ends everything, as a kill does."""


def kill_at(world: World, kind: str) -> None:
    """End the worker the next time it makes this kind of call."""

    def before(called: str, _: Sequence[object]) -> None:
        if called == kind:
            world.org.before = lambda *_: None
            raise Killed

    world.org.before = before


async def killed_turn(world: World) -> None:
    with pytest.raises(Killed):
        await world.worker().take_turn()
    await world.expire_leases()


async def test_killed_before_a_write_it_is_written_later(world: World) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="m1@example.org")
    await world.member("m1")
    await world.link("m1", record)
    kill_at(world, "update")
    await killed_turn(world)
    await world.work()
    assert world.org.records[record]["LastName"] == "Byron"
    assert await world.pending() == []


async def test_killed_between_create_and_settling_no_second_record_is_made(world: World) -> None:
    await world.configure()
    await world.member("m1")
    create = FakeOrg.create

    async def create_and_die(sobject: str, records: Sequence[dict[str, object]]) -> None:
        await create(world.org, sobject, list(records))
        raise Killed

    world.org.create = create_and_die  # type: ignore[method-assign, assignment]
    await killed_turn(world)
    del world.org.create
    assert len(world.org.records) == 1
    await world.work()
    matches = await world.deliver_matches()
    assert [(one.action, one.origin) for one in matches] == [("confirm", "created")]
    assert len(world.org.records) == 1
    await world.work()
    assert (await world.pair("m1")).outcome in ("unchanged", "written")
    [intent] = await world.rows("select * from create_intents")
    assert (intent.state, intent.sought) == ("done", "")


async def test_a_lost_create_is_looked_for_and_absence_counts_only_after_eleven_minutes(
    world: World,
) -> None:
    await world.configure()
    await world.member("m1")
    world.org.lose_creates = True
    await world.work()
    assert (await world.pair("m1")).outcome == "unknown"
    [slow] = world.org.records.values()
    world.org.records.clear()  # it still runs over there
    world.org.lose_creates = False
    for _ in range(3):
        await world.soon()
        await world.work()
    assert [kind for kind, _ in world.org.calls].count("create") == 1
    world.org.records[slow["Id"]] = slow
    await world.soon()
    await world.work()
    [match] = await world.deliver_matches()
    assert (match.record_id, match.origin) == (slow["Id"], "created")


async def test_a_create_that_never_arrived_is_sent_again_after_eleven_minutes(
    world: World,
) -> None:
    await world.configure()
    await world.member("m1")
    world.org.lose_creates = True
    await world.work()
    world.org.records.clear()
    world.org.lose_creates = False
    await world.rows(
        "update create_intents set sending_since = now() - cast(:t as interval)",
        t=timedelta(minutes=11),
    )
    for _ in range(2):
        await world.soon()
        await world.work()
    assert len(world.org.records) == 1
    assert len({intents["m1"] for intents in world.reservations.asked}) == 1


async def test_two_workers_on_one_workspace_create_each_record_once(world: World) -> None:
    await world.configure()
    for n in range(40):
        await world.member(f"m{n:02}", email=f"{n % 20}@example.org")
    workers = [world.worker("one"), world.worker("two")]
    for _ in range(6):
        await asyncio.gather(*(world.work(one) for one in workers))
        await world.soon()
    emails = [record["Email"] for record in world.org.records.values()]
    assert len(emails) == len(set(emails)) == 20
    codes = await world.rows("select outcome_code, count(*) n from pairs group by 1 order by 1")
    assert [(row.outcome_code, row.n) for row in codes] == [
        ("", 20),
        ("record_linked_elsewhere", 20),
    ]


async def test_an_expired_lease_settles_nothing_and_sends_no_create(world: World) -> None:
    await world.configure()
    await world.member("m1")
    slow, fast = world.worker("slow"), world.worker("fast")
    turn = await slow.turns.claim("slow-turn")
    assert turn is not None
    work = await slow.turns.take(turn, ["event", "batch"])
    terms = await slow.turns.terms(W, "member")
    assert terms is not None
    await world.expire_leases()
    await world.work(fast)
    assert len(world.org.records) == 1
    done = await slow.unlinked.settle(turn, world.org, terms, work)
    await slow.turns.settle(turn, done)
    assert len(world.org.records) == 1
    assert (await world.pair("m1")).outcome == "created"


async def test_a_change_during_the_work_stays_pending(world: World) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="m1@example.org")
    await world.member("m1")
    await world.link("m1", record)
    worker = world.worker()
    turn = await worker.turns.claim("x")
    assert turn is not None
    work = await worker.turns.take(turn, ["event", "batch"])
    terms = await worker.turns.terms(W, "member")
    assert terms is not None
    done = await worker.linked.settle(turn, world.org, terms, work)
    await world.member("m1", version=2, last_name="King")
    await worker.turns.settle(turn, done)
    await worker.turns.end(turn, None)
    [left] = await world.pending()
    assert (left.lease_holder, left.generation) == ("", work[0].generation + 1)
    await world.work()
    assert world.org.records[record]["LastName"] == "King"


async def test_a_record_that_fails_for_a_while_is_tried_again(world: World) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="m1@example.org")
    await world.member("m1")
    await world.link("m1", record)
    world.org.refuse = lambda _: SalesforceTransientError("UNABLE_TO_LOCK_ROW")
    await world.work()
    [left] = await world.pending()
    assert (left.last_code, left.attempts) == ("UNABLE_TO_LOCK_ROW", 1)
    world.org.refuse = lambda _: None
    await world.soon()
    await world.work()
    assert world.org.records[record]["LastName"] == "Byron"


async def test_a_refused_create_releases_its_reservation(world: World) -> None:
    await world.configure()
    await world.member("m1")
    world.org.refuse = lambda _: SalesforcePermanentError("FIELD_CUSTOM_VALIDATION_EXCEPTION")
    await world.work()
    [match] = await world.deliver_matches()
    assert (match.action, match.reason) == ("release", "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert str(UUID(match.intent_id)) == match.intent_id
    assert (await world.pair("m1")).outcome == "failed"


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        ("excluded", "skipped", "unlinked_by_person"),
        ("already_linked", "skipped", "waiting_for_link"),
    ],
)
async def test_what_the_reconciler_refuses_is_not_created(
    world: World, answer: str, outcome: str, code: str
) -> None:
    await world.configure()
    await world.member("m1")
    world.reservations.answers["m1"] = answer
    await world.work()
    pair = await world.pair("m1")
    assert (pair.outcome, pair.outcome_code) == (outcome, code)
    assert world.org.records == {}


async def test_a_member_the_reconciler_does_not_know_yet_is_tried_again(world: World) -> None:
    await world.configure()
    await world.member("m1")
    world.reservations.answers["m1"] = "unknown_member"
    await world.work()
    world.reservations.answers.clear()
    world.reservations.held.clear()
    await world.soon()
    await world.work()
    assert len(world.org.records) == 1


async def test_several_hits_are_ambiguous_and_nothing_is_created(world: World) -> None:
    await world.configure()
    for n in "12":
        world.org.put(n, LastName="B", Email="m1@example.org")
    await world.member("m1")
    await world.work()
    assert (await world.pair("m1")).outcome_code == "ambiguous"
    assert len(world.org.records) == 2


async def test_a_limit_parks_the_workspace_and_loses_nothing(world: World) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="m1@example.org")
    await world.member("m1")
    await world.link("m1", record)

    def limited(kind: str, _: Sequence[object]) -> None:
        if kind == "retrieve":
            raise SalesforceLimitError("REQUEST_LIMIT_EXCEEDED")

    world.org.before = limited
    await world.work()
    [queue] = await world.rows("select * from workspace_queue")
    assert queue.parked_code == "REQUEST_LIMIT_EXCEEDED"
    [left] = await world.pending()
    assert (left.lease_holder, left.attempts) == ("", 0)
    world.org.before = lambda *_: None
    await world.soon()
    await world.work()
    assert world.org.records[record]["LastName"] == "Byron"


async def test_batch_work_stops_at_its_share_of_the_limit_and_events_go_on(world: World) -> None:
    await world.configure()
    world.org.usage = ApiUsage(85, 100)
    await world.member("m1")
    await world.work()
    assert len(world.org.records) == 1
    await world.member("m2")
    await world.rows("update pending set class = 'batch'")
    await world.work()
    assert len(world.org.records) == 1
    [queue] = await world.rows("select * from workspace_queue")
    assert queue.parked_code == "budget_used_up"
    await world.member("m3")
    await world.work()
    assert len(world.org.records) == 2


async def test_an_unconnected_workspace_waits_and_wakes_with_its_connection(world: World) -> None:
    await world.configure()
    await world.connect(status=ConnectionStatus.ERROR)
    await world.member("m1")
    await world.work()
    assert world.org.calls == []
    assert len(await world.pending()) == 1
    await world.connect()
    await world.work()
    assert len(world.org.records) == 1


async def test_the_reconcilers_silence_leaves_an_intent_that_is_used_again(world: World) -> None:
    await world.configure()
    await world.member("m1")

    async def silent(*_: object) -> None:
        raise TransientError("no answer")

    world.reservations.reserve = silent  # type: ignore[method-assign, assignment]
    await world.work()
    [before] = await world.rows("select * from create_intents")
    del world.reservations.reserve
    await world.soon()
    await world.work()
    [after] = await world.rows("select * from create_intents")
    assert (before.state, after.state) == ("reserved", "done")
    assert before.intent_id == after.intent_id
