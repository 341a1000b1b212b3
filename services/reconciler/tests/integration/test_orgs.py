"""A workspace on another org, and back on the first, on real PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.member_links import LinkState
from crmlink_reconciler.domain.directory import Key, Known
from crmlink_reconciler.domain.linking import Link, exclude, join
from crmlink_reconciler.domain.linking import Target as Record
from crmlink_reconciler.fakes import NOON, ORG
from crmlink_reconciler.service.decisions import Decision, Decisions
from crmlink_reconciler.storage.directory import DirectoryRepository
from crmlink_reconciler.storage.endings import dissolve_deleted
from crmlink_reconciler.storage.links import LinkRepository
from crmlink_reconciler.storage.projections import Projections
from crmlink_reconciler.storage.reports import Reports
from crmlink_reconciler.storage.returning import take_up_dormant
from crmlink_reconciler.storage.tables import DormantRow, table
from crmlink_reconciler.storage.work import work_of

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
Sessions = async_sessionmaker[AsyncSession]
OTHER = "00D000000000002EAA"  # a sandbox copy: its records have the ids of the first org's
MEMBERS = ("m1", "m2", "m3")


def record(member_id: str) -> str:
    return f"003{member_id}"


async def on(sessions: Sessions, org_id: str, revision: int, **told: object) -> None:
    row = {"usable": True, "org_id": org_id, "deleted_at": None, "revision": revision, **told}
    async with sessions.begin() as session:
        await Projections(session).save_connections([{"workspace_id": "w1", **row}])


async def link(sessions: Sessions, member_id: str, org_id: str) -> Link:
    async with sessions.begin() as session:
        work, key = work_of(session), ("w1", member_id)
        held = (await work.links.lock([key])).get(key, Link(*key))
        after = join(held, Record(record(member_id), "Contact", org_id), NOON)
        await Decisions(work).carry_out([Decision(after)], {})
    return after


async def held(sessions: Sessions) -> dict[Key, Link]:
    async with sessions.begin() as session:
        return await LinkRepository(session).lock([("w1", one) for one in MEMBERS])


async def asleep(sessions: Sessions) -> list[tuple[str, str]]:
    rows = table(DormantRow)
    async with sessions() as session:
        found = await session.execute(select(rows.c.org_id, rows.c.member_id))
        return sorted((row.org_id, row.member_id) for row in found)


async def summary(sessions: Sessions) -> tuple[int, int, int]:
    async with sessions() as session:
        told = await Reports(session).summary("w1")
    return told["linked"], told["dormant"], told["unlinked"]


@pytest.fixture
async def left(sessions: Sessions) -> Sessions:
    """Three linked members, whose workspace is on another org by now."""
    async with sessions.begin() as session:
        known = {("w1", one): Known(1, f"{one}@example.com") for one in MEMBERS}
        await DirectoryRepository(session).save(known, NOON)
    await on(sessions, ORG, 1)
    for one in MEMBERS:
        await link(sessions, one, ORG)
    await on(sessions, OTHER, 2)
    return sessions


async def test_links_of_the_org_that_was_left_lie_dormant_and_their_members_can_be_matched(
    left: Sessions,
) -> None:
    assert await summary(left) == (0, 3, 3)
    async with left() as session:
        directory, reports = DirectoryRepository(session), Reports(session)
        assert [one for one, _ in await directory.unlinked("w1", "", 10)] == list(MEMBERS)
        assert await directory.count_unlinked("w1") == 3
        assert (await reports.links("w1", "linked", 1, 10))["total"] == 0
        shown = await reports.links("w1", "dormant", 1, 10)
    assert [one["org_id"] for one in shown["items"]] == [ORG] * 3
    assert all(one.linked for one in (await held(left)).values())


async def test_while_another_org_waits_to_be_confirmed_links_are_still_the_first_ones(
    sessions: Sessions, left: Sessions
) -> None:
    await on(left, ORG, 3, usable=False)
    assert await summary(sessions) == (3, 0, 0)
    assert not await take_up_dormant(sessions)


async def test_a_link_in_the_new_org_sets_the_old_one_aside(left: Sessions) -> None:
    """The record ids of a copy are the same: the org id alone tells them apart."""
    after = await link(left, "m1", OTHER)
    assert (after.org_id, after.record_id) == (OTHER, record("m1"))
    assert await asleep(left) == [(ORG, "m1")]
    assert await summary(left) == (1, 2, 2)
    async with left() as session:
        keys = {("w1", ORG, record("m1")), ("w1", OTHER, record("m1"))}
        assert await LinkRepository(session).holders(keys) == {
            ("w1", OTHER, record("m1")): ("w1", "m1")
        }


async def test_back_on_the_first_org_all_links_are_as_they_were(left: Sessions) -> None:
    before = await held(left)
    await link(left, "m1", OTHER)
    await on(left, ORG, 3)
    assert await take_up_dormant(left, limit=1)
    assert not await take_up_dormant(left)
    now = await held(left)
    for key, one in before.items():
        assert (now[key].state, now[key].record_id, now[key].org_id) == (
            one.state,
            one.record_id,
            ORG,
        )
    assert now["w1", "m1"].revision == before["w1", "m1"].revision + 2
    assert now["w1", "m1"].reason == "org_returned"
    assert await asleep(left) == [(OTHER, "m1")]
    assert await summary(left) == (3, 0, 0)
    await on(left, OTHER, 4)
    assert not await take_up_dormant(left)
    assert (await held(left))["w1", "m1"].org_id == OTHER


async def test_what_a_person_unlinked_meanwhile_stays_unlinked(left: Sessions) -> None:
    made = await link(left, "m1", OTHER)
    async with left.begin() as session:
        ended = exclude(made)
        assert ended is not None
        await Decisions(work_of(session)).carry_out([Decision(ended)], {})
    await on(left, ORG, 3)
    assert not await take_up_dormant(left)
    assert (await held(left))["w1", "m1"].state is LinkState.EXCLUDED
    assert await asleep(left) == []


async def test_a_deleted_connection_takes_dormant_links_along(left: Sessions) -> None:
    await link(left, "m1", OTHER)
    await on(left, "", 3, usable=False, deleted_at=NOON)
    while await dissolve_deleted(left):
        pass
    assert await asleep(left) == []
    await on(left, ORG, 4)
    assert not await take_up_dormant(left)
    assert not any(one.linked for one in (await held(left)).values())


async def test_a_member_that_is_gone_leaves_no_dormant_link(left: Sessions) -> None:
    await link(left, "m1", OTHER)
    async with left.begin() as session:
        work = work_of(session)
        gone = {("w1", "m1"): Known(2, deleted=True)}
        await work.directory.save(gone, NOON)
    await on(left, ORG, 3)
    assert not await take_up_dormant(left)
    assert await asleep(left) == []
    async with left() as session:
        kept = await session.scalar(select(func.count()).select_from(table(DormantRow)))
    assert kept == 0
