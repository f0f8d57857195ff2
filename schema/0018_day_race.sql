-- SPDX-License-Identifier: Apache-2.0
-- Two raters that make the partition of the same day: the one that waited for the lock may still not see the other's table,
-- since an advisory lock takes in no news of the catalog. Its batch was refused and its partition parked.

create or replace function rating.ensure_usage_day(day date) returns void
    language plpgsql
    security definer
    set search_path = pg_catalog, rating, pg_temp
    as $$
declare
    name text := 'usage_delta_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass('rating.' || name) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('rating.usage_delta', 0));
    if to_regclass('rating.' || name) is not null then
        return;
    end if;
    execute format('create table rating.%I partition of rating.usage_delta for values from (%L) to (%L)',
                   name, to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
exception
    when check_violation then null;
    when duplicate_table then null; -- what the lock waited for may not be seen before the next statement of the caller
end
$$;

create or replace function rating.ensure_identity_day(day date) returns void
    language plpgsql
    security definer
    set search_path = pg_catalog, rating, pg_temp
    as $$
declare
    name text := 'batch_identity_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass('rating.' || name) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('rating.batch_identity', 0));
    if to_regclass('rating.' || name) is not null then
        return;
    end if;
    execute format('create table rating.%I partition of rating.batch_identity for values from (%L) to (%L)',
                   name, to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
exception
    when duplicate_table then null; -- what the lock waited for may not be seen before the next statement of the caller
end
$$;
