"""Parking, probing and going on, against the simulated org over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from crmlink_common.salesforce.budget import BudgetError
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.client import Org, SalesforceOrgs
from crmlink_common.salesforce.hosts import Hosts
from crmlink_common.salesforce.limits import WorkClass
from crmlink_common.salesforce.tokens import TokenSource

pytestmark = pytest.mark.integration


async def calls_of(http: httpx.AsyncClient) -> int:
    told = (await http.get("/_sim/counts")).raise_for_status().json()
    return int(sum(told["callers"].get("tests", {}).values()))


async def entering(budgets: Budgets, *orgs: Org, callers: int = 20) -> list[str]:
    """Let many ask at once for each org; give what they hear."""

    async def enter(org: Org, work: WorkClass) -> str:
        try:
            await budgets.admit(org, work)
        except BudgetError as exc:
            return exc.code
        return "in"

    some = [(org, work) for org in orgs for work in WorkClass for _ in range(callers)]
    return await asyncio.gather(*[enter(*one) for one in some])


async def test_workspaces_on_one_org_wait_and_go_on_together(
    logged_in: TokenSource, told: dict[str, str]
) -> None:
    """Facts §9."""
    time = [datetime.now(UTC)]
    budgets = Budgets(now=lambda: time[0])
    hosts = Hosts(frozenset({told["url"]}))
    async with (
        httpx.AsyncClient(base_url=told["url"], trust_env=False) as http,
        SalesforceOrgs(logged_in, client_name="tests", hosts=hosts) as orgs,
    ):
        one, other = await orgs.open("w1"), await orgs.open("w2")
        assert set(await entering(budgets, one, other)) == {"in"}
        assert await calls_of(http) == 0  # nothing is known: nothing is asked
        (await http.post("/_sim/limits", json={"max": 1000, "exhaust": True})).raise_for_status()
        with (
            pytest.raises(BudgetError),
            budgets.watching("w1", one.org_id, WorkClass.RECONCILE),
        ):
            await one.query("SELECT Id FROM Contact LIMIT 1")
        refused = await calls_of(http)
        assert set(await entering(budgets, one, other)) == {"limit"}
        for look in range(1, 6):
            time[0] += timedelta(minutes=16)
            assert set(await entering(budgets, one, other)) == {"limit"}
            assert await calls_of(http) - refused <= look
        (await http.post("/_sim/limits", json={"used": 820})).raise_for_status()
        time[0] += timedelta(minutes=16)
        await entering(budgets, other)
        told_now = await entering(budgets, one, callers=1)
        assert told_now == ["in", "in", "budget", "budget"]
        assert [str(wait.work) for wait in budgets.waiting("w1")] == ["batch", "reconcile"]
        (await http.post("/_sim/limits", json={"used": 10})).raise_for_status()
        time[0] += timedelta(minutes=16)
        await entering(budgets, other)
        assert set(await entering(budgets, one, other)) == {"in"}
        assert await calls_of(http) - refused <= 7
        (await http.delete("/_sim/limits")).raise_for_status()
