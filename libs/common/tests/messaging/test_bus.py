"""What the bus promises, on real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import SecretStr
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from crmlink_common.contracts.cloudevents import Deleted, Event, Record, encode
from crmlink_common.contracts.member_links import MEMBER_LINKS_V1, LinkState, MemberLink
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.messaging import tables
from crmlink_common.messaging.bus import Bus
from crmlink_common.messaging.consume import Raw, route
from crmlink_common.messaging.outbox import Outbox, Relay, running
from crmlink_common.messaging.parking import Parking
from crmlink_common.storage.engine import create_engine
from crmlink_devstack.testing import create_topics

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
SERVICE = "reconciler"
TOPICS = ["members.v1", "member-links.v1", "reconciler.dead-letters.v1"]
metadata = MetaData()
seen = Table(
    "seen",
    metadata,
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)


def a_record(data: Member | Deleted) -> Record:
    return encode(
        MEMBERS_V1, data, event_id=str(uuid4()), source="/upstream", time=datetime.now(UTC)
    )


def a_member(member_id: str, version: int = 1) -> Record:
    return a_record(
        Member(workspace_id="w1", member_id=member_id, version=version, email="ada@example.com")
    )


async def remember(session: AsyncSession, events: Sequence[Event[Member]]) -> None:
    """Keep the newest version, and decide a link from each new one."""
    newest: dict[str, int] = {}
    for event in events:
        data = event.data
        newest[data.key] = max(newest.get(data.key, 0), data.version)
    empty = insert(seen)
    statement = empty.on_conflict_do_update(
        index_elements=["key"],
        set_={"version": empty.excluded.version},
        where=seen.c.version < empty.excluded.version,
    ).returning(seen.c.key, seen.c.version)
    rows = [{"key": key, "version": version} for key, version in sorted(newest.items())]
    for row in [(await session.execute(statement, one)).first() for one in rows]:
        if row is not None:
            await Outbox(session).add([a_link(row.key, row.version)])


def a_link(key: str, revision: int) -> Record:
    workspace, _, member = key.partition("/")
    link = MemberLink(
        workspace_id=workspace, member_id=member, revision=revision, state=LinkState.UNLINKED
    )
    return encode(
        MEMBER_LINKS_V1, link, event_id=str(uuid4()), source="/test", time=datetime.now(UTC)
    )


class World:
    def __init__(self, kafka: str, engine: AsyncEngine) -> None:
        self.kafka, self.engine = kafka, engine
        self.sessions = async_sessionmaker(engine)

    def bus(self, instance: str = "one") -> Bus:
        return Bus(
            bootstrap=self.kafka,
            service=SERVICE,
            instance=instance,
            sessions=self.sessions,
            routes=[route(MEMBERS_V1, remember)],
        )

    @asynccontextmanager
    async def running(self, bus: Bus | None = None) -> AsyncIterator[Bus]:
        bus, stopping = bus or self.bus(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bus.run(stopping))
            yield bus
            stopping.set()

    async def publish(self, *records: Record) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.kafka) as producer:
            for r in records:
                await producer.send_and_wait(r.topic, r.value, key=r.key, headers=r.headers)

    async def read(self, topic: str) -> list[Raw]:
        found: list[Raw] = []
        async with AIOKafkaConsumer(
            topic,
            bootstrap_servers=self.kafka,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        ) as consumer:
            while batch := await consumer.getmany(timeout_ms=700):
                for records in batch.values():
                    found.extend(records)
        return found

    async def lag(self) -> int:
        partitions = [TopicPartition("members.v1", n) for n in range(3)]
        async with AIOKafkaConsumer(
            bootstrap_servers=self.kafka, group_id=SERVICE, enable_auto_commit=False
        ) as consumer:
            ends = await consumer.end_offsets(partitions)
            return sum([end - (await consumer.committed(tp) or 0) for tp, end in ends.items()])

    async def caught_up(self) -> bool:
        return await self.lag() == 0

    async def known(self) -> dict[str, int]:
        async with self.engine.connect() as connection:
            rows = await connection.execute(select(seen.c.key, seen.c.version))
            return {row.key: row.version for row in rows}

    async def links(self) -> dict[tuple[bytes | None, int], int]:
        counts: dict[tuple[bytes | None, int], int] = {}
        for record in await self.read("member-links.v1"):
            revision = MemberLink.model_validate_json(record.value or b"").revision
            counts[record.key, revision] = counts.get((record.key, revision), 0) + 1
        return counts


async def publish_in_a_transaction(producer: AIOKafkaProducer, r: Record) -> None:
    async with producer.transaction():
        await producer.send_and_wait(r.topic, r.value, key=r.key, headers=r.headers)


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 25) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - the world outside has no event
            await asyncio.sleep(0.05)


@pytest.fixture
async def world(kafka: str, database: str) -> AsyncIterator[World]:
    await create_topics(kafka, TOPICS)
    engine = create_engine(SecretStr(database))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.run_sync(tables.metadata.create_all)
    yield World(kafka, engine)
    await engine.dispose()


async def test_the_same_message_twice_and_an_older_one_later_have_one_effect(world: World) -> None:
    newer = a_member("m1", version=2)
    async with world.running():
        await world.publish(newer, newer, a_member("m1", version=1))
        await until(world.caught_up)
        await until(world.links)
        await world.publish(newer)
        await until(world.caught_up)
    assert await world.known() == {"w1/m1": 2}
    assert await world.links() == {(b"w1/m1", 2): 1}


async def test_poison_is_buried_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    good = [a_member(f"m{n}") for n in range(20)]
    garbage = Record("members.v1", b"w1/x", b"\xff\x00", good[0].headers)
    null_header = Record("members.v1", b"w1/y", b"{}", [("ce_id", None)])  # type: ignore[list-item]
    refused = Record("members.v1", b"w1/z", b'{"version": -1}', a_member("z").headers)
    await world.publish(*good[:10], garbage, null_header, refused, *good[10:])
    async with world.running():
        await until(world.caught_up)
    assert set(await world.known()) == {r.key.decode() for r in good}
    buried = await world.read("reconciler.dead-letters.v1")
    assert {(r.key, r.value, dict(r.headers)["crmlink_error_code"]) for r in buried} == {
        (b"w1/x", b"\xff\x00", b"contract"),
        (b"w1/y", b"{}", b"contract"),
        (b"w1/z", refused.value, b"contract"),
    }
    assert "ada@" not in str([vars(record) for record in caplog.records])


async def test_a_crash_between_database_and_offsets_repeats_without_effect(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    await world.publish(a_member("m1"))
    with monkeypatch.context() as crash:
        crash.setattr(AIOKafkaConsumer, "commit", die)
        async with world.running():
            await until(world.known)
    assert await world.lag() == 1
    async with world.running():
        await until(world.caught_up)
    assert await world.known() == {"w1/m1": 1}


async def test_trouble_that_passes_loses_nothing(world: World) -> None:
    async with world.running():
        async with world.engine.begin() as blocker:
            await blocker.execute(text("lock table seen in access exclusive mode"))
            await world.publish(*[a_member(f"m{n}") for n in range(5)])
            await asyncio.sleep(3)  # lock_timeout is 2 s: the batch fails at least once
            assert await world.lag() == 5
        await until(world.caught_up)
    assert len(await world.known()) == 5
    assert await world.read("reconciler.dead-letters.v1") == []


async def test_workers_wait_until_the_projections_are_complete(world: World) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=world.kafka, transactional_id=f"t{uuid4().hex}")
    async with running(producer), producer.transaction():  # its marker stands at the very end
        for n in range(30):
            r = a_member(f"m{n}")
            await producer.send_and_wait(r.topic, r.value, key=r.key, headers=r.headers)
    known_at_start: list[int] = []
    stopping = asyncio.Event()

    async def worker() -> None:
        known_at_start.append(len(await world.known()))

    async with world.running() as bus:
        async with asyncio.timeout(25):
            await bus.work(stopping, worker)
        await until(world.caught_up)  # markers are passed too: lag is exact
    assert known_at_start == [30]


async def test_what_waits_in_vain_is_buried_with_its_reason(world: World) -> None:
    later = datetime.now(UTC) + timedelta(minutes=11)
    record = a_member("m1")
    async with world.sessions.begin() as session:
        parking = Parking(session, SERVICE)
        await parking.park("w1", "link", [record])
        await parking.park("w1", "other", [a_member("m2")])
        [back] = await parking.release("w1", ["other"], MEMBERS_V1)
        assert back.data.key == "w1/m2"
        assert await parking.expire(datetime.now(UTC)) == 0
    bus = world.bus()
    bus.now = lambda: later
    async with world.running(bus):
        await until(lambda: world.read("reconciler.dead-letters.v1"))
    [buried] = await world.read("reconciler.dead-letters.v1")
    assert (buried.key, buried.value) == (record.key, record.value)
    assert dict(buried.headers)["crmlink_error_code"] == b"wait_expired"


async def test_a_relay_that_stalled_past_its_lease_cannot_publish_an_old_state_last(
    world: World,
) -> None:
    def relay(instance: str) -> Relay:
        return Relay(
            sessions=world.sessions, bootstrap=world.kafka, service=SERVICE, instance=instance
        )

    async with world.sessions.begin() as session:
        await Outbox(session).add([a_link("w1/m1", 1)])
    stalled = AIOKafkaProducer(bootstrap_servers=world.kafka, transactional_id=f"{SERVICE}.outbox")
    await stalled.start()
    stopping = asyncio.Event()
    task = asyncio.create_task(relay("two").run(stopping))
    await until(world.links)
    with pytest.raises(KafkaError):
        await publish_in_a_transaction(stalled, a_link("w1/m1", 0))
    stopping.set()
    await task
    await stalled.stop()
    assert await world.links() == {(b"w1/m1", 1): 1}


async def test_two_instances_lose_and_double_nothing(world: World) -> None:
    async with world.running(world.bus("one")), world.running(world.bus("two")):
        await world.publish(*[a_member(f"m{n}") for n in range(100)])
        await until(world.caught_up)

        async def all_links() -> bool:
            return len(await world.links()) >= 100

        await until(all_links)
    counts: dict[Any, int] = await world.links()
    assert len(counts) == 100
    assert set(counts.values()) == {1}
