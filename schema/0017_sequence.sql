-- SPDX-License-Identifier: Apache-2.0
-- Sequenced sources: what each batch counted of them and what it carried on from earlier batches, so that a rater fills
-- its index from the newest rounds alone (docs/adr/0016-sequenced-sources.md). By day of received_hour, dropped whole
-- when newer rows hold all that they say.

alter table rating.batch add column sequences integer;
alter table rating.batch add column sequence_digest bytea;
alter table rating.batch add column sequence_from bigint;
alter table rating.batch add constraint batch_sequences
    check ((sequences is null) = (sequence_digest is null) and (sequences is null) = (sequence_from is null));
comment on column rating.batch.sequences is
    'records of sequenced sources that it wrote; null = written before there was rating.batch_sequence';
comment on column rating.batch.sequence_digest is
    'SHA-256 of the entries of its rating.batch_sequence rows in order of piece; in the chain head, and stays when they are dropped';
comment on column rating.batch.sequence_from is
    'with this batch, the rows of rating.batch_sequence from this batch_seq on hold all that is known of sequenced sources';

create table rating.batch_sequence (
    incarnation integer not null,
    partition integer not null,
    batch_seq bigint not null,
    piece integer not null,
    received_hour timestamptz not null,
    entries bytea not null
) partition by range (received_hour);
alter table rating.batch_sequence alter column entries set storage external;
create index batch_sequence_index on rating.batch_sequence (incarnation, partition, batch_seq, piece);
comment on table rating.batch_sequence is
    'Events of sequenced sources that each batch counted, and sources that it carried on, packed: written in the batch''s transaction, never updated, dropped by the day.';
comment on column rating.batch_sequence.incarnation is 'origin: topic incarnation';
comment on column rating.batch_sequence.partition is 'origin: Kafka partition';
comment on column rating.batch_sequence.batch_seq is 'origin: batch';
comment on column rating.batch_sequence.piece is 'place among the rows of the batch, from 0';
comment on column rating.batch_sequence.received_hour is
    'hour of the batch''s watermark; the table is partitioned by its day';
comment on column rating.batch_sequence.entries is
    'packed records (docs/chain.md): keyed hashes, numbers, contents, places in the log; no personal data';

create function rating.ensure_sequence_day(day date) returns void
    language plpgsql
    security definer
    set search_path = pg_catalog, rating, pg_temp
    as $$
declare
    name text := 'batch_sequence_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass('rating.' || name) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('rating.batch_sequence', 0));
    if to_regclass('rating.' || name) is not null then
        return;
    end if;
    execute format('create table rating.%I partition of rating.batch_sequence for values from (%L) to (%L)',
                   name, to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
end
$$;
comment on function rating.ensure_sequence_day(date) is
    'Creates the partition of batch_sequence for a day of received_hour (UTC) if it is missing. Called before rows of a new day are copied.';

create function rating.drop_sequence_days() returns integer
    language plpgsql
    security definer
    set search_path = pg_catalog, rating, pg_temp
    as $$
declare
    keep_from timestamptz;
    day record;
    dropped integer := 0;
begin
    -- the partition whose rows reach back furthest decides; one that never wrote any needs nothing
    select min(first.watermark) into keep_from
      from rating.partition p
      join rating.batch newest
        on newest.incarnation = p.incarnation and newest.partition = p.partition and newest.batch_seq = p.batch_seq
      join rating.batch first
        on first.incarnation = p.incarnation and first.partition = p.partition
       and first.batch_seq = newest.sequence_from;
    if keep_from is null then
        return 0;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('rating.batch_sequence', 0));
    for day in
        select c.relname as name, to_date(right(c.relname, 8), 'YYYYMMDD') as of
          from pg_inherits i
          join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'rating.batch_sequence'::regclass
         order by 2
    loop
        exit when (day.of + 1)::timestamp at time zone 'UTC' > keep_from;
        execute format('drop table rating.%I', day.name);
        dropped := dropped + 1;
    end loop;
    return dropped;
end
$$;
comment on function rating.drop_sequence_days() is
    'Drops the days of batch_sequence that are superseded in every partition. Returns how many.';

revoke all on function rating.ensure_sequence_day(date), rating.drop_sequence_days() from public;
grant select on rating.batch_sequence to turnpike_rate, turnpike_bill;
grant insert on rating.batch_sequence to turnpike_rate;
grant execute on function rating.ensure_sequence_day(date), rating.drop_sequence_days() to turnpike_rate;
