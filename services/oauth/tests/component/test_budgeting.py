"""Reports of usage, what people see of them, and the shares of a workspace."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.limits import SHARES, WorkClass
from crmlink_oauth.domain.usage import Sample, Waiting
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.budgeting import Report

MINUTE = timedelta(minutes=1)


async def tell(
    world: World,
    service: str,
    used: int,
    at: datetime | None = None,
    workspace_id: str = "w1",
    **more: Any,  # noqa: ANN401 - fields
) -> None:
    seen = Sample(at or world.time, used, 15000)
    await world.budgeting.take(workspace_id, Report(service=service, seen=seen, **more))


async def test_the_latest_report_of_any_service_is_shown(world: World) -> None:
    await world.connect()
    later = world.time + MINUTE
    await tell(world, "tools", 30, later)
    await tell(world, "reconciler", 20)
    shown = await world.budgeting.show("w1")
    assert (shown.used, shown.limit, shown.at) == (30, 15000, later)
    assert [(one.service, one.used) for one in shown.by_service] == [
        ("oauth", 17),
        ("reconciler", 20),
        ("tools", 30),
    ]
    assert shown.remaining[WorkClass.RECONCILE] == 10_470
    overview = await world.setup.show("w1")
    assert overview.usage is not None
    assert overview.usage.used == 30


async def test_a_clock_that_runs_ahead_does_not_hide_later_reports(world: World) -> None:
    await world.connect()
    await tell(world, "tools", 1, world.time + timedelta(days=1))
    assert (await world.budgeting.show("w1")).at == world.time


async def test_usage_of_nothing_is_not_kept(world: World) -> None:
    await tell(world, "tools", 1, workspace_id="w9")
    assert (world.store.usage.rows, world.store.budgets.rows) == ({}, {})


async def test_usage_of_another_org_is_not_kept(world: World) -> None:
    await world.connect()
    await tell(world, "tools", 1, org_id="00D000000000009EAA")
    assert [one.service for one in (await world.budgeting.show("w1")).by_service] == ["oauth"]


async def test_workspaces_on_one_org_share_its_usage_and_nothing_else(world: World) -> None:
    await world.connect()
    await world.connect("w2")
    waiting = [Waiting(WorkClass.BATCH, world.time, world.time + MINUTE, "budget")]
    await tell(world, "tools", 14_000, world.time + MINUTE, "w2", waiting=waiting)
    shown = await world.budgeting.show("w1")
    assert shown.used == 14_000
    assert shown.waiting == []
    assert [one.service for one in shown.by_service] == ["oauth"]


async def test_what_waits_is_shown_until_it_goes_on(world: World) -> None:
    await world.connect()
    waiting = [Waiting(WorkClass.BATCH, world.time, world.time + MINUTE, "limit")]
    await tell(world, "sync-outbound", 15_001, waiting=waiting)
    [one] = (await world.budgeting.show("w1")).waiting
    assert (one.service, one.work, one.until) == ("sync-outbound", "batch", world.time + MINUTE)
    assert "used up" in one.message
    await world.budgeting.take("w1", Report(service="sync-outbound", waiting=[]))
    assert (await world.budgeting.show("w1")).waiting == []


async def test_what_a_service_that_stopped_had_told_is_not_shown_for_ever(world: World) -> None:
    await world.connect()
    waiting = [Waiting(WorkClass.BATCH, world.time, world.time + MINUTE, "limit")]
    await tell(world, "sync-outbound", 15_001, waiting=waiting)
    world.time += 10 * MINUTE
    assert (await world.budgeting.show("w1")).waiting == []


async def test_exhaustion_is_foretold(world: World) -> None:
    await world.connect()
    for _ in range(7):
        await tell(world, "tools", 9_000 + int((world.time.minute) * 100))
        world.time += 5 * MINUTE
    told = (await world.budgeting.show("w1")).forecast
    assert told.per_hour == 6_000
    assert told.exhausted_at == world.time - 5 * MINUTE + timedelta(minutes=30)


async def test_shares_are_given_to_whoever_reports(world: World) -> None:
    await world.connect()
    assert await world.budgeting.take("w1", Report(service="tools")) == SHARES
    shown = await world.budgeting.set_shares("w1", {"reconcile": 5, "batch": 10}, actor="ada")
    assert shown.shares == {"assistant": 100, "event": 90, "batch": 10, "reconcile": 5}
    told = await world.budgeting.take("w1", Report(service="tools"))
    assert told[WorkClass.RECONCILE] == 5
    await world.budgeting.set_shares("w1", {}, actor="ada")
    assert await world.budgeting.take("w1", Report(service="tools")) == SHARES


async def test_who_set_shares_leaves_a_trace_once(world: World) -> None:
    await world.connect()
    for _ in range(2):
        await world.budgeting.set_shares("w1", {"reconcile": 5}, actor="key:7")
    traces = [r.value or b"" for r in world.store.outbox.rows if r.topic == "activity.v1"]
    set_ = [one for one in traces if b'"action":"connection.shares_set"' in one]
    assert len(set_) == 1
    assert b'"actor":"key:7"' in set_[0]


async def test_shares_out_of_order_are_refused_and_nothing_is_set(world: World) -> None:
    with pytest.raises(InvalidInputError) as found:
        await world.budgeting.set_shares("w1", {"reconcile": 90}, actor="ada")
    assert found.value.code == "shares_out_of_order"
    assert world.store.budgets.rows == {}


async def test_a_deleted_connection_leaves_no_shares(world: World) -> None:
    await world.connect()
    await world.budgeting.set_shares("w1", {"reconcile": 5}, actor="ada")
    await world.setup.delete("w1", actor="ada")
    assert (await world.budgeting.show("w1")).shares == SHARES
