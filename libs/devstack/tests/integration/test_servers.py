"""Real PostgreSQL and Apache Kafka keep their data and port, however they end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from crmlink_devstack.kafka import Kafka, answers, create_topics
from crmlink_devstack.ports import is_free
from crmlink_devstack.postgres import Postgres, ensure_database

pytestmark = pytest.mark.integration


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "postgres", durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Kafka]:
    broker = Kafka(tmp_path / "kafka")
    broker.start()
    yield broker
    broker.stop()


def count(server: Postgres) -> int:
    with psycopg.connect(server.dsn("mine", driver="")) as connection:
        [row] = connection.execute("select count(*) from kept").fetchall()
    return int(row[0])


def add(server: Postgres) -> None:
    with psycopg.connect(server.dsn("mine", driver="")) as connection:
        connection.execute("create table if not exists kept (n int)")
        connection.execute("insert into kept values (1)")


def test_postgres_keeps_its_data_when_stopped_and_when_killed(server: Postgres) -> None:
    ensure_database(server.dsn(driver=""), "mine")
    ensure_database(server.dsn(driver=""), "mine")
    add(server)
    server.child.kill()
    server.start()
    add(server)
    assert server.stop()
    assert is_free(server.port)
    server.start()
    assert count(server) == 2


def test_postgres_has_connections_for_many(server: Postgres) -> None:
    with psycopg.connect(server.dsn(driver="")) as connection:
        [[many], [fsync]] = connection.execute(
            "select setting from pg_settings where name in ('max_connections', 'fsync')"
            " order by name desc"
        ).fetchall()
    assert int(many) >= 200
    assert fsync == "off"


async def write(bootstrap: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    await producer.send_and_wait("kept", value)
    await producer.stop()


async def read(bootstrap: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        "kept", bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    values = [(await anext(consumer)).value for _ in range(count)]
    await consumer.stop()
    return values


async def test_kafka_keeps_its_data_when_stopped_and_when_killed(broker: Kafka) -> None:
    await create_topics(broker.bootstrap, ["kept"], 1)
    await write(broker.bootstrap, b"one")
    broker.child.kill()
    assert not answers(broker.bootstrap)
    broker.start()
    await write(broker.bootstrap, b"two")
    assert broker.stop()
    assert is_free(broker.port)
    assert is_free(broker.controller)
    broker.start()
    assert await read(broker.bootstrap, 2) == [b"one", b"two"]


def test_an_open_port_alone_is_no_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not answers(f"127.0.0.1:{server.getsockname()[1]}", limit=0.2)
