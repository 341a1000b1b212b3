"""Messages on real Kafka and PostgreSQL: doubled, reordered, poisoned, cut off in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from crmlink_common.contracts.cloudevents import DataT, Deleted, Record, Topic
from crmlink_common.contracts.connections import CONNECTIONS_V1, Connection, ConnectionStatus
from crmlink_common.contracts.member_changes import MEMBER_CHANGES_V1
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState, MemberLink
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1, RecordMatch
from crmlink_common.contracts.salesforce_changes import SALESFORCE_CHANGES_V1, SalesforceChange
from crmlink_common.contracts.sync_configs import SYNC_CONFIGS_V1
from crmlink_common.contracts.topics import dead_letters
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_common.messaging import tables as messaging
from crmlink_common.messaging.parking import PATIENCE
from crmlink_common.runs.model import Run, RunStatus
from crmlink_devstack.worlds import KafkaWorld, a_record, until
from crmlink_reconciler import app as composition
from crmlink_reconciler.app import create_app
from crmlink_reconciler.desk import Desk
from crmlink_reconciler.domain.matching import Candidate
from crmlink_reconciler.fakes import ORG, FakeRecords
from crmlink_reconciler.service.reservations import Wish
from crmlink_reconciler.settings import Settings
from crmlink_reconciler.storage.tables import LinkRow, MemberRow, ReservationRow, Row, table
from crmlink_reconciler.storage.work import settle_waiting

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
READS = (
    WORKSPACES_V1,
    CONNECTIONS_V1,
    SYNC_CONFIGS_V1,
    MEMBERS_V1,
    RECORD_MATCHES_V1,
    SALESFORCE_CHANGES_V1,
)
RECORD, WINNER = "003000000000001AAA", "003000000000002AAA"


def a_member(member_id: str = "m1", version: int = 1, email: str = "ada@example.com") -> Record:
    member = Member(workspace_id="w1", member_id=member_id, version=version, email=email)
    return a_record(MEMBERS_V1, member)


def a_confirm(member_id: str = "m1", intent_id: str = "", record_id: str = RECORD) -> Record:
    match = RecordMatch(
        workspace_id="w1",
        member_id=member_id,
        action="confirm",
        intent_id=intent_id,
        record_id=record_id,
        object="Contact",
        org_id=ORG,
    )
    return a_record(RECORD_MATCHES_V1, match)


def a_change(kind: str, **told: object) -> Record:
    change = {
        "workspace_id": "w1",
        "record_id": RECORD,
        "object": "Contact",
        "org_id": ORG,
        "kind": kind,
        "observed_at": datetime.now(UTC),
        **told,
    }
    return a_record(SALESFORCE_CHANGES_V1, SalesforceChange.model_validate(change))


@dataclass
class World:
    """What a test does to the reconciler, and what it can see of it."""

    kafka: KafkaWorld
    engine: AsyncEngine
    settings: Settings

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.kafka.running(create_app(self.settings)):
            yield

    async def settled(self) -> None:
        await self.kafka.caught_up(*READS)

    async def bring(self, *records: Record) -> None:
        await self.kafka.publish(*records)
        await self.settled()

    async def rows(self, model: type[Row]) -> list[Any]:
        async with AsyncSession(self.engine) as session:
            return list(await session.execute(select(table(model))))

    async def said(self, topic: Topic[DataT]) -> list[DataT]:
        async def quiet() -> bool:
            async with AsyncSession(self.engine) as session:
                return (await session.execute(select(messaging.outbox.c.id))).first() is None

        await until(quiet)
        events = await self.kafka.read(topic)
        return [event.data for event in events if not isinstance(event.data, Deleted)]

    async def parked(self) -> list[Any]:
        async with AsyncSession(self.engine) as session:
            return list(await session.execute(select(messaging.parked)))


@pytest.fixture
async def world(kafka: str, engine: AsyncEngine, settings: Settings) -> World:
    found = KafkaWorld(kafka, "reconciler")
    await found.fresh_topics()
    return World(found, engine, settings.model_copy(update={"kafka_bootstrap": kafka}))


def states(links: list[MemberLink]) -> list[tuple[str, LinkState, int]]:
    return [(one.member_id, one.state, one.revision) for one in links]


async def test_the_same_messages_twice_have_one_effect(world: World) -> None:
    messages = [a_member(), a_confirm(), a_record(MEMBERS_V1, Deleted("w1/m1", 2))]
    async with world.running():
        await world.bring(messages[0])
        await world.bring(messages[1])
        await world.bring(messages[2])
        await world.bring(*messages, *messages)
        told = await world.said(MEMBER_LINKS_V1)
    assert states(told) == [("m1", LinkState.LINKED, 1), ("m1", LinkState.UNLINKED, 2)]
    assert len(await world.said(MEMBER_CHANGES_V1)) == 1


async def test_out_of_order_the_newest_version_wins(world: World) -> None:
    async with world.running():
        await world.kafka.publish(
            a_member(version=3, email="new@example.com"), a_member(version=2), a_member(version=1)
        )
        await world.settled()
    [row] = await world.rows(MemberRow)
    assert (row.version, row.email) == (3, "new@example.com")


async def test_a_confirm_before_its_member_waits_and_is_then_applied(world: World) -> None:
    async with world.running():
        await world.bring(a_confirm())
        assert len(await world.parked()) == 1
        await world.bring(a_member())
        told = await world.said(MEMBER_LINKS_V1)
    assert states(told) == [("m1", LinkState.LINKED, 1)]
    assert await world.parked() == []


async def test_a_confirm_whose_member_never_comes_is_answered(world: World) -> None:
    sessions = async_sessionmaker(world.engine)
    async with world.running():
        await world.kafka.publish(a_confirm(intent_id="i1"))
        await until(world.parked)
        await settle_waiting(sessions)
        assert len(await world.parked()) == 1
        async with sessions.begin() as session:
            later = messaging.parked.c.expires_at - PATIENCE
            await session.execute(update(messaging.parked).values(expires_at=later))
        await settle_waiting(sessions)
        [told] = await world.said(MEMBER_LINKS_V1)
    assert (told.state, told.reason, told.intent_id) == (LinkState.REFUSED, "wait_expired", "i1")
    assert await world.parked() == []
    assert await world.kafka.read_raw(dead_letters("reconciler")) == []


async def test_a_record_is_created_once_confirmed_followed_and_lost(world: World) -> None:
    sessions = async_sessionmaker(world.engine)
    async with world.running():
        await world.bring(a_member())
        answers = await Desk(sessions=sessions).reserve("w1", [Wish("m1", "i1")])
        assert answers[0].result == "reserved"
        await world.bring(a_confirm(intent_id="i1"))
        assert await world.rows(ReservationRow) == []
        await world.bring(a_change("merged", successor_id=WINNER))
        await world.bring(a_change("deleted", record_id=WINNER))
        told = await world.said(MEMBER_LINKS_V1)
    assert [(one.state, one.record_id, one.revision) for one in told] == [
        (LinkState.LINKED, RECORD, 1),
        (LinkState.LINKED, WINNER, 2),
        (LinkState.UNLINKED, WINNER, 3),
    ]


async def test_of_two_members_confirmed_for_one_record_one_is_linked(world: World) -> None:
    async with world.running():
        await world.bring(*[a_member(f"m{n}") for n in range(6)])
        await world.bring(*[a_confirm(f"m{n}") for n in range(6)])
        told = await world.said(MEMBER_LINKS_V1)
    by_state = sorted(one.state for one in told)
    assert by_state == [LinkState.LINKED, *[LinkState.REFUSED] * 5]
    assert {one.reason for one in told} == {"", "record_linked_elsewhere"}
    linked = [row for row in await world.rows(LinkRow) if row.state == "linked"]
    assert len(linked) == 1


async def test_poison_is_buried_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    good = [a_member(f"m{n}") for n in range(10)]
    garbage = Record("members.v1", b"w1/x", b"\xff\x00", good[0].headers)
    no_record = a_confirm("m1", record_id="")
    no_id = a_confirm("m2", record_id="not an id")
    await world.kafka.publish(*good[:5], garbage, *good[5:], no_record, no_id, a_confirm("m3"))
    async with world.running():
        await world.settled()
        await until(lambda: world.rows(LinkRow))
    assert {row.member_id for row in await world.rows(MemberRow)} == {f"m{n}" for n in range(10)}
    assert [row.member_id for row in await world.rows(LinkRow)] == ["m3"]
    buried = await world.kafka.read_raw(dead_letters("reconciler"))
    assert {(r.key, dict(r.headers)["crmlink_error_code"]) for r in buried} == {
        (b"w1/x", b"contract"),
        (b"w1/m1", b"invalid_input"),
        (b"w1/m2", b"invalid_input"),
    }
    assert "ada@" not in str([vars(record) for record in caplog.records])


async def test_a_crash_between_database_and_offsets_repeats_without_effect(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    await world.kafka.publish(a_member(), a_confirm())
    with monkeypatch.context() as crash:
        crash.setattr(AIOKafkaConsumer, "commit", die)
        async with world.running():
            await until(lambda: world.rows(MemberRow))
    assert await world.kafka.lag(READS) == 2
    async with world.running():
        await world.settled()
        await until(lambda: world.rows(LinkRow))
        told = await world.said(MEMBER_LINKS_V1)
    assert states(told) == [("m1", LinkState.LINKED, 1)]


async def test_a_match_run_finds_and_link_all_links(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [
        Candidate("003000000000003AAA", "Contact", email="ADA@example.com"),
        Candidate("00Q000000000001EAA", "Lead", phones=("(202) 555-0100",)),
    ]

    class Orgs:
        async def open(self, _: str) -> FakeRecords:
            return FakeRecords(held)

        async def aclose(self) -> None: ...

    monkeypatch.setattr(composition, "SalesforceOrgs", lambda *_, **__: Orgs())
    monkeypatch.setattr(composition, "SalesforceRecords", lambda org, _: org)
    phone = Member(workspace_id="w1", member_id="m2", version=1, phone="+1 202 555 0100")
    await world.kafka.publish(
        a_member(), a_record(MEMBERS_V1, phone), a_member("m3", email="x@y.org")
    )
    desk = Desk(sessions=async_sessionmaker(world.engine))
    async with world.running():
        await world.settled()
        run = await desk.start_run("w1", "match", "key:1")
        await until(lambda: _is(desk, run, RunStatus.WAITING_FOR_BUDGET))  # not active yet
        await world.kafka.publish(*ACTIVE)
        await until(lambda: _is(desk, run, RunStatus.COMPLETED), 45)
        told, more = await desk.link_all("w1", "key:1")
        said = await world.said(MEMBER_LINKS_V1)
    done = await desk.run("w1", run.id)
    assert (done.counts["examined"], done.counts["matched_email"]) == (3, 1)
    assert (done.counts["matched_phone"], done.counts["none"], done.total) == (1, 1, 3)
    assert (told.linked, told.refused, more) == (2, [], None)
    assert {one.object for one in said} == {"Contact", "Lead"}


ACTIVE = [
    a_record(WORKSPACES_V1, Workspace(workspace_id="w1", revision=1, crm_salesforce=True)),
    a_record(
        CONNECTIONS_V1,
        Connection(workspace_id="w1", revision=1, status=ConnectionStatus.CONNECTED, org_id=ORG),
    ),
]


async def _is(desk: Desk, run: Run, status: RunStatus) -> bool:
    return (await desk.run("w1", run.id)).status is status
