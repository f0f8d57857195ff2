-- SPDX-License-Identifier: Apache-2.0
-- Run by `turnpike migrate` before the numbered files, in a transaction of its own; changes nothing when all is there.
-- The roles (cluster-wide, without passwords: deploy/stack or an operator sets them), the owner's rights in this database,
-- and the list of migrations. Nobody logs in as turnpike_owner; no login role owns anything. Raters and biller work on the
-- rows of every tenant and load them by COPY, which row-level security forbids to whom it applies: they bypass it.

do $$
declare
    login text;
    setting text;
    value text;
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'turnpike_owner') then
        begin
            create role turnpike_owner nologin;
        exception
            when duplicate_object or unique_violation then null; -- a migration of another database was faster
        end;
    end if;
    if not pg_catalog.pg_has_role(current_user, 'turnpike_owner', 'member') then
        execute pg_catalog.format('grant turnpike_owner to %I', current_user);
    end if;
    if not pg_catalog.has_database_privilege('turnpike_owner', pg_catalog.current_database(), 'create') then
        execute pg_catalog.format('grant create on database %I to turnpike_owner', pg_catalog.current_database());
    end if;
    if not pg_catalog.has_schema_privilege('turnpike_owner', 'public', 'create') then
        grant create on schema public to turnpike_owner;
    end if;
    foreach login in array array['turnpike_ingest', 'turnpike_rate', 'turnpike_bill', 'turnpike_report', 'turnpike_api',
                                 'turnpike_catalogue'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = login) then
            begin
                execute pg_catalog.format('create role %I login nosuperuser nocreatedb nocreaterole noreplication', login);
            exception
                when duplicate_object or unique_violation then null;
            end;
        end if;
        if not pg_catalog.has_database_privilege(login, pg_catalog.current_database(), 'connect') then
            execute pg_catalog.format('grant connect on database %I to %I', pg_catalog.current_database(), login);
        end if;
    end loop;
    foreach login in array array['turnpike_rate', 'turnpike_bill'] loop
        if not (select rolbypassrls from pg_catalog.pg_roles where rolname = login) then
            begin
                execute pg_catalog.format('alter role %I bypassrls', login);
            exception
                when internal_error then null; -- a migration of another database changes the role right now, to the same
                when insufficient_privilege then
                    raise exception 'role % needs BYPASSRLS, which % may not give', login, current_user
                        using hint = pg_catalog.format('as a superuser: alter role %I bypassrls;', login);
            end;
        end if;
    end loop;
    -- who only reads ends its transactions, so that compacted deltas can be removed; a rater that hangs in the middle of a
    -- batch gives up the partition's row, for which the next owner waits; other values of an operator stay
    for login, setting, value in
        select r.rolname, s.setting, s.value
          from (values ('turnpike_rate', 'idle_in_transaction_session_timeout', '10s'),
                       ('turnpike_report', 'statement_timeout', '1h'),
                       ('turnpike_report', 'idle_in_transaction_session_timeout', '10min'),
                       ('turnpike_api', 'idle_in_transaction_session_timeout', '10min')) as s (role, setting, value)
          join pg_catalog.pg_roles r on r.rolname = s.role
         where not exists (select from pg_catalog.unnest(r.rolconfig) as c (line) where c.line like s.setting || '=%')
    loop
        begin
            execute pg_catalog.format('alter role %I set %I = %L', login, setting, value);
        exception
            when internal_error then null; -- a migration of another database changes the role right now, to the same
            when insufficient_privilege then
                raise notice 'role % should have % = %, which % may not set', login, setting, value, current_user;
        end;
    end loop;
    if pg_catalog.to_regclass('public.turnpike_migration') is null then
        set local role turnpike_owner;
        create table public.turnpike_migration (
            number integer not null,
            name text not null,
            sha256 bytea not null,
            applied_time timestamptz not null default pg_catalog.clock_timestamp(),
            applied_by text not null default session_user,
            constraint turnpike_migration_pk primary key (number),
            constraint turnpike_migration_sha256 check (octet_length(sha256) = 32)
        );
        comment on table public.turnpike_migration is
            'Migrations that were applied. Every process compares them with its own before it starts.';
        comment on column public.turnpike_migration.number is 'number that begins the file name';
        comment on column public.turnpike_migration.name is 'rest of the file name, without .sql';
        comment on column public.turnpike_migration.sha256 is 'SHA-256 of the file as it was applied';
        comment on column public.turnpike_migration.applied_time is 'when it was applied (database clock)';
        comment on column public.turnpike_migration.applied_by is 'database login that applied it';
        reset role;
    end if;
    foreach login in array array['turnpike_ingest', 'turnpike_rate', 'turnpike_bill', 'turnpike_report', 'turnpike_api',
                                 'turnpike_catalogue'] loop
        if not pg_catalog.has_table_privilege(login, 'public.turnpike_migration', 'select') then
            execute pg_catalog.format('grant select on public.turnpike_migration to %I', login);
        end if;
    end loop;
end
$$;
