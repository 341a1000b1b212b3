"""Alembic, the same for every service: one schema each, one migration at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, MetaData, NullPool, create_engine, text

from crmlink_common.storage.engine import postgres_url


def _engine(dsn: SecretStr, schema: str) -> Engine:
    return create_engine(
        postgres_url(dsn),
        hide_parameters=True,
        poolclass=NullPool,
        connect_args={"options": f"-c search_path={schema}", "connect_timeout": 5},
    )


def _config(scripts: Path, connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = connection
    return config


def migrate(dsn: SecretStr, schema: str, scripts: Path) -> None:
    """Bring one schema up to date; several processes may try at once, and one does it.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database refuses; nothing was changed.
    """
    with _engine(dsn, schema).begin() as connection:
        connection.execute(
            text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
            {"name": f"crmlink-migrate-{schema}"},
        )
        there = text("select 1 from pg_namespace where nspname = :name")
        if connection.execute(there, {"name": schema}).first() is None:  # it may be all we may not
            connection.execute(text(f'create schema "{schema}"'))
        command.upgrade(_config(scripts, connection), "head")


def new_revision(dsn: SecretStr, schema: str, scripts: Path, message: str) -> None:
    """Write a migration from the difference between the models and an up-to-date schema."""
    with _engine(dsn, schema).begin() as connection:
        command.revision(_config(scripts, connection), message=message, autogenerate=True)


def differences(dsn: SecretStr, schema: str, metadata: Sequence[MetaData]) -> list[object]:
    """List what the models say and the migrated schema does not: it should be nothing."""
    with _engine(dsn, schema).connect() as connection:
        found = MigrationContext.configure(connection, opts={"include_name": _ours})
        return list(compare_metadata(found, _merged(metadata)))


def run_migrations(metadata: Sequence[MetaData]) -> None:
    """Do what a service's ``migrations/env.py`` must do; it is called by Alembic."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=_merged(metadata), include_name=_ours)
    with context.begin_transaction():
        context.run_migrations()


def _ours(name: str | None, kind: str, _: object) -> bool:
    return not (kind == "table" and name == "alembic_version")


def _merged(metadata: Sequence[MetaData]) -> MetaData:
    merged = MetaData()
    for one in metadata:
        for table in one.sorted_tables:
            table.to_metadata(merged)
    return merged
