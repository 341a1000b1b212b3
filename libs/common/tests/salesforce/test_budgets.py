"""What a process knows of its orgs' limits: who waits, and who sends the one probe."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from crmlink_common.errors import TransientError
from crmlink_common.salesforce.budget import Allow, BudgetError, Probe, Wait
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.errors import SalesforceLimitError
from crmlink_common.salesforce.limits import ApiUsage, WorkClass
from crmlink_common.salesforce.usage_reports import UsageReports

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ASSISTANT, EVENT, BATCH, RECONCILE = WorkClass


@dataclass
class Clock:
    time: datetime = NOON

    def __call__(self) -> datetime:
        return self.time

    def later(self, **more: float) -> None:
        self.time += timedelta(**more)


@dataclass
class Org:
    """Answers probes as ``used`` and ``limit`` say."""

    workspace_id: str = "w1"
    org_id: str = "org"
    used: int = 0
    limit: int = 1000
    usage: ApiUsage | None = None
    probes: int = 0
    before_answer: Callable[[], Any] = field(default=lambda: None)

    async def limits(self) -> None:
        self.probes += 1
        await asyncio.sleep(0)
        self.before_answer()
        self.usage = ApiUsage(self.used, self.limit)
        if self.used > self.limit:
            raise SalesforceLimitError("REQUEST_LIMIT_EXCEEDED")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budgets(clock: Clock) -> Budgets:
    return Budgets(now=clock, jitter=lambda: 1.0)


async def let_in(budgets: Budgets, org: Org, work: WorkClass = EVENT) -> bool:
    try:
        await budgets.admit(org, work)
    except BudgetError:
        return False
    return True


async def test_a_parked_org_is_probed_gently_and_goes_on_by_itself(
    budgets: Budgets, clock: Clock
) -> None:
    org = Org(used=1001)
    budgets.refused("w1", "org", SalesforceLimitError("REQUEST_LIMIT_EXCEEDED"))
    for _ in range(24 * 60):
        assert not await let_in(budgets, org)
        clock.later(minutes=1)
    assert (budgets.usage("w1") or [None])[0] == ApiUsage(1001, 1000)
    assert 90 <= org.probes <= 110  # every quarter of an hour, for a day
    org.used = 10
    for _ in range(16):
        if await let_in(budgets, org):
            break
        clock.later(minutes=1)
    assert await let_in(budgets, org, RECONCILE)


async def test_many_callers_send_one_probe(budgets: Budgets, clock: Clock) -> None:
    org = Org(used=10)
    budgets.refused("w1", "org", SalesforceLimitError("REQUEST_LIMIT_EXCEEDED"))
    clock.later(minutes=2)
    entered = await asyncio.gather(*[let_in(budgets, org) for _ in range(50)])
    assert (org.probes, entered.count(True)) == (1, 1)
    assert await let_in(budgets, org)
    assert org.probes == 1


async def test_workspaces_on_one_org_share_its_parking_and_others_do_not(
    budgets: Budgets,
) -> None:
    budgets.refused("w1", "org", SalesforceLimitError("REQUEST_LIMIT_EXCEEDED"))
    assert not await let_in(budgets, Org("w2", "org"))
    assert await let_in(budgets, Org("w3", "another"))


async def test_a_probe_that_fails_leaves_the_next_to_another(
    budgets: Budgets, clock: Clock
) -> None:
    def fail() -> None:
        raise TransientError("no answer")

    org = Org(before_answer=fail)
    budgets.refused("w1", "org", SalesforceLimitError("REQUEST_LIMIT_EXCEEDED"))
    clock.later(minutes=2)
    with pytest.raises(TransientError):
        await budgets.admit(org, EVENT)
    assert not await let_in(budgets, org)
    clock.later(minutes=2)
    org.before_answer = lambda: None
    assert await let_in(budgets, org)


async def test_a_class_waits_from_when_its_share_was_used_up(
    budgets: Budgets, clock: Clock
) -> None:
    budgets.heard("w1", "org", ApiUsage(750, 1000))
    with pytest.raises(BudgetError) as found:
        budgets.require("w1", "org", RECONCILE)
    assert found.value.code == "budget"
    assert isinstance(budgets.judge("w1", "org", BATCH), Allow)
    clock.later(seconds=30)
    budgets.judge("w1", "org", RECONCILE)
    [one] = budgets.waiting("w1")
    assert (one.work, one.since, one.reason) == (RECONCILE, NOON, "budget")
    budgets.heard("w1", "org", ApiUsage(10, 1000))
    assert isinstance(budgets.judge("w1", "org", RECONCILE), Allow)
    assert list(budgets.waiting("w1")) == []


async def test_what_never_asks_again_is_not_said_to_wait(budgets: Budgets, clock: Clock) -> None:
    budgets.heard("w1", "org", ApiUsage(1000, 1000))
    budgets.judge("w1", "org", RECONCILE)  # of a run that is cancelled meanwhile
    assert len(budgets.waiting("w1")) == 1
    clock.later(minutes=4)
    assert list(budgets.waiting("w1")) == []


async def test_what_is_old_is_learned_anew_by_one_call(budgets: Budgets, clock: Clock) -> None:
    org = Org(used=400)
    budgets.heard("w1", "org", ApiUsage(990, 1000))
    clock.later(minutes=2)
    assert isinstance(budgets.judge("w1", "org", EVENT), Probe)
    with pytest.raises(BudgetError):
        budgets.require("w1", "org", EVENT)  # work under way sends none
    assert await let_in(budgets, org)
    assert org.probes == 1


async def test_memory_is_bounded(clock: Clock) -> None:
    budgets = Budgets(now=clock, most=3)
    for n in range(10):
        budgets.heard(f"w{n}", f"org{n}", ApiUsage(1000, 1000))
    assert budgets.usage("w0") is None
    assert budgets.usage("w9") is not None
    assert isinstance(budgets.judge("w9", "org9", EVENT), Wait)


class Oauth:
    """Takes reports and gives shares; ``asked`` counts those that were in vain too."""

    def __init__(self) -> None:
        self.asked = 0
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.down = False
        self.status = 200
        self.shares = {"assistant": 100, "event": 90, "batch": 80, "reconcile": 70}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.down:
            raise httpx.ConnectError("refused")
        self.told.append((request.url.path, json.loads(request.content)))
        return httpx.Response(self.status, json={"shares": self.shares})


@pytest.fixture
def oauth() -> Oauth:
    return Oauth()


@pytest.fixture
def reports(budgets: Budgets, oauth: Oauth) -> UsageReports:
    http = httpx.AsyncClient(transport=httpx.MockTransport(oauth), base_url="http://oauth")
    return UsageReports(http, budgets, service="tools")


async def test_reports_are_seldom_and_the_last_is_told(
    budgets: Budgets, clock: Clock, oauth: Oauth, reports: UsageReports
) -> None:
    for used in range(100):
        budgets.heard("w1", "org", ApiUsage(used, 1000))
        await reports.flush()
        clock.later(milliseconds=100)
    assert len(oauth.told) == 2
    stopping = asyncio.Event()
    stopping.set()
    await reports.run(stopping)
    path, body = oauth.told[-1]
    assert path == "/internal/v1/workspaces/w1/usage"
    assert (body["used"], body["limit"], body["client"]) == (99, 1000, "tools")


async def test_what_waits_is_reported_with_its_reason(
    budgets: Budgets, oauth: Oauth, reports: UsageReports
) -> None:
    budgets.refused("w1", "org", SalesforceLimitError("REQUEST_LIMIT_EXCEEDED"))
    budgets.judge("w1", "org", ASSISTANT)
    await reports.flush()
    [(_, body)] = oauth.told
    assert "used" not in body
    assert body["waiting"] == [
        {
            "class": "assistant",
            "since": NOON.isoformat(),
            "until": (NOON + timedelta(minutes=1)).isoformat(),
            "reason": "limit",
        }
    ]


async def test_a_report_that_was_not_taken_is_sent_again(
    budgets: Budgets, clock: Clock, oauth: Oauth, reports: UsageReports
) -> None:
    budgets.heard("w1", "org", ApiUsage(1, 1000))
    oauth.down = True
    await reports.flush()
    oauth.down = False
    clock.later(seconds=6)
    await reports.flush()
    assert len(oauth.told) == 1


async def test_a_report_that_is_refused_for_good_is_not_sent_again(
    budgets: Budgets, clock: Clock, oauth: Oauth, reports: UsageReports
) -> None:
    budgets.heard("w1", "org", ApiUsage(1, 1000))
    oauth.status = 422
    for _ in range(3):
        await reports.flush()
        clock.later(seconds=6)
    assert len(oauth.told) == 1


async def test_while_oauth_is_away_one_report_at_a_time_is_tried(
    budgets: Budgets, clock: Clock, oauth: Oauth, reports: UsageReports
) -> None:
    for n in range(5):
        budgets.heard(f"w{n}", "org", ApiUsage(n, 1000))
    oauth.down = True
    await reports.flush()
    await reports.flush()
    assert oauth.asked == 2  # each may take long, and the process be told to stop meanwhile
    oauth.down = False
    clock.later(seconds=6)
    await reports.flush()
    assert {path.split("/")[4] for path, _ in oauth.told} == {f"w{n}" for n in range(5)}


async def test_a_clock_that_is_set_back_delays_neither_reports_nor_shares(
    budgets: Budgets, clock: Clock, oauth: Oauth, reports: UsageReports
) -> None:
    budgets.heard("w1", "org", ApiUsage(1, 1000))
    await reports.flush()
    clock.later(hours=-1)
    budgets.heard("w1", "org", ApiUsage(2, 1000))
    await reports.flush()
    assert [body["used"] for _, body in oauth.told] == [1, 2]
    clock.later(hours=-1)
    await budgets.learn_shares("w1")
    assert len(oauth.told) == 3


@pytest.mark.usefixtures("reports")
async def test_work_is_judged_by_the_shares_of_its_own_workspace(
    budgets: Budgets, clock: Clock, oauth: Oauth
) -> None:
    oauth.shares |= {"batch": 10, "reconcile": 5}
    budgets.heard("w1", "org", ApiUsage(100, 1000))
    assert not await let_in(budgets, Org(), BATCH)
    assert await let_in(budgets, Org(), EVENT)
    assert len(oauth.told) == 1  # asked once
    oauth.down = True
    clock.later(minutes=6)
    assert await let_in(budgets, Org("w2"), BATCH)  # not learned yet: the defaults
