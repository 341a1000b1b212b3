"""Samples of each org's usage, what waits where, and the shares that workspaces have set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, delete, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field

from crmlink_common.salesforce.limits import WorkClass
from crmlink_oauth.domain.usage import KEPT, Sample, Waiting, slot_of
from crmlink_oauth.storage.tables import Row


def _moment(*, key: bool = False, index: bool = False) -> Any:  # noqa: ANN401 - what SQLModel's Field gives
    kind = DateTime(timezone=True)
    return Field(sa_column=Column(kind, primary_key=key, nullable=False, index=index))


class SampleRow(Row, table=True):
    """What the workspaces on an org saw last in each five minutes of the past two hours."""

    __tablename__ = "usage_samples"

    org_id: str = Field(primary_key=True)
    slot: datetime = _moment(key=True)
    at: datetime = _moment(index=True)
    used: int = Field(sa_type=BigInteger)
    limit: int = Field(sa_type=BigInteger)


class WaitingRow(Row, table=True):
    """What waits in one service for one workspace, as it last said."""

    __tablename__ = "usage_waiting"

    workspace_id: str = Field(primary_key=True)
    client: str = Field(primary_key=True)
    waiting: list[dict[str, str]] = Field(sa_column=Column(JSONB, nullable=False))


class SharesRow(Row, table=True):
    """A workspace's own shares; without a row the defaults hold."""

    __tablename__ = "budget_shares"

    workspace_id: str = Field(primary_key=True)
    shares: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))


samples = Row.metadata.tables["usage_samples"]
waits = Row.metadata.tables["usage_waiting"]
budget_shares = Row.metadata.tables["budget_shares"]


class BudgetRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def note(self, org_id: str, seen: Sample) -> None:
        """Keep the newest sample of its five minutes; what is too old goes."""
        row = {"org_id": org_id, "slot": slot_of(seen.at), "at": seen.at}
        statement = insert(samples).values(**row, used=seen.used, limit=seen.limit)
        new = statement.excluded
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["org_id", "slot"],
                set_={name: new[name] for name in ("at", "used", "limit")},
                where=samples.c.at < new.at,
            )
        )
        old = (samples.c.org_id == org_id) & (samples.c.slot < slot_of(seen.at) - KEPT)
        await self._session.execute(delete(samples).where(old))

    async def history(self, org_id: str, since: datetime) -> list[Sample]:
        rows = await self._session.execute(
            select(samples.c.at, samples.c.used, samples.c.limit)
            .where(samples.c.org_id == org_id, samples.c.at >= since)
            .order_by(samples.c.at)
        )
        return [Sample(**row) for row in rows.mappings()] if org_id else []

    async def forget_before(self, moment: datetime) -> None:
        """Drop the samples of orgs that nobody calls any more."""
        await self._session.execute(delete(samples).where(samples.c.at < moment))

    async def keep_waiting(
        self, workspace_id: str, client: str, waiting: Sequence[Waiting]
    ) -> None:
        mine = (waits.c.workspace_id == workspace_id) & (waits.c.client == client)
        if not waiting:
            await self._session.execute(delete(waits).where(mine))
            return
        told = [_told(one) for one in waiting]
        statement = insert(waits).values(workspace_id=workspace_id, client=client, waiting=told)
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id", "client"],
                set_={"waiting": statement.excluded.waiting},
            )
        )

    async def waiting(self, workspace_id: str) -> dict[str, list[Waiting]]:
        rows = await self._session.execute(
            select(waits.c.client, waits.c.waiting).where(waits.c.workspace_id == workspace_id)
        )
        return {row.client: [_read(one) for one in row.waiting] for row in rows}

    async def shares(self, workspace_id: str) -> dict[str, int] | None:
        mine = budget_shares.c.workspace_id == workspace_id
        kept: dict[str, int] | None = await self._session.scalar(
            select(budget_shares.c.shares).where(mine)
        )
        return kept

    async def save_shares(self, workspace_id: str, shares: Mapping[WorkClass, int]) -> None:
        told = {work.value: share for work, share in shares.items()}
        statement = insert(budget_shares).values(workspace_id=workspace_id, shares=told)
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id"], set_={"shares": statement.excluded.shares}
            )
        )

    async def forget(self, workspace_id: str) -> None:
        """Drop what belongs to one workspace; samples belong to its org."""
        for table in (waits, budget_shares):
            await self._session.execute(delete(table).where(table.c.workspace_id == workspace_id))


def _told(one: Waiting) -> dict[str, str]:
    return {
        "work": one.work.value,
        "since": one.since.isoformat(),
        "until": one.until.isoformat(),
        "reason": one.reason,
    }


def _read(told: Mapping[str, str]) -> Waiting:
    return Waiting(
        WorkClass(told["work"]),
        datetime.fromisoformat(told["since"]),
        datetime.fromisoformat(told["until"]),
        told["reason"],
    )
