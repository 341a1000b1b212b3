"""What ends with a connection that is deleted, and with a workspace that is removed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.member_links import LinkState
from crmlink_reconciler.domain.linking import dissolve
from crmlink_reconciler.service.decisions import Decision, Decisions
from crmlink_reconciler.storage.dormancy import DormantRepository
from crmlink_reconciler.storage.tables import (
    ConnectionRow,
    DormantRow,
    HistoryRow,
    HitRow,
    LinkRow,
    MatchRow,
    MemberRow,
    ReservationRow,
    WorkspaceRow,
    table,
)
from crmlink_reconciler.storage.work import work_of

GRACE = timedelta(days=45)
AT_ONCE = 500
ENDED = ("workspace_id", "ended_at")
links, connections, workspaces = table(LinkRow), table(ConnectionRow), table(WorkspaceRow)
PURGED = (MatchRow, HitRow, ReservationRow, HistoryRow, DormantRow, LinkRow, MemberRow)


async def dissolve_deleted(
    sessions: async_sessionmaker[AsyncSession], limit: int = AT_ONCE
) -> bool:
    """End a page of links whose connection was deleted; say whether there may be more."""
    older = or_(links.c.linked_at.is_(None), links.c.linked_at <= connections.c.ended_at)
    gone = and_(
        connections.c.workspace_id == links.c.workspace_id,
        connections.c.ended_at.is_not(None),
        or_(connections.c.deleted_at.is_not(None), older),
    )
    replaced = select(connections.c.workspace_id, connections.c.ended_at).where(
        connections.c.ended_at.is_not(None), connections.c.deleted_at.is_(None)
    )
    standing = (LinkState.LINKED, LinkState.EXCLUDED)
    wanted = (
        select(links.c.workspace_id, links.c.member_id)
        .join(connections, gone)
        .where(links.c.state.in_(standing))
        .limit(limit)
    )
    async with sessions.begin() as session:
        done = (await session.execute(replaced)).all()
        keys = [(row.workspace_id, row.member_id) for row in await session.execute(wanted)]
        work = work_of(session)
        known = await work.directory.lock(keys)
        held = await work.links.lock(keys)
        decisions = [
            Decision(after) for link in held.values() if (after := dissolve(link)) is not None
        ]
        evidence = {key: one.evidence for key, one in known.items()}
        await Decisions(work).carry_out(decisions, evidence)
        for workspace_id in sorted({workspace_id for workspace_id, _ in keys}):
            ended = sum(one.link.workspace_id == workspace_id for one in decisions)
            await Decisions(work).report(
                workspace_id,
                "links.dissolved",
                code="connection_deleted",
                details={"ended": ended},
            )
        await DormantRepository(session).drop_ended()
        if len(keys) < limit:
            for row in done:
                same = and_(*(connections.c[name] == row[n] for n, name in enumerate(ENDED)))
                await session.execute(update(connections).where(same).values(ended_at=None))
    return len(keys) == limit


async def purge_removed(
    sessions: async_sessionmaker[AsyncSession], now: datetime, limit: int = 5_000
) -> bool:
    """Drop some of what is kept of workspaces removed long ago; say whether there was any."""
    old = select(workspaces.c.workspace_id).where(workspaces.c.deleted_at < now - GRACE)
    dropped = 0
    async with sessions.begin() as session:
        for model in PURGED:
            kept = table(model)
            key = tuple_(*kept.primary_key)
            some = select(*kept.primary_key).where(kept.c.workspace_id.in_(old)).limit(limit)
            gone = await session.execute(delete(kept).where(key.in_(some)))
            dropped += gone.rowcount  # type: ignore[attr-defined]
    return dropped > 0
