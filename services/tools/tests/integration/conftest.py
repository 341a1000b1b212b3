from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from crmlink_common.storage.migrations import migrate
from crmlink_devstack.testing import empty_tables, new_database
from crmlink_tools.app import MIGRATIONS, SCHEMA


@pytest.fixture(scope="session")
def schema(postgres: str) -> Iterator[str]:
    """Give the address of a migrated database, made once."""
    with new_database(postgres) as dsn:
        migrate(SecretStr(dsn), SCHEMA, MIGRATIONS)
        yield dsn


@pytest.fixture
def migrated(schema: str) -> str:
    """Give the address of a migrated database without a row."""
    empty_tables(schema, SCHEMA)
    return schema
