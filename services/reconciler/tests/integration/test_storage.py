"""What the fakes cannot show: locks, unique keys and paging, on real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.member_links import LinkState
from crmlink_common.errors import TransientError
from crmlink_common.messaging import tables as messaging
from crmlink_common.runs import store
from crmlink_common.storage.migrations import differences, migrate
from crmlink_reconciler.app import MIGRATIONS, SCHEMA
from crmlink_reconciler.desk import Desk
from crmlink_reconciler.domain.directory import Key, Known
from crmlink_reconciler.domain.linking import Link
from crmlink_reconciler.domain.matching import STAGES, Candidate, Match
from crmlink_reconciler.fakes import NOON, ORG
from crmlink_reconciler.service.linking import OVERDUE
from crmlink_reconciler.service.reservations import Wish
from crmlink_reconciler.storage import tables
from crmlink_reconciler.storage.directory import DirectoryRepository
from crmlink_reconciler.storage.links import LinkRepository
from crmlink_reconciler.storage.matches import MatchRepository
from crmlink_reconciler.storage.reports import Reports
from crmlink_reconciler.storage.tables import LinkRow, MemberRow, table
from crmlink_reconciler.storage.work import republish

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
Sessions = async_sessionmaker[AsyncSession]
RECORD = "003000000000001AAA"


async def know(sessions: Sessions, *members: str, email: str = "ada@example.com") -> None:
    async with sessions.begin() as session:
        known = {("w1", one): Known(1, email, name="Ada") for one in members}
        await DirectoryRepository(session).save(known, NOON)


async def found(sessions: Sessions, *members: str, record_id: str = RECORD) -> None:
    candidate = Candidate(record_id, "Contact", email="ada@example.com", phones=("1", "2"))
    async with sessions.begin() as session:
        for member_id in members:
            match = Match(member_id, STAGES[0], "proposed", "", (candidate,))
            await MatchRepository(session).save("w1", "run", ORG, [match])
        await session.execute(update(table(tables.MatchRow)).values(state="proposed"))


def a_link(member_id: str, record_id: str = RECORD, revision: int = 1) -> Link:
    return Link("w1", member_id, revision, LinkState.LINKED, record_id, "Contact", org_id=ORG)


async def save(sessions: Sessions, *links: Link) -> None:
    async with sessions.begin() as session:
        await LinkRepository(session).save({link.key: (link, "") for link in links})


async def linked(sessions: Sessions) -> dict[str, str]:
    links = table(LinkRow)
    async with sessions() as session:
        rows = await session.execute(select(links).where(links.c.state == "linked"))
        return {row.member_id: row.record_id for row in rows}


async def test_the_migrations_make_what_the_models_say(database: str) -> None:
    dsn = SecretStr(database)
    for _ in range(2):
        await asyncio.to_thread(migrate, dsn, SCHEMA, MIGRATIONS)
    all_tables = [tables.metadata, messaging.metadata, store.metadata]
    assert await asyncio.to_thread(differences, dsn, SCHEMA, all_tables) == []


async def test_of_two_members_racing_for_one_record_exactly_one_is_linked(
    sessions: Sessions,
) -> None:
    members = [f"m{n}" for n in range(8)]
    await know(sessions, *members)
    await found(sessions, *members)
    desk = Desk(sessions=sessions)
    told = await asyncio.gather(*[desk.link("w1", {one: None}, "") for one in members])
    assert Counter(one.linked for one in told) == {1: 1, 0: 7}
    refused = {refusal.code for one in told for refusal in one.refused}
    assert refused == {"record_linked_elsewhere"}
    assert len(await linked(sessions)) == 1


async def test_reservations_of_two_sessions_go_to_one_of_them(sessions: Sessions) -> None:
    members = [f"m{n}" for n in range(20)]
    await know(sessions, *members)
    desk = Desk(sessions=sessions)
    both = await asyncio.gather(
        desk.reserve("w1", [Wish(one, f"a-{one}") for one in members]),
        desk.reserve("w1", [Wish(one, f"b-{one}") for one in reversed(members)]),
    )
    results = Counter(answer.result for answers in both for answer in answers)
    assert results == {"reserved": 20, "reserved_by_other": 20}


async def test_a_reservation_and_a_link_never_both_win(sessions: Sessions) -> None:
    await know(sessions, "m1")
    await found(sessions, "m1")
    desk = Desk(sessions=sessions)
    told, [answer] = await asyncio.gather(
        desk.link("w1", {"m1": None}, ""), desk.reserve("w1", [Wish("m1", "i1")])
    )
    assert (told.linked == 1) != (answer.result == "reserved")


async def test_links_may_trade_records_in_one_transaction(sessions: Sessions) -> None:
    await save(sessions, a_link("m1", "003A"), a_link("m2", "003B"))
    await save(sessions, a_link("m1", "003B", 2), a_link("m2", "003A", 2))
    assert await linked(sessions) == {"m1": "003B", "m2": "003A"}


async def test_a_second_member_of_a_record_is_a_race_that_is_decided_anew(
    sessions: Sessions,
) -> None:
    await save(sessions, a_link("m1"))
    with pytest.raises(TransientError):
        await save(sessions, a_link("m2"))
    await save(sessions, replace(a_link("m2"), org_id="another org"))


async def test_a_revision_that_is_not_the_next_is_noticed(sessions: Sessions) -> None:
    await save(sessions, a_link("m1", "003A", 2), a_link("m2", "003B", 2))
    with pytest.raises(TransientError):
        await save(sessions, a_link("m1", "003C", 2), a_link("m2", "003D", 3))
    with pytest.raises(TransientError):
        await save(sessions, a_link("m1", "003C", 1))
    assert await linked(sessions) == {"m1": "003A", "m2": "003B"}


async def test_two_transactions_that_lock_in_other_orders_do_not_block_for_ever(
    sessions: Sessions,
) -> None:
    keys: list[Key] = [("w1", f"m{n:02}") for n in range(30)]
    await know(sessions, *[member_id for _, member_id in keys])

    async def touch(order: list[Key]) -> int:
        async with sessions.begin() as session:
            found = await DirectoryRepository(session).lock(order)
            await DirectoryRepository(session).save(
                {key: replace(one, version=one.version + 1) for key, one in found.items()}, NOON
            )
            return len(found)

    done = await asyncio.gather(*[touch(keys[::step]) for step in (1, -1, 1, -1)])
    assert done == [30] * 4
    async with sessions() as session:
        rows = await session.execute(select(table(MemberRow).c.version))
        assert {row.version for row in rows} == {5}


async def test_members_are_paged_by_id_without_the_linked_and_the_excluded(
    sessions: Sessions,
) -> None:
    await know(sessions, *[f"m{n}" for n in range(6)])
    excluded = replace(a_link("m2", "003C"), state=LinkState.EXCLUDED)
    refused = replace(a_link("m3", "003D"), state=LinkState.REFUSED)
    await save(sessions, a_link("m1"), excluded, refused)
    async with sessions() as session:
        directory = DirectoryRepository(session)
        assert await directory.count_unlinked("w1") == 4
        first = await directory.unlinked("w1", "", 2)
        rest = await directory.unlinked("w1", first[-1][0], 10)
    assert [one for one, _ in first + rest] == ["m0", "m3", "m4", "m5"]


async def test_a_record_found_for_a_second_member_makes_the_first_doubtful(
    sessions: Sessions,
) -> None:
    candidate = Candidate(RECORD, "Contact")
    async with sessions.begin() as session:
        matches = MatchRepository(session)
        await matches.save("w1", "r", ORG, [Match("m1", STAGES[0], "proposed", "", (candidate,))])
        assert await matches.claimed("w1", {RECORD}, ["m1"]) == {}
        assert await matches.claimed("w1", {RECORD}, ["m2"]) == {RECORD: 0}
        second = Match("m2", STAGES[0], "ambiguous", "several_members", (candidate,))
        await matches.save("w1", "r", ORG, [second])
        assert {one.state for one in (await matches.of([("w1", "m1")])).values()} == {"ambiguous"}
        await matches.forget({("w1", "m2")})
        await matches.acquit("w1", "another run")
        assert {one.state for one in (await matches.of([("w1", "m1")])).values()} == {"ambiguous"}
        await matches.acquit("w1", "r")
        assert {one.state for one in (await matches.of([("w1", "m1")])).values()} == {"proposed"}
        await matches.save("w1", "r2", ORG, [second])
        assert await matches.tally("w1", "r2") == {("ambiguous", "email"): 1}
        assert await matches.drop_others("w1", "r2", 10) == 1
        assert await matches.claimed("w1", {RECORD}, []) == {RECORD: 0}
        await matches.mark_linked([("w1", "m2")])
        assert await matches.claimed("w1", {RECORD}, []) == {}


async def test_a_doubted_record_that_was_linked_is_not_proposed_again(sessions: Sessions) -> None:
    await found(sessions, "m1", "m2")
    async with sessions.begin() as session:
        matches = MatchRepository(session)
        doubted = Match("m1", STAGES[0], "ambiguous", "several_members", (Candidate(RECORD, "C"),))
        await matches.save("w1", "run", ORG, [doubted])
        await matches.mark_linked([("w1", "m2")])
    await save(sessions, a_link("m2"))
    async with sessions.begin() as session:
        matches = MatchRepository(session)
        await matches.acquit("w1", "run")
        assert (await matches.of([("w1", "m1")]))["w1", "m1"].state == "ambiguous"


async def test_a_link_ends_a_reservation_whose_confirmation_was_lost(sessions: Sessions) -> None:
    await know(sessions, "m1")
    desk = Desk(sessions=sessions)
    await desk.reserve("w1", [Wish("m1", "i1")])
    await found(sessions, "m1")
    assert [one.code for one in (await desk.link("w1", {"m1": None}, "")).refused] == ["reserved"]
    reservations = table(tables.ReservationRow)
    async with sessions.begin() as session:
        old = datetime.now(UTC) - OVERDUE
        await session.execute(update(reservations).values(reserved_at=old))
    assert (await desk.link("w1", {"m1": None}, "")).linked == 1
    async with sessions() as session:
        assert (await session.execute(select(reservations))).all() == []


async def test_what_is_left_of_deleted_members_goes_after_45_days(sessions: Sessions) -> None:
    now = datetime.now(UTC)
    async with sessions.begin() as session:
        directory = DirectoryRepository(session)
        await directory.save({("w1", "old"): Known(2, deleted=True)}, now - timedelta(days=46))
        await directory.save({("w1", "new"): Known(2, deleted=True)}, now - timedelta(days=44))
        assert await directory.forget_tombstones(now) == 1
        assert list(await directory.peek([("w1", "old"), ("w1", "new")])) == [("w1", "new")]


async def test_republishing_tells_every_link_once_in_pages(sessions: Sessions) -> None:
    await save(sessions, *[a_link(f"m{n}", f"003{n}") for n in range(7)])
    assert await republish(sessions, page_size=3) == 7
    async with sessions() as session:
        rows = await session.execute(select(messaging.outbox.c.key, messaging.outbox.c.topic))
        assert [(row.topic, row.key) for row in rows] == [
            ("member-links.v1", f"w1/m{n}".encode()) for n in range(7)
        ]


async def test_the_summary_counts_what_there_is(sessions: Sessions) -> None:
    await know(sessions, "m1", "m2", "m3")
    await know(sessions, "m4", email="")
    await save(sessions, a_link("m1"), replace(a_link("m2", "x"), state=LinkState.EXCLUDED))
    await Desk(sessions=sessions).reserve("w1", [Wish("m3", "i1")])
    async with sessions() as session:
        assert await Reports(session).summary("w1") == {
            "members": 4,
            "linked": 1,
            "dormant": 0,
            "excluded": 1,
            "unlinked": 2,
            "without_email_and_phone": 1,
            "reservations_open": 1,
        }
