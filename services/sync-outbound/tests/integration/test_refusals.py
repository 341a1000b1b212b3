"""What Salesforce or the reconciler refuses: told, tried again, or waited for."""

from __future__ import annotations

from collections.abc import Sequence
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
from crmlink_sync_outbound.fakeworld import W, World

pytestmark = pytest.mark.integration


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
    assert queue.parked_code == "limit"
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
    assert queue.parked_code == "budget"
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


async def test_a_parked_workspace_sends_one_probe_at_a_time_and_goes_on(world: World) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="m1@example.org")
    await world.member("m1")
    await world.link("m1", record)
    shut = [True]

    def limited(kind: str, _: Sequence[object]) -> None:
        if shut[0] and kind != "open":
            raise SalesforceLimitError("REQUEST_LIMIT_EXCEEDED")

    world.org.before = limited
    await world.work()
    world.org.calls.clear()
    for _ in range(5):
        await world.work()  # not due
    assert world.org.calls == []
    for _ in range(3):
        await world.soon()
        await world.work()
    assert [kind for kind, _ in world.org.calls if kind != "open"] == ["limits"] * 3
    [left] = await world.pending()
    assert left.attempts == 0
    [waits, *_] = world.budgets.waiting(W)
    assert (waits.work, waits.reason) == ("event", "limit")
    shut[0] = False
    world.org.usage = ApiUsage(5, 100)
    await world.soon()
    await world.work()
    assert world.org.records[record]["LastName"] == "Byron"
    assert list(world.budgets.waiting(W)) == []


async def test_work_that_is_not_there_does_not_wait(world: World) -> None:
    await world.configure()
    world.org.usage = ApiUsage(85, 100)
    for member in ("m1", "m2"):
        await world.member(member)
        await world.work()
    assert len(world.org.records) == 2
    assert list(world.budgets.waiting(W)) == []
