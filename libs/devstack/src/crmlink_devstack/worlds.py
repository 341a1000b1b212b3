"""What integration tests do to a service's Kafka, and what they can see of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from fastapi import FastAPI

from crmlink_common.contracts.cloudevents import (
    DataT,
    Deleted,
    Event,
    Record,
    Topic,
    decode,
    encode,
)
from crmlink_common.contracts.topics import TOPICS, dead_letters
from crmlink_devstack.kafka import create_topics

PARTITIONS = 3


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 25) -> None:
    """Wait until something holds; TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - the world outside has no event
            await asyncio.sleep(0.05)


def a_record(topic: Topic[DataT], data: DataT | Deleted) -> Record:
    """Encode a message as some other part of the system would."""
    return encode(topic, data, event_id=str(uuid4()), source="/test", time=datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class KafkaWorld:
    """A broker on which one service is under test, with topics of the test's own."""

    bootstrap: str
    service: str

    async def fresh_topics(self) -> None:
        """Make all topics anew, empty."""
        names = [topic.name for topic in TOPICS]
        await create_topics(self.bootstrap, [*names, dead_letters(self.service)], PARTITIONS)

    @asynccontextmanager
    async def running(self, app: FastAPI) -> AsyncIterator[None]:
        """Run an application as its server would, without the server."""
        async with app.router.lifespan_context(app):
            yield

    async def publish(self, *records: Record) -> None:
        """Send in order."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as producer:
            for r in records:
                await producer.send_and_wait(r.topic, r.value, key=r.key, headers=r.headers)

    async def read_raw(self, topic: str) -> list[Any]:
        """Read a topic from its beginning to its end."""
        found: list[Any] = []
        async with AIOKafkaConsumer(
            topic,
            bootstrap_servers=self.bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        ) as consumer:
            ends = await consumer.end_offsets(consumer.assignment())
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                if not (batch := await consumer.getmany(timeout_ms=700)):
                    break  # the rest is an open transaction's
                for records in batch.values():
                    found.extend(records)
        return found

    async def read(self, topic: Topic[DataT]) -> list[Event[DataT]]:
        """Read a topic's events."""
        raw = await self.read_raw(topic.name)
        return [decode(topic, r.key, r.value, r.headers) for r in raw]

    async def lag(self, topics: Sequence[Topic[Any]]) -> int:
        """Count what the service has yet to settle."""
        partitions = [TopicPartition(t.name, n) for t in topics for n in range(PARTITIONS)]
        async with AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.service, enable_auto_commit=False
        ) as consumer:
            ends = await consumer.end_offsets(partitions)
            return sum([end - (await consumer.committed(tp) or 0) for tp, end in ends.items()])

    async def caught_up(self, *topics: Topic[Any], seconds: float = 25) -> None:
        """Wait until the service has settled all of these topics."""

        async def none_left() -> bool:
            return await self.lag(topics) == 0

        await until(none_left, seconds)
