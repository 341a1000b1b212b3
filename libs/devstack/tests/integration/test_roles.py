"""Each service's database role sees its own schema alone, on real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from secrets import token_hex

import psycopg
import pytest
from psycopg import sql

from crmlink_common.contracts.topics import SERVICES
from crmlink_common.storage.roles import role_of, schema_of
from crmlink_devstack.roles import address_of, as_role, prepare_roles

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
PASSWORDS = {service: f"hush-{service}" for service in SERVICES}
Refused = psycopg.errors.InsufficientPrivilege


@dataclass(frozen=True, slots=True)
class Place:
    """A database, and who may enter it."""

    dsn: str

    def run(self, statement: str, service: str = "") -> list[tuple[object, ...]]:
        dsn = as_role(self.dsn, service, PASSWORDS[service]) if service else self.dsn
        with psycopg.connect(dsn) as connection:
            answer = connection.execute(statement)
            return answer.fetchall() if answer.description else []


@pytest.fixture
def place(database: str) -> Place:
    return Place(database.replace("+psycopg", ""))


@pytest.fixture
def user(place: Place, postgres: str) -> Iterator[str]:
    """Give a user who owns the database and may do nothing else."""
    name = f"u{token_hex(6)}"
    with psycopg.connect(postgres.replace("+psycopg", ""), autocommit=True) as admin:
        database = place.dsn.rpartition("/")[2]
        admin.execute(sql.SQL("create role {} login").format(sql.Identifier(name)))
        owner = sql.SQL("alter database {} owner to {}")
        admin.execute(owner.format(sql.Identifier(database), sql.Identifier(name)))
        yield name


def test_a_service_works_in_its_own_schema_and_in_no_other(place: Place) -> None:
    for _ in range(2):  # again is harmless
        assert prepare_roles(place.dsn, PASSWORDS) == ""
    for service in SERVICES:
        place.run(f"create table {schema_of(service)}.kept as select 1 as n", service)
    for mine, other in permutations(SERVICES, 2):
        schema = schema_of(other)
        for statement in (
            f"table {schema}.kept",
            f"create table {schema}.more (n int)",
            f"drop table {schema}.kept",
            f"set role {role_of(other, place.dsn.rpartition('/')[2])}",
        ):
            with pytest.raises(Refused):
                place.run(statement, mine)
    for statement in ("create schema other", "create table public.t (n int)", "create role r"):
        with pytest.raises(Refused):
            place.run(statement, "oauth")
    assert place.run("select n from oauth.kept", "oauth") == [(1,)]


def test_the_server_is_told_no_password(place: Place) -> None:
    database = place.dsn.rpartition("/")[2]
    place.run(f"alter database {database} set password_encryption = 'md5'")
    assert prepare_roles(place.dsn, PASSWORDS) == ""
    kept = {row[0]: row[1] for row in place.run("select rolname, rolpassword from pg_authid")}
    made = str(kept[role_of("oauth", database)])
    assert made.startswith("SCRAM-SHA-256$")  # before it was sent
    assert place.run("select 1", "oauth") == [(1,)]


def test_data_of_a_time_with_one_role_becomes_its_services(place: Place) -> None:
    place.run("create schema oauth")
    place.run("create table oauth.connections (id bigserial primary key, day date)")
    place.run("create table oauth.days (day date) partition by range (day)")
    place.run("create table oauth.today partition of oauth.days default")
    place.run("insert into oauth.connections (day) values (now())")
    assert prepare_roles(place.dsn, PASSWORDS) == ""
    place.run("insert into oauth.connections (day) values (now())", "oauth")
    place.run("alter table oauth.connections add column more int", "oauth")
    place.run("insert into oauth.days values (now())", "oauth")
    assert place.run("select count(*) from oauth.connections", "oauth") == [(2,)]
    with pytest.raises(Refused):
        place.run("select * from oauth.connections", "gateway")


def test_a_user_who_may_create_roles_gives_each_service_its_own(place: Place, user: str) -> None:
    place.run(f"alter role {user} createrole")
    theirs = re.sub("postgres@", f"{user}@", place.dsn)
    assert prepare_roles(theirs, PASSWORDS) == ""
    place.run("create table oauth.kept as select 1 as n", "oauth")
    assert prepare_roles(theirs, PASSWORDS) == ""
    with pytest.raises(Refused):
        place.run("select * from oauth.kept", "tools")


def test_a_user_who_may_not_is_told_and_nothing_is_changed(place: Place, user: str) -> None:
    told = prepare_roles(re.sub("postgres@", f"{user}@", place.dsn), PASSWORDS)
    assert told.startswith("All services share the database user of DATABASE")
    schemas = "select count(*) from pg_namespace where nspname in ('oauth', 'gateway')"
    assert place.run(schemas) == [(0,)]


def test_a_services_address_names_its_role_and_password() -> None:
    dsn = "postgresql+psycopg://postgres@127.0.0.1:5432/crm?connect_timeout=5"
    assert address_of(dsn, "sync-inbound", "p") == (
        "postgresql+psycopg://crm_sync_inbound:p@127.0.0.1:5432/crm?connect_timeout=5"
    )
    assert address_of("postgresql://u@h/our%20crm", "oauth", "p") == (
        "postgresql://our%20crm_oauth:p@h/our%20crm"
    )
