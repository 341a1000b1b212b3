"""Usage of the orgs' API: what the services report, what people see of it, and the shares set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from crmlink_common.contracts.connections import ConnectionStatus
from crmlink_common.salesforce.budget import SENTENCES, checked_shares
from crmlink_common.salesforce.limits import SHARES, ApiBudget, ApiUsage, WorkClass
from crmlink_oauth.domain.usage import KEPT, Sample, Waiting, forecast, still
from crmlink_oauth.service.desk import Desk
from crmlink_oauth.service.ports import Transaction, Usage

CLOCKS_DIFFER = timedelta(minutes=5)
Shares = Mapping[WorkClass, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One service's word on one workspace; None: it says nothing of that."""

    service: str
    org_id: str = ""  # of the usage seen; "": that of the connection
    seen: Sample | None = None
    waiting: Sequence[Waiting] | None = None


class Shown(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class ServiceUsage(Shown):
    """What a service last saw of the org's limit: the use of all, not its own."""

    service: str
    used: int
    limit: int
    at: datetime


class WaitingShown(Shown):
    service: str
    work: WorkClass = Field(serialization_alias="class")
    since: datetime
    until: datetime
    reason: str
    message: str


class ForecastShown(Shown):
    exhausted_at: datetime | None
    per_hour: int | None


class UsageShown(Shown):
    used: int | None
    limit: int | None
    at: datetime | None
    by_service: list[ServiceUsage]
    shares: dict[WorkClass, int]
    remaining: dict[WorkClass, int | None]
    waiting: list[WaitingShown]
    forecast: ForecastShown


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgeting:
    desk: Desk

    async def take(self, workspace_id: str, report: Report) -> Shares:
        """Keep a report of a connected workspace; give the shares its work is to be judged by."""
        async with self.desk.work() as tx:
            connection = await tx.connections.find(workspace_id)
            of_it = report.org_id in ("", connection.org_id)
            if connection.status is ConnectionStatus.CONNECTED and of_it:
                await self._keep(tx, workspace_id, connection.org_id, report)
            return await self._shares(tx, workspace_id)

    async def _keep(self, tx: Transaction, workspace_id: str, org_id: str, report: Report) -> None:
        now = self.desk.now()
        if (seen := report.seen) is not None:
            if seen.at > now + CLOCKS_DIFFER:  # it must not hide later reports
                seen = replace(seen, at=now)
            usage = Usage(report.service, seen.used, seen.limit, seen.at)
            await tx.usage.note(workspace_id, usage)
            await tx.budgets.note(org_id, seen)
        if report.waiting is not None:
            await tx.budgets.keep_waiting(workspace_id, report.service, report.waiting)

    async def show(self, workspace_id: str) -> UsageShown:
        async with self.desk.work() as tx:
            return await self._shown(tx, workspace_id)

    async def set_shares(
        self, workspace_id: str, told: Mapping[str, int], *, actor: str
    ) -> UsageShown:
        """Set all shares; a class that is not named gets its default.

        Raises:
            InvalidInputError: see ``checked_shares``.
        """
        shares = checked_shares(told)
        async with self.desk.work() as tx:
            if shares != await self._shares(tx, workspace_id):
                await tx.budgets.save_shares(workspace_id, shares)
                action = "connection.shares_set"
                await tx.outbox.add([self.desk.activity(workspace_id, action, actor=actor)])
            return await self._shown(tx, workspace_id)

    async def _shares(self, tx: Transaction, workspace_id: str) -> Shares:
        kept = await tx.budgets.shares(workspace_id)
        return SHARES if kept is None else {work: kept.get(work, SHARES[work]) for work in SHARES}

    async def _shown(self, tx: Transaction, workspace_id: str) -> UsageShown:
        now = self.desk.now()
        connection = await tx.connections.find(workspace_id)
        samples = await tx.budgets.history(connection.org_id, now - KEPT)
        since = connection.connected_at or now
        seen = [one for one in await tx.usage.all(workspace_id) if one.at > since - CLOCKS_DIFFER]
        latest = max(
            [*samples, *[Sample(one.at, one.used, one.limit) for one in seen]],
            key=lambda one: one.at,
            default=None,
        )
        shares = await self._shares(tx, workspace_id)
        waiting = await tx.budgets.waiting(workspace_id)
        return UsageShown(
            used=latest.used if latest else None,
            limit=latest.limit if latest else None,
            at=latest.at if latest else None,
            by_service=[
                ServiceUsage(service=one.client, used=one.used, limit=one.limit, at=one.at)
                for one in sorted(seen, key=lambda one: one.client)
            ],
            shares=dict(shares),
            remaining=_remaining(shares, latest),
            waiting=_waiting(waiting, now),
            forecast=ForecastShown.model_validate(forecast(samples, now)),
        )


def _remaining(shares: Shares, latest: Sample | None) -> dict[WorkClass, int | None]:
    budget = ApiBudget(shares)
    usage = ApiUsage(latest.used, latest.limit) if latest else None
    return {work: budget.remaining(work, usage) if usage else None for work in WorkClass}


def _waiting(told: Mapping[str, Sequence[Waiting]], now: datetime) -> list[WaitingShown]:
    return [
        WaitingShown(
            service=service,
            work=one.work,
            since=one.since,
            until=one.until,
            reason=one.reason,
            message=SENTENCES.get(one.reason, "It goes on by itself."),
        )
        for service, waiting in sorted(told.items())
        for one in still(waiting, now)
    ]
