"""Samples, waiting and shares on real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.salesforce.limits import WorkClass
from crmlink_common.storage.engine import create_engine
from crmlink_oauth.app import SCHEMA
from crmlink_oauth.domain.usage import Sample, Waiting
from crmlink_oauth.settings import Settings
from crmlink_oauth.storage.budgets import BudgetRepository, samples

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def session(settings: Settings) -> AsyncIterator[AsyncSession]:
    engine = create_engine(settings.database_dsn, SCHEMA)
    async with AsyncSession(engine) as session, session.begin():
        yield session
    await engine.dispose()


async def test_a_day_of_reports_is_a_short_history(session: AsyncSession) -> None:
    kept = BudgetRepository(session)
    for minute in range(0, 600, 2):
        await kept.note("org", Sample(NOON + minute * MINUTE, minute, 1000))
    await kept.note("org", Sample(NOON + 597 * MINUTE, 7, 1000))  # late: the newer one stays
    rows = await session.scalar(select(func.count()).select_from(samples))
    assert rows == 25
    newest = NOON + 598 * MINUTE
    history = await kept.history("org", newest - timedelta(hours=1))
    assert history[-1] == Sample(newest, 598, 1000)
    assert len(history) == 13
    assert await kept.history("another", NOON) == []
    await kept.forget_before(newest + MINUTE)
    assert await kept.history("org", NOON) == []


async def test_what_waits_and_the_shares_are_kept_until_told_otherwise(
    session: AsyncSession,
) -> None:
    kept = BudgetRepository(session)
    waiting = [Waiting(WorkClass.BATCH, NOON, NOON + MINUTE, "budget")]
    await kept.keep_waiting("w1", "tools", waiting)
    await kept.keep_waiting("w1", "tools", waiting)
    assert await kept.waiting("w1") == {"tools": waiting}
    await kept.keep_waiting("w1", "tools", [])
    assert await kept.waiting("w1") == {}
    assert await kept.shares("w1") is None
    for share in (9, 5):
        await kept.save_shares("w1", {WorkClass.RECONCILE: share})
    assert await kept.shares("w1") == {"reconcile": 5}
    await kept.forget("w1")
    assert await kept.shares("w1") is None
