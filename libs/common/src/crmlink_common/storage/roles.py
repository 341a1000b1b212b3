"""One database role for each service: it owns its schema, and sees no other.

``python -m crmlink_common.storage.roles`` prints the script; ``deploy/database/roles.sql`` is it.
"""

from __future__ import annotations

import sys

from crmlink_common.contracts.topics import SERVICES

LONGEST_PREFIX = 48  # of a role's name, which has 63 bytes


def schema_of(service: str) -> str:
    """Give the schema that a service owns."""
    return service.replace("-", "_")


def role_of(service: str, database: str) -> str:
    """Give the role that a service uses in a database: roles are shared by a whole server."""
    return f"{database[:LONGEST_PREFIX]}_{schema_of(service)}"


def roles_script() -> str:
    """Give the SQL that makes what is missing; run in CRMLink's database, again is harmless.

    Whoever runs it may create roles, and schemas in that database. It sets no passwords. What a
    schema holds already, of a time when all services shared one role, becomes its service's.
    """
    schemas = ", ".join(f"'{schema_of(service)}'" for service in SERVICES)
    return SCRIPT.replace("{schemas}", schemas).replace("{prefix}", str(LONGEST_PREFIX))


SCRIPT = """\
-- One role for each service: it owns its schema, and sees no other. Run it in CRMLink's database
-- before the first start, as somebody who may create roles, and schemas there; again is harmless.
-- Then give each role a password, in psql: \\password crmlink_oauth
-- A service migrates and runs as the same role. What its schema holds already becomes its own.
do $$
declare
  ours text;
  service text;
  thing record;
begin
  foreach service in array array[
    {schemas}
  ] loop
    ours := left(current_database(), {prefix}) || '_' || service;
    if not exists (select from pg_roles where rolname = ours) then
      execute format('create role %I login', ours);
    end if;
    if not (select rolsuper from pg_roles where rolname = current_user) then
      execute format('grant %I to %I', ours, current_user);
    end if;
    execute format('grant connect, temporary on database %I to %I', current_database(), ours);
    execute format('create schema if not exists %I authorization %I', service, ours);
    execute format('alter schema %I owner to %I', service, ours);
    execute format('revoke all on schema %I from public', service);
    for thing in
      select relname from pg_class
      where relnamespace = service::regnamespace and relkind in ('r', 'p', 'v', 'm')
        and relowner <> (select oid from pg_roles where rolname = ours)
    loop
      execute format('alter table %I.%I owner to %I', service, thing.relname, ours);
    end loop;
  end loop;
end
$$;
"""


if __name__ == "__main__":
    sys.stdout.write(roles_script())
