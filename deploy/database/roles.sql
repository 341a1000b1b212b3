-- One role for each service: it owns its schema, and sees no other. Run it in CRMLink's database
-- before the first start, as somebody who may create roles, and schemas there; again is harmless.
-- Then give each role a password, in psql: \password crmlink_oauth
-- A service migrates and runs as the same role. What its schema holds already becomes its own.
do $$
declare
  ours text;
  service text;
  thing record;
begin
  foreach service in array array[
    'gateway', 'oauth', 'reconciler', 'tools', 'sync_outbound', 'sync_inbound'
  ] loop
    ours := left(current_database(), 48) || '_' || service;
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
