"""Killed anywhere, two at once, answers lost: nothing doubled, nothing forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from crmlink_common.contracts.members import Member
from crmlink_common.contracts.sync_configs import EntityParams
from crmlink_sync_outbound.app import observing
from crmlink_sync_outbound.domain import resolving
from crmlink_sync_outbound.domain.pair import Pair
from crmlink_sync_outbound.domain.views import Terms
from crmlink_sync_outbound.fakes import FakeOrg
from crmlink_sync_outbound.fakeworld import W, World, event
from crmlink_sync_outbound.service import unlinked

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


def fail_at(world: World, kind: str, error: Exception) -> None:
    """Raise once, the next time it makes this kind of call."""

    def before(called: str, _: Sequence[object]) -> None:
        if called == kind:
            world.org.before = lambda *_: None
            raise error

    world.org.before = before


@pytest.mark.parametrize(
    "error", [RuntimeError("a bug"), OperationalError("select", {}, Exception("lock"))]
)
async def test_a_failed_turn_is_given_back_at_once(world: World, error: Exception) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="m1@example.org")
    await world.member("m1")
    await world.link("m1", record)
    fail_at(world, "update", error)
    assert await world.worker().take_turn()
    [left] = await world.pending()
    assert (left.lease_holder, left.lease_until, left.last_code) == ("", None, "turn_failed")
    assert await world.worker("other").take_turn()
    assert world.org.records[record]["LastName"] == "Byron"
    assert await world.pending() == []


async def test_only_what_is_still_held_is_given_back(world: World) -> None:
    await world.configure()
    await world.member("m1")
    slow, fast = world.worker("slow"), world.worker("fast")
    lost = await slow.turns.claim("slow-turn")
    assert lost is not None
    await slow.turns.take(lost, ["event"])
    await world.expire_leases()
    mine = await fast.turns.claim("fast-turn")
    assert mine is not None
    assert len(await fast.turns.take(mine, ["event"])) == 1
    await slow.turns.park(lost, "turn_failed", timedelta(0))
    [left] = await world.pending()
    [queue] = await world.rows("select * from workspace_queue")
    assert (left.lease_holder, queue.lease_holder) == ("fast-turn", "fast-turn")
    assert queue.parked_code == ""


async def test_a_turn_that_lasts_keeps_its_leases(world: World) -> None:
    await world.configure()
    await world.member("m1")
    worker = world.worker()
    turn = await worker.turns.claim("long-turn")
    assert turn is not None
    await worker.turns.take(turn, ["event"])
    soon = "now() + interval '1 second'"
    await world.rows(f"update pending set lease_until = {soon}")  # noqa: S608 - a constant
    await world.rows(f"update workspace_queue set lease_until = {soon}")  # noqa: S608 - a constant
    await worker.turns.renew(turn)
    for table in ("pending", "workspace_queue"):
        [row] = await world.rows(f"select lease_until - now() as left from {table}")  # noqa: S608 - a constant
        assert row.left > timedelta(seconds=30)


async def test_one_member_that_cannot_be_worked_out_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.configure()
    for name in ("m1", "m2"):
        await world.member(name)
    whole = resolving.wanted

    def faulty(pair: Pair, terms: Terms) -> object:
        if pair.member_id == "m1":
            raise ZeroDivisionError
        return whole(pair, terms)

    monkeypatch.setattr(unlinked, "wanted", faulty)
    await world.work()
    assert (await world.pair("m1")).outcome_code == "unexpected"
    assert (await world.pair("m2")).outcome == "created"


async def test_what_comes_in_while_a_turn_ends_is_looked_at_next(world: World) -> None:
    await world.configure()
    await world.member("m1", email="")
    worker = world.worker()
    turn = await worker.turns.claim("a-turn")
    assert turn is not None
    async with world.sessions.begin() as session:
        late = Member(workspace_id=W, member_id="m2", version=1, email="m2@example.org")
        await observing(session).members([event(late)])
        ending = asyncio.create_task(worker.turns.end(turn, None))
        await asyncio.wait([ending], timeout=0.3)
        assert ending.done()  # it waits for no batch
    assert await world.worker("other").take_turn()
    assert (await world.pair("m2")).outcome_at is not None


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


async def test_a_lost_create_is_looked_for_where_it_was_sent_whatever_is_configured_since(
    world: World,
) -> None:
    await world.configure()
    await world.member("m1", phone="7")
    world.org.lose_creates = True
    await world.work()
    world.org.lose_creates = False
    params = EntityParams(target_object="Lead", upsert_field="Phone")
    await world.configure(entity_params=params)
    await world.soon()
    await world.work()
    [match] = await world.deliver_matches()
    assert (match.object, match.origin) == ("Contact", "created")
    assert len(world.org.records) == 1


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
