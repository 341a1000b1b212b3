"""How far a group has come: the first-start barrier, exact lag, and gaps that retention made."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition

from crmlink_common.messaging.consume import Progress, commit
from crmlink_common.messaging.workers import rest

log = logging.getLogger(__name__)
SETTLE = 0.2  # a batch that was fetched has begun by then


def reached(
    targets: Mapping[TopicPartition, int],
    beginnings: Mapping[TopicPartition, int],
    committed: Mapping[TopicPartition, int | None],
) -> bool:
    """Say whether every partition's committed offset has passed its target.

    A partition that held nothing when we looked (its end equals its beginning) has nothing to
    wait for.
    """
    return all(
        end <= beginnings.get(tp, 0) or (committed.get(tp) or 0) >= end
        for tp, end in targets.items()
    )


def gap(committed: int | None, beginning: int) -> int:
    """Return how many records retention took before this group had read them."""
    return 0 if committed is None else max(0, beginning - committed)


@dataclass(slots=True, kw_only=True)
class Offsets:
    """Watches one running consumer. ``state_topics`` are those whose whole content we keep."""

    consumer: AIOKafkaConsumer
    state_topics: Iterable[str]
    progress: Progress
    caught_up: asyncio.Event
    on_gap: Callable[[str, int], Awaitable[None]]
    pause: Callable[[asyncio.Event, float], Awaitable[None]] = rest
    _checked: set[TopicPartition] = field(default_factory=set)
    _targets: Mapping[TopicPartition, int] | None = None
    _beginnings: Mapping[TopicPartition, int] = field(default_factory=dict)

    async def look(self, stopping: asyncio.Event) -> bool:
        """Keep committed offsets exact while idle; tell when the first-start barrier is passed.

        Returns whether it wants to look again at once.
        """
        if self._targets is None:
            everything = [tp for topic in self.state_topics for tp in self._partitions(topic)]
            self._beginnings = await self.consumer.beginning_offsets(everything)
            self._targets = await self.consumer.end_offsets(everything)
        await self._look_for_gaps()
        await self._commit_positions(stopping)
        if self.caught_up.is_set():
            return False
        committed = {tp: await self.consumer.committed(tp) for tp in self._targets}
        if reached(self._targets, self._beginnings, committed):
            self.caught_up.set()
            log.info("projections are complete; work begins")
        return True

    def _partitions(self, topic: str) -> list[TopicPartition]:
        numbers = self.consumer.partitions_for_topic(topic) or set()
        return [TopicPartition(topic, number) for number in numbers]

    async def _commit_positions(self, stopping: asyncio.Event) -> None:
        """Pass the markers that end transactions: no record of ours ever stands at the end."""
        begun = self.progress.begun
        if self.progress.busy:
            return
        assigned = self.consumer.assignment()
        positions = {tp: await self.consumer.position(tp) for tp in assigned}
        await self.pause(stopping, SETTLE)
        if not self.progress.idle_since(begun):
            return
        committed = {tp: await self.consumer.committed(tp) for tp in positions}
        ahead = {tp: at for tp, at in positions.items() if at > (committed[tp] or 0)}
        await commit(self.consumer, ahead)

    async def _look_for_gaps(self) -> None:
        """Notice, once per assignment, that retention has passed what we had yet to read."""
        assigned = set(self.consumer.assignment())
        self._checked &= assigned
        new = assigned - self._checked
        if not new:
            return
        beginnings = await self.consumer.beginning_offsets(list(new))
        for tp in new:
            if lost := gap(await self.consumer.committed(tp), beginnings[tp]):
                log.error("records were lost to retention", extra={"topic": tp.topic, "lost": lost})
                await self.on_gap(tp.topic, lost)
        self._checked |= new
