"""The database role of each service: made at the start, so that none sees another's tables."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crmlink_common.storage.roles import role_of, roles_script
from crmlink_devstack.errors import DevstackError

TRIED_FOR = 5  # seconds
SHARED = (
    "All services share the database user of DATABASE: {why}. To let each service see its own "
    "tables alone, name a user who may create roles, and schemas in that database."
)


def prepare_roles(dsn: str, passwords: Mapping[str, str]) -> str:
    """Make the roles and set their passwords; say why that cannot be, '' when it is done."""
    try:
        with psycopg.connect(dsn) as connection:
            database = connection.info.dbname
            connection.execute(roles_script())
            for service, password in passwords.items():
                role = role_of(service, database)
                told = sql.SQL("alter role {} login password {}")
                proof = _proof(connection, role, password)
                connection.execute(told.format(sql.Identifier(role), sql.Literal(proof)))
    except psycopg.errors.InsufficientPrivilege:
        return SHARED.format(why="it may not create roles, or no schemas there")
    service, password = next(iter(passwords.items()))
    try:
        psycopg.connect(as_role(dsn, service, password), connect_timeout=TRIED_FOR).close()
    except psycopg.OperationalError:
        return SHARED.format(why="the server lets none of the new roles in (pg_hba.conf)")
    return ""


def _proof(connection: psycopg.Connection, role: str, password: str) -> str:
    """Give what the server compares with: the password itself would stand in its log."""
    made = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return made.decode()


def require_roles(dsn: str, passwords: Mapping[str, str]) -> None:
    """Make the roles in a database of our own, where nothing can be in the way."""
    if why := prepare_roles(dsn, passwords):
        raise DevstackError(why)


def as_role(dsn: str, service: str, password: str) -> str:
    """Give the address that a service uses, as libpq takes it."""
    database = str(conninfo_to_dict(dsn).get("dbname") or "")
    return make_conninfo(dsn, user=role_of(service, database), password=password)


def address_of(dsn: str, service: str, password: str) -> str:
    """Give the address that a service uses, as a URL with the driver it had."""
    scheme, _, rest = dsn.partition("://")
    place = rest.rpartition("@")[2]
    database = unquote(place.partition("?")[0].rpartition("/")[2])
    return f"{scheme}://{quote(role_of(service, database), safe='')}:{password}@{place}"
