"""pytest fixtures: a real Apache Kafka and PostgreSQL, started once, when a test first asks."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from crmlink_devstack.errors import DevstackError
from crmlink_devstack.kafka import Kafka, answers, create_topics
from crmlink_devstack.postgres import Postgres

__all__ = [
    "create_topics",
    "database",
    "empty_tables",
    "kafka",
    "new_database",
    "postgres",
    "postgres_server",
]
KAFKA = "CRMLINK_TEST_KAFKA"
IMAGE = "apache/kafka:4.1.0"


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Give the address of a broker: the one named, one in a container, or a local one."""
    named = os.environ.get(KAFKA, "")
    if named == "containers":
        yield from _in_a_container()
    elif named:
        if not answers(named):
            raise DevstackError(
                f"No Kafka answers at {named} ({KAFKA}): start it, or unset {KAFKA}."
            )
        yield named
    else:
        with tempfile.TemporaryDirectory(prefix="crmlink-kafka-") as folder:
            broker = Kafka(Path(folder))
            try:
                broker.start()
                yield broker.bootstrap
            finally:
                broker.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """Give the server itself, for tests that stop and start it."""
    with tempfile.TemporaryDirectory(prefix="crmlink-postgres-") as folder:
        server = Postgres(Path(folder), durable=False)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres(postgres_server: Postgres) -> str:
    """Give the address of the administrator's database."""
    return postgres_server.dsn()


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """Give the address of an empty database of the test's own."""
    with new_database(postgres) as dsn:
        yield dsn


@contextmanager
def new_database(postgres: str) -> Iterator[str]:
    """Give an empty database for a while."""
    name = f"t{uuid4().hex}"
    _administer(postgres, "create database {}", name)
    try:
        yield re.sub(r"/postgres$", f"/{name}", postgres)
    finally:
        _administer(postgres, "drop database if exists {} with (force)", name)


def empty_tables(dsn: str, schema: str) -> None:
    """Leave a migrated schema as it was before its first row: ten times as fast as a new one."""
    found = "select tablename from pg_tables where schemaname = %s and tablename <> %s"
    with psycopg.connect(dsn.replace("+psycopg", ""), autocommit=True) as connection:
        rows = connection.execute(found, (schema, "alembic_version")).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(schema, name) for (name,) in rows)
        connection.execute(sql.SQL("truncate {} restart identity").format(names))


def _administer(dsn: str, statement: str, name: str) -> None:
    with psycopg.connect(dsn.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _in_a_container() -> Iterator[str]:
    from testcontainers.kafka import KafkaContainer  # noqa: PLC0415 - needs a Docker engine

    with KafkaContainer(IMAGE).with_kraft() as container:
        yield container.get_bootstrap_server()
