"""Each service migrates as its own database role, and no other role reads what it stored."""

from __future__ import annotations

from importlib import import_module

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from crmlink_common.contracts.topics import SERVICES
from crmlink_common.storage.migrations import migrate
from crmlink_common.storage.roles import schema_of
from crmlink_devstack.roles import address_of, as_role, prepare_roles

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
PASSWORDS = {service: f"hush-{service}" for service in SERVICES}


def reads(dsn: str, service: str, schema: str) -> set[str]:
    """Give the tables of a schema that a service's role can read."""
    found = "select relname from pg_class where relkind in ('r', 'p') and relnamespace = %s"
    known = "select oid from pg_namespace where nspname = %s"
    role = as_role(dsn, service, PASSWORDS[service])
    readable: set[str] = set()
    with psycopg.connect(role, autocommit=True) as connection:
        [[namespace]] = connection.execute(known, [schema]).fetchall()
        for (name,) in connection.execute(found, [namespace]).fetchall():
            try:
                connection.execute(sql.SQL("table {} limit 1").format(sql.Identifier(schema, name)))
            except psycopg.errors.InsufficientPrivilege:
                continue
            readable.add(name)
    return readable


def test_every_schema_is_read_by_its_own_service_alone(database: str) -> None:
    dsn = database.replace("+psycopg", "")
    assert prepare_roles(dsn, PASSWORDS) == ""
    for service in SERVICES:
        module = import_module(f"crmlink_{schema_of(service)}.app")
        address = SecretStr(address_of(database, service, PASSWORDS[service]))
        for _ in range(2):
            migrate(address, schema_of(service), module.MIGRATIONS)
    assert {"connections", "oauth_states", "revocations"} <= reads(dsn, "oauth", "oauth")
    for reader in SERVICES:
        for owner in SERVICES:
            readable = reads(dsn, reader, schema_of(owner))
            assert bool(readable) == (reader == owner), (reader, owner, readable)
