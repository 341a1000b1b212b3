"""What becomes of rows in time, on real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.storage.engine import create_engine
from crmlink_oauth.app import SCHEMA
from crmlink_oauth.service.ports import PendingRevocation
from crmlink_oauth.settings import Settings
from crmlink_oauth.storage.tables import revocations
from crmlink_oauth.storage.work import transaction_on

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


async def test_given_up_revocations_are_forgotten_and_no_others(settings: Settings) -> None:
    now = datetime.now(UTC)
    engine = create_engine(settings.database_dsn, SCHEMA)
    async with AsyncSession(engine) as session, session.begin():
        kept = transaction_on(session).revocations
        for name in ("a", "b"):
            await kept.add(
                PendingRevocation(
                    workspace_id="w1",
                    id=name,
                    login_url="https://login.salesforce.com",
                    token="sealed",
                    next_at=now,
                    expires_at=now,
                )
            )
        one = await kept.claim(now, timedelta(minutes=2))
        assert one is not None
        await kept.give_up(one, now - timedelta(days=31))
        assert await kept.forget_before(now - timedelta(days=30)) == 1
        assert len((await session.execute(select(revocations))).all()) == 1
    await engine.dispose()
