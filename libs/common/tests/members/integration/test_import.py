"""The import against a real Kafka: what was acknowledged is there, where every client looks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.partitioner import murmur2

from crmlink_common import cli
from crmlink_common.contracts.cloudevents import Deleted, decode
from crmlink_common.contracts.members import MEMBERS_V1, Member
from crmlink_common.members.publish import member_publisher
from crmlink_devstack.testing import create_topics

pytestmark = pytest.mark.integration
PARTITIONS = 5


async def read_all(bootstrap: str, wanted: int) -> list[tuple[int, bytes, Member | Deleted]]:
    consumer = AIOKafkaConsumer(
        MEMBERS_V1.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    )
    found: list[tuple[int, bytes, Member | Deleted]] = []
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            while len(found) < wanted:
                one = await consumer.getone()
                event = decode(MEMBERS_V1, one.key, one.value, one.headers)
                found.append((one.partition, one.key, event.data))
    finally:
        await consumer.stop()
    return found


def test_an_imported_file_is_on_the_bus_and_a_deletion_follows_it(
    kafka: str, tmp_path: Path
) -> None:
    asyncio.run(create_topics(kafka, [MEMBERS_V1.name], PARTITIONS))
    path = tmp_path / "members.csv"
    path.write_text("member_id,email\n" + "".join(f"m{n},m{n}@example.com\n" for n in range(300)))
    assert (
        cli.main(["members", "import", str(path), "--workspace", "w1", "--bootstrap", kafka]) == 0
    )

    async def delete_one() -> None:
        async with member_publisher(kafka) as publisher:
            await publisher.delete_member("w1", "m7", 2**62)

    asyncio.run(delete_one())
    found = asyncio.run(read_all(kafka, 301))
    assert {key for _, key, _ in found} == {f"w1/m{n}".encode() for n in range(300)}
    assert all((murmur2(key) & 0x7FFFFFFF) % PARTITIONS == place for place, key, _ in found)
    of_one = [data for _, key, data in found if key == b"w1/m7"]
    assert isinstance(of_one[0], Member)
    assert of_one[1] == Deleted("w1/m7", 2**62)


def test_the_hash_is_that_of_the_java_client() -> None:
    assert murmur2(b"21") == -973932308 & 0xFFFFFFFF
    assert murmur2(b"foobar") == -790332482 & 0xFFFFFFFF
