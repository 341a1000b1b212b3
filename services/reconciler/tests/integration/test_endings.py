"""Deleted connections and removed workspaces, on real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.member_links import LinkState
from crmlink_common.messaging import tables as messaging
from crmlink_reconciler.domain.directory import Known
from crmlink_reconciler.domain.linking import Link
from crmlink_reconciler.fakes import NOON, ORG
from crmlink_reconciler.storage.directory import DirectoryRepository
from crmlink_reconciler.storage.endings import GRACE, PURGED, dissolve_deleted, purge_removed
from crmlink_reconciler.storage.links import LinkRepository
from crmlink_reconciler.storage.projections import Projections
from crmlink_reconciler.storage.tables import ConnectionRow, LinkRow, table

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
Sessions = async_sessionmaker[AsyncSession]


async def a_workspace(sessions: Sessions, workspace_id: str) -> None:
    """Three members, of which two are linked and one is excluded."""
    states = {"m1": LinkState.LINKED, "m2": LinkState.LINKED, "m3": LinkState.EXCLUDED}
    links = {
        (workspace_id, one): (
            Link(workspace_id, one, 1, state, f"003{one}", "Contact", org_id=ORG),
            "",
        )
        for one, state in states.items()
    }
    async with sessions.begin() as session:
        known = {key: Known(1, "ada@example.com") for key in links}
        await DirectoryRepository(session).save(known, NOON)
        await LinkRepository(session).save(links)
        await LinkRepository(session).remember(list(links.values()))


async def connection(sessions: Sessions, workspace_id: str, **told: object) -> None:
    row = {"usable": True, "org_id": ORG, "deleted_at": None, **told}
    async with sessions.begin() as session:
        await Projections(session).save_connections([{"workspace_id": workspace_id, **row}])


async def states(sessions: Sessions, workspace_id: str) -> list[tuple[str, str]]:
    links = table(LinkRow)
    async with sessions() as session:
        rows = await session.execute(
            select(links.c.state, links.c.reason)
            .where(links.c.workspace_id == workspace_id)
            .order_by(links.c.member_id)
        )
        return [(row.state, row.reason) for row in rows]


async def test_a_deleted_connection_takes_its_links_and_exclusions_and_no_others(
    sessions: Sessions,
) -> None:
    for workspace_id in ("w1", "w2"):
        await a_workspace(sessions, workspace_id)
        await connection(sessions, workspace_id, revision=1)
    assert not await dissolve_deleted(sessions)
    await connection(sessions, "w1", revision=2, usable=False, deleted_at=NOON)
    assert await dissolve_deleted(sessions, limit=2)
    while await dissolve_deleted(sessions, limit=2):
        pass
    assert await states(sessions, "w1") == [("unlinked", "connection_deleted")] * 3
    assert [state for state, _ in await states(sessions, "w2")] == ["linked", "linked", "excluded"]
    async with sessions() as session:
        outbox = messaging.outbox
        rows = await session.execute(
            select(outbox.c.topic, func.count()).group_by(outbox.c.topic).order_by(outbox.c.topic)
        )
        assert [tuple(row) for row in rows] == [
            ("activity.v1", 2),
            ("member-changes.v1", 3),
            ("member-links.v1", 3),
        ]


async def test_a_connection_made_anew_at_once_keeps_no_old_link_and_every_new_one(
    sessions: Sessions,
) -> None:
    await a_workspace(sessions, "w1")
    await connection(sessions, "w1", revision=1)
    await connection(sessions, "w1", revision=2, usable=False, deleted_at=NOON)
    await connection(sessions, "w1", revision=3)
    later = NOON + timedelta(seconds=1)
    new = Link("w1", "m4", 1, LinkState.LINKED, "003m4", "Contact", org_id=ORG, linked_at=later)
    async with sessions.begin() as session:
        await LinkRepository(session).save({new.key: (new, "")})
    while await dissolve_deleted(sessions, limit=2):
        pass
    assert await states(sessions, "w1") == [("unlinked", "connection_deleted")] * 3 + [
        ("linked", "")
    ]
    async with sessions() as session:
        assert await session.scalar(select(table(ConnectionRow).c.ended_at)) is None


async def test_a_removed_workspace_is_purged_after_its_grace(sessions: Sessions) -> None:
    for workspace_id in ("w1", "w2"):
        await a_workspace(sessions, workspace_id)
    gone = {"crm_salesforce": False, "default_region": "US", "revision": 2, "deleted_at": NOON}
    async with sessions.begin() as session:
        await Projections(session).save_workspaces([{"workspace_id": "w1", **gone}])
    assert not await purge_removed(sessions, NOON + GRACE)
    later = NOON + GRACE + timedelta(seconds=1)
    assert await purge_removed(sessions, later, limit=2)
    while await purge_removed(sessions, later, limit=2):
        pass
    async with sessions() as session:
        for model in PURGED:
            left = await session.scalars(select(table(model).c.workspace_id).distinct())
            assert set(left) <= {"w2"}
    assert len(await states(sessions, "w2")) == 3
