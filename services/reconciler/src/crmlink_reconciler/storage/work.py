"""The repositories of one transaction, together; and what stands outside of any use case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.cloudevents import encode
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1
from crmlink_common.messaging.outbox import Outbox
from crmlink_common.messaging.parking import PATIENCE, Parking
from crmlink_common.messaging.tables import parked
from crmlink_reconciler.domain.directory import key_of
from crmlink_reconciler.service.confirms import Confirms
from crmlink_reconciler.service.decisions import SOURCE
from crmlink_reconciler.service.ports import Work
from crmlink_reconciler.storage.directory import DirectoryRepository, members
from crmlink_reconciler.storage.links import LinkRepository, ReservationRepository
from crmlink_reconciler.storage.matches import MatchRepository
from crmlink_reconciler.storage.projections import Projections

SERVICE = "reconciler"
NET = timedelta(days=1)  # who waited too long is answered here; what is not, the bus buries


def work_of(session: AsyncSession) -> Work:
    return Work(
        directory=DirectoryRepository(session),
        links=LinkRepository(session),
        reservations=ReservationRepository(session),
        matches=MatchRepository(session),
        projections=Projections(session),
        parking=Parking(session, SERVICE, PATIENCE + NET),
        outbox=Outbox(session),
    )


@asynccontextmanager
async def transaction(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[Work]:
    async with sessions.begin() as session:
        yield work_of(session)


async def settle_waiting(sessions: async_sessionmaker[AsyncSession], limit: int = 100) -> bool:
    """Settle what was parked: its member came at that moment, so that neither saw the other.

    What has waited too long is settled too: it is refused.
    """
    member_id = func.substr(parked.c.need, func.length(parked.c.workspace_id) + 2)
    known = exists().where(
        members.c.workspace_id == parked.c.workspace_id, members.c.member_id == member_id
    )
    met = (
        select(parked.c.workspace_id, parked.c.need)
        .where(
            parked.c.topic == RECORD_MATCHES_V1.name,
            or_(known, parked.c.expires_at < func.now() + NET),
        )
        .limit(limit)
    )
    async with sessions.begin() as session:
        found = (await session.execute(met)).all()
        work = work_of(session)
        await work.directory.lock([key_of(row.need) for row in found])  # members come first
        for workspace_id in sorted({row.workspace_id for row in found}):
            needs = [row.need for row in found if row.workspace_id == workspace_id]
            events = await work.parking.release(workspace_id, needs, RECORD_MATCHES_V1)
            await Confirms(work).settle(events, patient=False)
    return len(found) == limit


async def republish(sessions: async_sessionmaker[AsyncSession], page_size: int = 500) -> int:
    """Tell every link again, as it stands; return how many."""
    told, after = 0, ("", "")
    while True:
        async with sessions.begin() as session:
            page = await LinkRepository(session).lock_after(after, page_size)
            await Outbox(session).add(
                encode(
                    MEMBER_LINKS_V1,
                    link.told(),
                    event_id=str(uuid4()),
                    source=SOURCE,
                    time=datetime.now(UTC),
                )
                for link in page
            )
        told += len(page)
        if len(page) < page_size:
            return told
        after = page[-1].key
