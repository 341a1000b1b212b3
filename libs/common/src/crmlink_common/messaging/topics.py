"""Creates the topics of the one table: ``python -m crmlink_common.messaging.topics``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from crmlink_common.contracts.topics import (
    DEAD_LETTERS_KEPT,
    SERVICES,
    TOMBSTONES_KEPT,
    TOPICS,
    dead_letters,
)

DEAD_LETTER_BYTES = 2 * 1024 * 1024  # twice a message: the original and what we say of it
MESSAGE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic as it should be."""

    name: str
    partitions: int
    configs: dict[str, str]


def _milliseconds(time: timedelta) -> str:
    return str(int(time.total_seconds() * 1000))


def wanted(partitions: int | None = None) -> Iterator[Wanted]:
    """List every topic; ``partitions`` overrides the table's number (small machines)."""
    for topic in TOPICS:
        if topic.kept is None:
            configs = {
                "cleanup.policy": "compact",
                "delete.retention.ms": _milliseconds(TOMBSTONES_KEPT),
            }
        else:
            configs = {"cleanup.policy": "delete", "retention.ms": _milliseconds(topic.kept)}
        configs["max.message.bytes"] = str(MESSAGE_BYTES)
        yield Wanted(topic.name, partitions or topic.partitions, configs)
    for service in SERVICES:
        configs = {
            "cleanup.policy": "delete",
            "retention.ms": _milliseconds(DEAD_LETTERS_KEPT),
            "max.message.bytes": str(DEAD_LETTER_BYTES),
        }
        yield Wanted(dead_letters(service), min(partitions or 6, 6), configs)


async def create_topics(
    bootstrap: str, topics: Iterable[Wanted], *, replication: int = 1
) -> list[str]:
    """Create what is missing; return the names created. Existing topics are left alone.

    Raises:
        KafkaError: the broker cannot be reached, or refuses one of them.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=30_000)
    try:
        await admin.start()
        there = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in there]
        if missing:
            answer = await admin.create_topics(
                [
                    NewTopic(t.name, t.partitions, replication, topic_configs=t.configs)
                    for t in missing
                ],
                timeout_ms=30_000,
            )
            for _, code, *_ in answer.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:  # another process was faster
                    raise error
    finally:
        await admin.close()
    return [topic.name for topic in missing]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="crmlink-topics", description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="host:port of a Kafka broker")
    parser.add_argument("--partitions", type=int, help="in place of the table's number")
    parser.add_argument("--replication", type=int, default=1)
    asked = parser.parse_args(argv)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        made = asyncio.run(
            create_topics(asked.bootstrap, wanted(asked.partitions), replication=asked.replication)
        )
    except (KafkaError, OSError) as exc:
        print(  # noqa: T201 - a command's answer
            f"topics: Kafka at {asked.bootstrap} did not create them ({type(exc).__name__}). "
            "Check that it runs and that this user may create topics.",
            file=sys.stderr,
        )
        return 1
    print(f"created {len(made)} topics")  # noqa: T201 - a command's answer
    return 0


if __name__ == "__main__":
    sys.exit(main())
