"""The way of members onto the bus, for upstream systems written in Python."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from crmlink_common.contracts.cloudevents import Deleted, Record, encode
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.errors import TransientError

IN_FLIGHT = 1_000
GIVE_UP_S = 60.0


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass(slots=True)
class MemberPublisher:
    """Publishes full states and deletions. Every call returns once Kafka has them for good.

    The key decides the partition by murmur2, as every Kafka client does it, so a member's
    messages stay in order whoever writes them.
    """

    producer: AIOKafkaProducer
    source: str = "urn:crmlink:upstream"
    now: Callable[[], datetime] = _now
    new_id: Callable[[], str] = _new_id
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))

    async def publish(self, members: Iterable[Member]) -> int:
        """Send members and wait for the acknowledgements; return how many there were.

        Raises:
            ContractError: a member is too large; those before it are sent.
            TransientError: Kafka did not take all of them; sending them again is harmless.
        """
        return await self._send_all(self._record(member) for member in members)

    async def delete(self, deleted: Iterable[Deleted]) -> int:
        """Send deletions: everything about these members is erased."""
        return await self._send_all(self._record(one) for one in deleted)

    async def delete_member(self, workspace_id: str, member_id: str, version: int) -> None:
        """Delete one member; ``version`` is above that of its last state."""
        await self.delete([Deleted(f"{workspace_id}/{member_id}", version)])

    def _record(self, data: Member | Deleted) -> Record:
        return encode(MEMBERS_V1, data, event_id=self.new_id(), source=self.source, time=self.now())

    async def _send_all(self, records: Iterable[Record]) -> int:
        """Hold at most ``IN_FLIGHT`` unacknowledged messages, whatever the length of the input."""
        acks: set[asyncio.Future[Any]] = set()
        failed: list[BaseException] = []
        count = 0
        try:
            for record in records:
                ack = await self._send(record)
                acks.add(ack)
                ack.add_done_callback(lambda done: self._settled(done, acks, failed))
                count += 1
                if failed:
                    break
        finally:
            if acks:
                await asyncio.wait(set(acks))
        if failed:
            raise TransientError(f"Kafka did not take all members: {type(failed[0]).__name__}")
        return count

    async def _send(self, record: Record) -> asyncio.Future[Any]:
        await self._room.acquire()
        try:
            sent: asyncio.Future[Any] = await self.producer.send(
                record.topic, record.value, record.key, headers=record.headers
            )
        except (KafkaError, OSError) as exc:
            self._room.release()
            raise TransientError(f"Kafka does not take members: {type(exc).__name__}") from None
        except BaseException:
            self._room.release()
            raise
        return sent

    def _settled(
        self, ack: asyncio.Future[Any], acks: set[asyncio.Future[Any]], failed: list[BaseException]
    ) -> None:
        self._room.release()
        acks.discard(ack)
        if not ack.cancelled() and (exc := ack.exception()) is not None:
            failed.append(exc)


@asynccontextmanager
async def member_publisher(
    bootstrap: str,
    *,
    source: str = "urn:crmlink:upstream",
    **security: Any,  # noqa: ANN401 - aiokafka's own options
) -> AsyncIterator[MemberPublisher]:
    """Open a publisher. ``security`` is passed to aiokafka (``security_protocol`` ...).

    Raises:
        TransientError: Kafka is not to be reached.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,  # implies acks=all
        linger_ms=5,
        request_timeout_ms=int(GIVE_UP_S * 1000) // 2,
        **security,
    )
    try:
        try:
            async with asyncio.timeout(GIVE_UP_S):
                await producer.start()
        except (KafkaError, OSError, TimeoutError) as exc:
            raise TransientError(f"Kafka is not to be reached: {type(exc).__name__}") from None
        yield MemberPublisher(producer, source)
    finally:
        await producer.stop()


async def publish_members(
    bootstrap: str,
    members: Iterable[Member],
    **security: Any,  # noqa: ANN401 - aiokafka's own options
) -> int:
    """Publish all and return how many; opens and closes its own connection."""
    async with member_publisher(bootstrap, **security) as publisher:
        return await publisher.publish(members)
