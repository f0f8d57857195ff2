-- SPDX-License-Identifier: Apache-2.0
-- The identities that each batch put into the dedup index, so that a rater with an empty disk fills it again at the speed
-- of reading them (docs/adr/0008-the-index-recovers-from-rows.md). By day of received_hour, dropped whole when they are
-- out of every partition's dedup window.

alter table rating.batch add column identities integer;
alter table rating.batch add column identity_digest bytea;
alter table rating.batch add constraint batch_identities check ((identities is null) = (identity_digest is null));
comment on column rating.batch.identities is
    'identities that entered the dedup index: counted and held; null = written before there was rating.batch_identity';
comment on column rating.batch.identity_digest is
    'SHA-256 of the entries of its rating.batch_identity rows in order of piece; in the chain head, and stays when they are dropped';

create table rating.batch_identity (
    incarnation integer not null,
    partition integer not null,
    batch_seq bigint not null,
    piece integer not null,
    received_hour timestamptz not null,
    entries bytea not null
) partition by range (received_hour);
alter table rating.batch_identity alter column entries set storage external;
create index batch_identity_index on rating.batch_identity (incarnation, partition, batch_seq);
comment on table rating.batch_identity is
    'Identities of the events that each batch counted or held, packed: written in the batch''s transaction, never updated, dropped by the day.';
comment on column rating.batch_identity.incarnation is 'origin: topic incarnation';
comment on column rating.batch_identity.partition is 'origin: Kafka partition';
comment on column rating.batch_identity.batch_seq is 'origin: batch';
comment on column rating.batch_identity.piece is 'place among the rows of the batch, from 0';
comment on column rating.batch_identity.received_hour is
    'hour of the batch''s watermark; the table is partitioned by its day';
comment on column rating.batch_identity.entries is
    'packed identities (docs/chain.md): keyed hash, content, place in the log; no personal data';

create table rating.identity_coverage (
    kept_from timestamptz not null,
    single boolean not null default true,
    constraint identity_coverage_pk primary key (single),
    constraint identity_coverage_single check (single)
);
insert into rating.identity_coverage (kept_from) values ('-infinity');
comment on table rating.identity_coverage is 'One row: since when rating.batch_identity is whole.';
comment on column rating.identity_coverage.kept_from is
    'rows of batches with an earlier received_hour have been dropped; never falls';
comment on column rating.identity_coverage.single is 'always true: there is one row';

create function rating.ensure_identity_day(day date) returns void
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
end
$$;
comment on function rating.ensure_identity_day(date) is
    'Creates the partition of batch_identity for a day of received_hour (UTC) if it is missing. Called before rows of a new day are copied.';

create function rating.drop_identity_days(keep interval) returns integer
    language plpgsql
    security definer
    set search_path = pg_catalog, rating, pg_temp
    as $$
declare
    keep_from timestamptz;
    day record;
    dropped integer := 0;
begin
    -- the partition that is furthest behind decides; one that never had a message needs nothing
    select min(watermark) - keep into keep_from from rating.partition where isfinite(watermark);
    if keep < interval '1 day' or keep_from is null then
        return 0;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('rating.batch_identity', 0));
    for day in
        select c.relname as name, to_date(right(c.relname, 8), 'YYYYMMDD') as of
          from pg_inherits i
          join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'rating.batch_identity'::regclass
         order by 2
    loop
        exit when (day.of + 1)::timestamp at time zone 'UTC' > keep_from;
        execute format('drop table rating.%I', day.name);
        update rating.identity_coverage
           set kept_from = greatest(kept_from, (day.of + 1)::timestamp at time zone 'UTC');
        dropped := dropped + 1;
    end loop;
    return dropped;
end
$$;
comment on function rating.drop_identity_days(interval) is
    'Drops the days of batch_identity that lie before the dedup window of every partition; keep: the longest window and future allowance. Returns how many.';

revoke all on function rating.ensure_identity_day(date), rating.drop_identity_days(interval) from public;
grant select on rating.batch_identity, rating.identity_coverage to turnpike_rate, turnpike_bill;
grant insert on rating.batch_identity to turnpike_rate;
grant execute on function rating.ensure_identity_day(date), rating.drop_identity_days(interval) to turnpike_rate;
