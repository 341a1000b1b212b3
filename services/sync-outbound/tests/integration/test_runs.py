"""Run Sync: every member counted exactly once, whatever is killed meanwhile."""

from __future__ import annotations

from uuid import UUID

import pytest

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.errors import ConflictError
from crmlink_common.runs.store import Runs
from crmlink_common.salesforce.errors import SalesforceTransientError
from crmlink_sync_outbound.domain.outcomes import PATIENT_ATTEMPTS
from crmlink_sync_outbound.fakeworld import W, World
from crmlink_sync_outbound.service import runs as run_module
from crmlink_sync_outbound.service.desk import Asked

pytestmark = pytest.mark.integration


async def start(world: World, direction: str = "outbound", scope: str = "all") -> UUID:
    run = await world.desk.start_run(W, Asked(direction=direction, scope=scope), "tester")
    return run.id


async def test_a_page_repeated_after_a_kill_neither_loses_nor_doubles(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "PAGE", 3)
    for n in range(8):
        await world.member(f"m{n}")
    await world.configure()
    run_id = await start(world)
    for _ in range(2):  # killed after marking, before the checkpoint was stored
        async with world.sessions.begin() as session:
            claim = await Runs(session).claim("sync", "dead")
            assert claim is not None
        async with world.sessions.begin() as session:
            await world.run_sync._step(session, claim)
        await world.work()
        await world.rows("update runs set lease_until = null")
    ended = await world.follow(run_id)
    assert (ended.total, ended.done, ended.counts) == (8, 8, {"created": 8})
    assert await world.rows("select * from run_marks") == []
    assert await world.rows("select * from run_tallies") == []


async def test_a_second_start_names_the_first(world: World) -> None:
    await world.configure()
    run_id = await start(world)
    with pytest.raises(ConflictError) as refused:
        await start(world)
    assert getattr(refused.value, "details", None) == {"run_id": str(run_id)}


async def test_both_directions_may_wait_for_the_same_members(world: World) -> None:
    record = world.org.put("1", LastName="Old", Email="m1@example.org", Phone="7")
    await world.member("m1")
    await world.link("m1", record)
    await world.configure()
    there, back = await start(world), await start(world, "inbound")
    for run_id in (there, back):
        ended = await world.follow(run_id)
        assert (ended.status, ended.done) == ("completed", 1)
    assert world.org.records[record]["LastName"] == "Byron"
    assert len(await world.said("member-changes.v1")) == 1


async def test_only_changed_takes_what_changed_since_the_last_run(world: World) -> None:
    await world.configure()
    for name in ("m1", "m2"):
        await world.member(name)
    await world.follow(await start(world))
    await world.deliver_matches()
    await world.work()
    await world.rows("update pairs set changed_at = now() - interval '1 hour'")
    await world.rows("update sync_configs set saved_at = now() - interval '1 hour'")
    await world.member("m2", version=2, first_name="Ada")
    ended = await world.follow(await start(world, scope="changed"))
    assert (ended.total, ended.counts) == (1, {"written": 1})


async def test_a_saved_rule_puts_everybody_in_scope(world: World) -> None:
    await world.configure()
    await world.member("m1")
    await world.follow(await start(world))
    await world.deliver_matches()
    await world.work()
    await world.configure(outbound_filter="source.email != 'x'")
    ended = await world.follow(await start(world, scope="changed"))
    assert (ended.total, ended.counts) == (1, {"unchanged": 1})


async def test_a_run_does_not_wait_for_ever_for_one_member(world: World) -> None:
    await world.configure()
    record = world.org.put("1", LastName="Old", Email="m1@example.org")
    await world.member("m1")
    await world.link("m1", record)
    await world.work()
    world.org.refuse = lambda _: SalesforceTransientError("UNABLE_TO_LOCK_ROW")
    await world.member("m1", version=2, first_name="Ada")
    ended = await world.follow(await start(world))
    assert (ended.status, ended.counts) == ("completed_with_errors", {"failed": 1})
    [left] = await world.pending()
    assert left.attempts >= PATIENT_ATTEMPTS


async def test_a_cancelled_run_takes_back_what_nobody_has_begun(world: World) -> None:
    await world.member("m1")
    await world.configure()
    run_id = await start(world)
    await world.run_sync.advance()
    assert len(await world.pending()) == 1
    await world.desk.cancel(W, run_id)
    await world.rows("update runs set waits_until = null")
    await world.run_sync.advance()
    run = await world.desk.run(W, run_id)
    assert run.status == "cancelled"
    assert await world.pending() == []


async def test_a_run_of_a_parked_workspace_says_that_it_waits(world: World) -> None:
    await world.configure()
    await world.member("m1")
    await world.connect(status=ConnectionStatus.ERROR)
    run_id = await start(world)
    await world.run_sync.advance()
    await world.work()
    await world.rows("update runs set waits_until = null")
    await world.run_sync.advance()
    run = await world.desk.run(W, run_id)
    assert run.status == "waiting_for_budget"
    assert run.error is not None
    assert run.error.code == "not_connected"


async def test_the_total_is_what_was_marked_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "PAGE", 2)
    await world.configure()
    for name in ("m1", "m2"):
        await world.member(name)
    run_id = await start(world)
    await world.run_sync.advance()
    assert (await world.desk.run(W, run_id)).total == 2
    await world.member("m3")
    ended = await world.follow(run_id)
    assert (ended.total, ended.done) == (3, 3)
