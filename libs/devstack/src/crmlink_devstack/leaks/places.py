"""What is left behind: logs, every record of every topic, every row of every table."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from psycopg import sql

ROWS = 500
RECORDS = 2_000
TABLES = """select table_schema, table_name from information_schema.tables
    where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'
    order by 1, 2"""


@dataclass(frozen=True, slots=True)
class Place:
    """``part`` is what a place consists of: a log's line, a record's value, a column."""

    name: str
    part: str
    data: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.part})"


def logs_of(folder: Path, *, but: tuple[str, ...] = ()) -> Iterator[Place]:
    """Read every log of this run and the last, except those whose name begins with one given."""
    for log in sorted(folder.glob("logs/**/*.log*")):
        if not log.name.startswith(but or "\x00"):
            yield Place(f"log {log.name}", "text", log.read_bytes())


async def topics_of(bootstrap: str) -> AsyncIterator[Place]:
    """Read all topics from their beginning, also what aborted transactions left there."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        topics = await consumer.topics()
    for topic in sorted(topics):
        async with AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            isolation_level="read_uncommitted",
            auto_offset_reset="earliest",
        ) as consumer:
            ends = await consumer.end_offsets(consumer.assignment())
            async for place in _records(consumer, topic, ends):
                yield place


async def _records(
    consumer: AIOKafkaConsumer, topic: str, ends: dict[TopicPartition, int]
) -> AsyncIterator[Place]:
    while any([await consumer.position(tp) < end for tp, end in ends.items()]):
        batches = await consumer.getmany(timeout_ms=1_000, max_records=RECORDS)
        if not batches:
            return  # what is left are a transaction's markers
        records = [record for batch in batches.values() for record in batch]
        yield Place(f"topic {topic}", "keys", b"\n".join(one.key or b"" for one in records))
        headers = [b"%s: %s" % (k.encode(), v or b"") for one in records for k, v in one.headers]
        yield Place(f"topic {topic}", "headers", b"\n".join(headers))
        yield Place(f"topic {topic}", "values", b"\n".join(one.value or b"" for one in records))


def tables_of(dsn: str) -> Iterator[Place]:
    """Read all tables of all schemas but the server's own; a column at a time, as text or bytes."""
    with psycopg.connect(dsn.replace("+psycopg", "")) as connection:
        for schema, table in connection.execute(TABLES).fetchall():
            yield from _rows(connection, schema, table)


def _rows(connection: psycopg.Connection, schema: str, table: str) -> Iterator[Place]:
    columns = connection.execute(
        "select column_name, data_type from information_schema.columns"
        " where table_schema = %s and table_name = %s order by ordinal_position",
        (schema, table),
    ).fetchall()
    wanted = sql.SQL(", ").join(
        sql.SQL("{0}" if kind == "bytea" else "{0}::text").format(sql.Identifier(name))
        for name, kind in columns
    )
    asked = sql.SQL("select {} from {}").format(wanted, sql.Identifier(schema, table))
    with connection.cursor(name="leaks") as cursor:
        cursor.execute(asked)
        while rows := cursor.fetchmany(ROWS):
            for (name, _), values in zip(columns, zip(*rows, strict=True), strict=True):
                data = b"\n".join(_bytes(value) for value in values)
                yield Place(f"table {schema}.{table}", name, data)


def _bytes(value: str | bytes | None) -> bytes:
    if value is None:
        return b""
    return value if isinstance(value, bytes) else value.encode()
