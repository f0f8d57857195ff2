-- SPDX-License-Identifier: Apache-2.0
-- Compaction (rules 4.3, 5.2): the deltas of a range of cuts become one row per tenant, meter, dimension set and day. What is
-- read at a cut, and now, stays the same before, during and after: a compaction counts from the commit of its state on, in
-- the snapshot that also sees its rows. docs/adr says how it is kept exact.

-- --- cuts that are in use

-- A settlement and a close read at the cut that they took for as long as they run: the session holds it by a lock that dies
-- with it. 5001 is the class of these locks, the second number is the cut.
create or replace function rating.take_cut() returns bigint
    language plpgsql
    as $$
declare
    number bigint;
begin
    update rating.cut_counter set cut = cut + 1 returning cut into number;
    perform pg_advisory_lock_shared(5001, number::integer);
    perform pg_advisory_unlock_shared(5001, l.objid::bigint::integer)
       from pg_locks l
      where l.locktype = 'advisory' and l.classid = 5001 and l.objsubid = 2 and l.pid = pg_backend_pid() and l.objid::bigint <> number;
    insert into rating.cut (cut, cut_end) values (number, '-infinity');
    insert into rating.cut_partition (cut, incarnation, partition, batch_seq, next_offset, cut_end)
    select number, incarnation, partition, batch_seq, next_offset,
           case when isfinite(watermark) then date_bin('15 minutes', watermark, timestamptz 'epoch') else watermark end
      from rating.partition;
    update rating.cut
       set cut_end = coalesce((select min(p.cut_end) from rating.cut_partition p where p.cut = number and isfinite(p.cut_end)), '-infinity')
     where cut = number;
    return number;
end
$$;
comment on function rating.take_cut() is
    'Takes the next cut and returns its number (rules 5.1). READ COMMITTED: the vector is read by a statement after the counter was locked. The session holds the cut, so that compaction stays below it, until it takes another or ends.';

create function rating.held_cut() returns bigint
    language sql volatile
    as $$
    select min(l.objid::bigint)
      from pg_locks l
     where l.locktype = 'advisory' and l.classid = 5001 and l.objsubid = 2 and l.granted
       and l.database = (select d.oid from pg_database d where d.datname = current_database())
$$;
comment on function rating.held_cut() is 'The oldest cut that a session holds; null: none.';

-- --- tables

create table rating.compaction (
    compaction bigint generated always as identity,
    cut_from bigint not null,
    cut_to bigint not null,
    state text not null default 'folding',
    next_shard integer not null default 0,
    delta_rows bigint not null,
    segment_rows bigint not null default 0,
    begun_time timestamptz not null default clock_timestamp(),
    done_time timestamptz,
    released_transaction xid8,
    older_transactions text[],
    constraint compaction_pk primary key (compaction),
    constraint compaction_from_key unique (cut_from),
    constraint compaction_to_key unique (cut_to),
    constraint compaction_cut_fk foreign key (cut_to) references rating.cut,
    constraint compaction_order check (cut_from < cut_to),
    constraint compaction_state check (state in ('folding', 'done', 'released')),
    constraint compaction_shard check (next_shard between 0 and 1024)
);
create unique index compaction_one_index on rating.compaction (state) where state = 'folding';
comment on table rating.compaction is
    'Ranges of cuts whose deltas were folded into rating.usage_day, one after the other without a gap. Never given up: one that was interrupted goes on with the same range.';
comment on column rating.compaction.compaction is 'number';
comment on column rating.compaction.cut_from is 'deltas above this cut (0: from the beginning) ...';
comment on column rating.compaction.cut_to is '... up to this one';
comment on column rating.compaction.state is
    'folding: its rows are being written, readers take the deltas; done: readers take its rows, the deltas are still there; released: its deltas are being removed, no reader may name a cut inside it';
comment on column rating.compaction.next_shard is 'shards below this one are folded; 1024: all';
comment on column rating.compaction.delta_rows is 'deltas in the range, counted at the beginning: as many must be folded at the end';
comment on column rating.compaction.segment_rows is 'rows of rating.usage_day that it wrote';
comment on column rating.compaction.begun_time is 'when (database clock)';
comment on column rating.compaction.done_time is 'when it was done (database clock)';
comment on column rating.compaction.released_transaction is 'transaction that released it';
comment on column rating.compaction.older_transactions is
    'transactions that ran when the release was visible to all new ones: nothing is removed before they have ended';

create table rating.compaction_chunk (
    compaction bigint not null,
    first_shard integer not null,
    last_shard integer not null,
    delta_rows bigint not null,
    segment_rows bigint not null,
    sha256 bytea not null,
    constraint compaction_chunk_pk primary key (compaction, first_shard),
    constraint compaction_chunk_compaction_fk foreign key (compaction) references rating.compaction
);
comment on table rating.compaction_chunk is 'One row per transaction of a compaction: the shards that it folded.';
comment on column rating.compaction_chunk.compaction is 'compaction';
comment on column rating.compaction_chunk.first_shard is 'first shard';
comment on column rating.compaction_chunk.last_shard is 'last shard, included';
comment on column rating.compaction_chunk.delta_rows is 'deltas that were folded';
comment on column rating.compaction_chunk.segment_rows is 'rows that came out';
comment on column rating.compaction_chunk.sha256 is 'SHA-256 over the hashes of these rows, in the order of their bytes';

create table rating.usage_day (
    tenant bigint not null,
    day timestamptz not null,
    cut_from bigint not null,
    cut_to bigint not null,
    event_count bigint not null,
    meter integer not null,
    deltas integer not null,
    dimension_set uuid not null,
    shard smallint not null,
    minute smallint[] not null,
    quantity numeric[] not null,
    total numeric,
    latest_time timestamptz[],
    latest_id uuid[],
    sha256 bytea not null,
    constraint usage_day_pk primary key (tenant, day, meter, dimension_set, cut_from)
) partition by range (day);
comment on table rating.usage_day is
    'Compacted usage: the slots of a day that are not empty, of one tenant, meter and dimension set, from the deltas of one range of cuts. Counts when its compaction is done; several ranges of one day merge as deltas do.';
comment on column rating.usage_day.tenant is 'tenant number';
comment on column rating.usage_day.day is 'first instant of the day (UTC); the table is partitioned by its month';
comment on column rating.usage_day.cut_from is 'deltas above this cut ...';
comment on column rating.usage_day.cut_to is '... up to this one';
comment on column rating.usage_day.event_count is 'events behind the row';
comment on column rating.usage_day.meter is 'meter number';
comment on column rating.usage_day.deltas is 'deltas that it replaces';
comment on column rating.usage_day.dimension_set is 'dimension set of the tenant';
comment on column rating.usage_day.shard is 'shard of the tenant, 0 to 1023';
comment on column rating.usage_day.minute is 'starts of the slots in minutes after day, rising';
comment on column rating.usage_day.quantity is 'of each slot, as a delta''s: sum, count: total; max: greatest; latest: value of the latest event; exact';
comment on column rating.usage_day.total is 'sum and count: sum over the slots; null for max and latest';
comment on column rating.usage_day.latest_time is 'latest: of each slot, event time of the value; else null';
comment on column rating.usage_day.latest_id is 'latest: of each slot, identity of the event; else null';
comment on column rating.usage_day.sha256 is 'rating.segment_sha256 of the row: no number that this database dealt out, no cut (rules 4.3)';

alter table rating.usage_day enable row level security;
create index document_cut_index on invoicing.document (cut);

create function rating.segment_sha256(tenant_id text, meter_id text, dimension_set uuid, day timestamptz, minute smallint[],
                                      quantity numeric[], event_count bigint, latest_time timestamptz[], latest_id uuid[])
    returns bytea
    language sql stable
    as $$
    select sha256(convert_to(json_build_array('segment/1', tenant_id, meter_id, dimension_set, extract(epoch from day)::bigint, minute, quantity,
                                              event_count, latest_time, latest_id)::text, 'UTF8'))
$$;
comment on function rating.segment_sha256(text, text, uuid, timestamptz, smallint[], numeric[], bigint, timestamptz[], uuid[]) is
    'Hash of a row of usage_day by ids (docs/chain.md). In a session whose time zone is UTC.';

-- --- reading

create function rating.usage_window(from_cut bigint, to_cut bigint)
    returns table (segment_to bigint, delta_from bigint)
    language plpgsql stable
    as $$
begin
    select coalesce(max(c.cut_to), 0) into segment_to
      from rating.compaction c
     where c.state <> 'folding' and (usage_window.to_cut is null or c.cut_to <= usage_window.to_cut);
    if exists (select from rating.compaction c
                where c.state = 'released' and c.cut_from < usage_window.to_cut and c.cut_to > usage_window.to_cut) then
        raise exception 'cut % lies inside compacted usage and cannot be read any more', usage_window.to_cut
            using hint = 'Cuts of documents, and those from the last compaction on, can.';
    end if;
    if exists (select from rating.compaction c
                where c.state <> 'folding' and c.cut_from < usage_window.from_cut and c.cut_to > usage_window.from_cut
                  and c.cut_to <= segment_to) then
        raise exception 'usage above cut % cannot be told from what is below: it was compacted', usage_window.from_cut
            using errcode = 'serialization_failure', hint = 'Ask rating.cuts_apart again.';
    end if;
    delta_from := greatest(usage_window.from_cut, segment_to);
    return next;
end
$$;
comment on function rating.usage_window(bigint, bigint) is
    'Where to find the usage of (from_cut, to_cut] (to_cut null: up to what is committed now): in the rows of usage_day with cut_from at or above from_cut and cut_to at or below segment_to, and in the deltas above delta_from. Refuses cuts that lie inside compacted usage.';

create function rating.delta_vector(delta_from bigint, wanted_cut bigint)
    returns table (incarnation integer, partition integer, from_seq bigint, to_seq bigint)
    language sql stable
    as $$
    select v.incarnation, v.partition, coalesce(o.batch_seq, 0), v.batch_seq
      from rating.vector_at(wanted_cut) v
      left join rating.cut_partition o on o.cut = delta_from and o.incarnation = v.incarnation and o.partition = v.partition
$$;
comment on function rating.delta_vector(bigint, bigint) is 'Batches (from_seq, to_seq] of every partition between two cuts, the later one or now (null).';

create or replace function rating.usage_added(wanted_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, quantity numeric)
    language sql stable
    as $$
    with found as materialized (
        select * from rating.usage_window(0, wanted_cut)
    ), vector as materialized (
        select v.* from found f cross join lateral rating.delta_vector(f.delta_from, wanted_cut) v
    )
    select p.span, p.meter, p.dimension_set, sum(p.quantity)
      from (select s.span, d.meter, d.dimension_set, d.quantity
              from unnest(tenants, span_from, span_to) with ordinality as s (tenant, span_from, span_to, span)
             cross join lateral (
                       -- offset 0 keeps this an index scan per span, whatever the statistics say
                       select u.incarnation, u.partition, u.batch_seq, u.meter, u.dimension_set, u.quantity
                         from rating.usage_delta u
                        where u.tenant = s.tenant and u.slot >= s.span_from and u.slot < s.span_to
                       offset 0) d
              join vector v on v.incarnation = d.incarnation and v.partition = d.partition and d.batch_seq > v.from_seq and d.batch_seq <= v.to_seq
             where d.meter in (select m.meter from catalog.meter m where m.aggregation in ('sum', 'count'))
            union all
            select s.span, g.meter, g.dimension_set,
                   case
                       when g.day >= s.span_from and g.day + interval '24 hours' <= s.span_to then g.total
                       else (select sum(e.quantity)
                               from unnest(g.minute, g.quantity) as e (minute, quantity)
                              where g.day + e.minute * interval '1 minute' >= s.span_from and g.day + e.minute * interval '1 minute' < s.span_to)
                   end
              from unnest(tenants, span_from, span_to) with ordinality as s (tenant, span_from, span_to, span)
             cross join lateral (
                       select u.meter, u.dimension_set, u.day, u.minute, u.quantity, u.total
                         from rating.usage_day u
                        where u.tenant = s.tenant and u.day > s.span_from - interval '24 hours' and u.day < s.span_to
                          and u.cut_to <= (select f.segment_to from found f) and u.total is not null
                       offset 0) g) p
     where p.quantity is not null
     group by p.span, p.meter, p.dimension_set
$$;

create or replace function rating.usage_slot_value(wanted_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, slot timestamptz, greatest_value numeric, latest_value numeric,
                   latest_time timestamptz, latest_id uuid)
    language sql stable
    as $$
    with found as materialized (
        select * from rating.usage_window(0, wanted_cut)
    ), vector as materialized (
        select v.* from found f cross join lateral rating.delta_vector(f.delta_from, wanted_cut) v
    )
    select p.span, p.meter, p.dimension_set, p.slot, max(p.quantity),
           (array_agg(p.quantity order by p.latest_time desc nulls last, p.latest_id desc nulls last))[1],
           (array_agg(p.latest_time order by p.latest_time desc nulls last, p.latest_id desc nulls last))[1],
           (array_agg(p.latest_id order by p.latest_time desc nulls last, p.latest_id desc nulls last))[1]
      from (select s.span, d.meter, d.dimension_set, d.slot, d.quantity, d.latest_time, d.latest_id
              from unnest(tenants, span_from, span_to) with ordinality as s (tenant, span_from, span_to, span)
             cross join lateral (
                       -- offset 0 keeps this an index scan per span, whatever the statistics say
                       select u.incarnation, u.partition, u.batch_seq, u.meter, u.dimension_set, u.slot, u.quantity, u.latest_time, u.latest_id
                         from rating.usage_delta u
                        where u.tenant = s.tenant and u.slot >= s.span_from and u.slot < s.span_to
                       offset 0) d
              join vector v on v.incarnation = d.incarnation and v.partition = d.partition and d.batch_seq > v.from_seq and d.batch_seq <= v.to_seq
             where d.meter in (select m.meter from catalog.meter m where m.aggregation in ('max', 'latest'))
            union all
            select s.span, g.meter, g.dimension_set, g.day + e.minute * interval '1 minute', e.quantity, e.latest_time, e.latest_id
              from unnest(tenants, span_from, span_to) with ordinality as s (tenant, span_from, span_to, span)
             cross join lateral (
                       select u.meter, u.dimension_set, u.day, u.minute, u.quantity, u.latest_time, u.latest_id
                         from rating.usage_day u
                        where u.tenant = s.tenant and u.day > s.span_from - interval '24 hours' and u.day < s.span_to
                          and u.cut_to <= (select f.segment_to from found f) and u.total is null
                       offset 0) g
             cross join lateral unnest(g.minute, g.quantity, g.latest_time, g.latest_id) as e (minute, quantity, latest_time, latest_id)
             where g.day + e.minute * interval '1 minute' >= s.span_from and g.day + e.minute * interval '1 minute' < s.span_to) p
     group by p.span, p.meter, p.dimension_set, p.slot
     order by p.span, p.meter, p.dimension_set, p.slot
$$;

create or replace function rating.usage_added_between(from_cuts bigint[], to_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, quantity numeric)
    language sql stable
    as $$
    with apart as materialized (
        select a.cut, w.segment_to, w.delta_from
          from rating.cuts_apart(usage_added_between.from_cuts) as a (cut)
         cross join lateral rating.usage_window(a.cut, usage_added_between.to_cut) w
    ), moved as materialized (
        select a.cut, v.*
          from apart a
         cross join lateral rating.vector_between(a.delta_from, usage_added_between.to_cut) v
    ), received as materialized (
        select m.cut, min(m.first_received) as first_received, max(m.last_received) as last_received from moved m group by m.cut
    ), asked as materialized (
        select * from unnest(from_cuts, tenants, span_from, span_to) with ordinality as s (cut, tenant, span_from, span_to, span)
    )
    select p.span, p.meter, p.dimension_set, sum(p.quantity)
      from (select s.span, d.meter, d.dimension_set, d.quantity
              from asked s
              join received r on r.cut = s.cut
             cross join lateral (
                       -- offset 0 keeps this an index scan per span, whatever the statistics say
                       select u.incarnation, u.partition, u.batch_seq, u.meter, u.dimension_set, u.quantity
                         from rating.usage_delta u
                        where u.tenant = s.tenant and u.slot >= s.span_from and u.slot < s.span_to
                          and u.received_hour >= r.first_received and u.received_hour <= r.last_received
                       offset 0) d
              join moved m on m.cut = s.cut and m.incarnation = d.incarnation and m.partition = d.partition
                          and d.batch_seq > m.from_seq and d.batch_seq <= m.to_seq
             where d.meter in (select k.meter from catalog.meter k where k.aggregation in ('sum', 'count'))
            union all
            select s.span, g.meter, g.dimension_set,
                   case
                       when g.day >= s.span_from and g.day + interval '24 hours' <= s.span_to then g.total
                       else (select sum(e.quantity)
                               from unnest(g.minute, g.quantity) as e (minute, quantity)
                              where g.day + e.minute * interval '1 minute' >= s.span_from and g.day + e.minute * interval '1 minute' < s.span_to)
                   end
              from asked s
              join apart a on a.cut = s.cut and a.segment_to > a.cut
             cross join lateral (
                       select u.meter, u.dimension_set, u.day, u.minute, u.quantity, u.total
                         from rating.usage_day u
                        where u.tenant = s.tenant and u.day > s.span_from - interval '24 hours' and u.day < s.span_to
                          and u.cut_from >= a.cut and u.cut_to <= a.segment_to and u.total is not null
                       offset 0) g) p
     where p.quantity is not null
     group by p.span, p.meter, p.dimension_set
     union all
    select s.span, null, null, null
      from asked s
     where s.cut not in (select a.cut from apart a)
$$;

create or replace function rating.cuts_apart(cuts bigint[]) returns setof bigint
    language sql stable
    as $$
    select distinct c.cut
      from unnest(cuts) as c (cut)
     where not exists (select from rating.compaction k where k.state <> 'folding' and k.cut_from < c.cut and k.cut_to > c.cut)
$$;
comment on function rating.cuts_apart(bigint[]) is
    'Of these cuts, those whose later usage can still be told from the earlier: no compacted row holds both.';

create view rating.usage_live as
select d.shard, d.tenant, d.meter, d.dimension_set, date_bin('1 day', d.slot, timestamptz 'epoch') as day, d.slot, d.quantity, d.event_count,
       d.latest_time, d.latest_id
  from rating.usage_delta d
  left join rating.cut_partition v on v.cut = (select coalesce(max(c.cut_to), 0) from rating.compaction c where c.state <> 'folding')
                                  and v.incarnation = d.incarnation and v.partition = d.partition
 where d.batch_seq > coalesce(v.batch_seq, 0)
union all
select g.shard, g.tenant, g.meter, g.dimension_set, g.day, g.day + e.minute * interval '1 minute', e.quantity,
       case when e.place = 1 then g.event_count else 0 end, e.latest_time, e.latest_id
  from rating.usage_day g
 cross join lateral unnest(g.minute, g.quantity, g.latest_time, g.latest_id) with ordinality as e (minute, quantity, latest_time, latest_id, place)
 where g.cut_to <= (select coalesce(max(c.cut_to), 0) from rating.compaction c where c.state <> 'folding');
comment on view rating.usage_live is
    'Every slot''s usage as committed now, each delta once, compacted or not: to be merged as rating.usage_delta is. For whole shards; of one tenant read rating.usage_of.';
comment on column rating.usage_live.shard is 'shard of the tenant';
comment on column rating.usage_live.tenant is 'tenant number';
comment on column rating.usage_live.meter is 'meter number';
comment on column rating.usage_live.dimension_set is 'dimension set of the tenant';
comment on column rating.usage_live.day is 'day of the slot (UTC), its first instant';
comment on column rating.usage_live.slot is 'start of the slot';
comment on column rating.usage_live.quantity is 'as in rating.usage_delta';
comment on column rating.usage_live.event_count is 'events; of a compacted day they stand with its first slot';
comment on column rating.usage_live.latest_time is 'latest: event time of the value';
comment on column rating.usage_live.latest_id is 'latest: identity of the event';

-- The report as before, over both.
create or replace view report.usage_by_day as
with added as (
    select p.tenant, p.meter, p.dimension_set, p.day, sum(p.quantity) as quantity, sum(p.events) as events
      from (select d.tenant, d.meter, d.dimension_set, date_bin('1 day', d.slot, timestamptz 'epoch') as day, d.quantity, d.event_count as events
              from rating.usage_delta d
              left join rating.cut_partition v on v.cut = (select coalesce(max(c.cut_to), 0) from rating.compaction c where c.state <> 'folding')
                                              and v.incarnation = d.incarnation and v.partition = d.partition
             where d.batch_seq > coalesce(v.batch_seq, 0)
            union all
            select g.tenant, g.meter, g.dimension_set, g.day, g.total, g.event_count
              from rating.usage_day g
             where g.total is not null
               and g.cut_to <= (select coalesce(max(c.cut_to), 0) from rating.compaction c where c.state <> 'folding')) p
      join catalog.newest_meter m on m.meter = p.meter and m.aggregation in ('sum', 'count')
     group by p.tenant, p.meter, p.dimension_set, p.day
), slot_value as (
    select d.tenant, d.meter, d.dimension_set, d.slot, m.evaluation_window,
           case m.aggregation
               when 'max' then max(d.quantity)
               else (array_agg(d.quantity order by d.latest_time desc nulls last, d.latest_id desc nulls last))[1]
           end as quantity,
           case m.aggregation when 'max' then max(d.quantity) end as greatest,
           sum(d.event_count) as events
      from rating.usage_live d
      join catalog.newest_meter m on m.meter = d.meter and m.aggregation in ('max', 'latest')
     group by d.tenant, d.meter, d.dimension_set, d.slot, m.evaluation_window, m.aggregation
), level as (
    select s.tenant, s.meter, s.dimension_set, date_bin('1 day', s.slot, timestamptz 'epoch') as day,
           case
               when s.evaluation_window = 'slot' then sum(s.quantity)
               else coalesce(max(s.greatest), (array_agg(s.quantity order by s.slot desc))[1])
           end as quantity,
           sum(s.events) as events
      from slot_value s
     group by s.tenant, s.meter, s.dimension_set, s.evaluation_window, day
), progress as ( -- as rating.vector_at(null), which only its grantees may call
    select p.incarnation, p.partition, p.batch_seq,
           case when isfinite(p.watermark) then date_bin('15 minutes', p.watermark, timestamptz 'epoch') else p.watermark end as cut_end
      from rating.partition p
), stretch as (
    select t.tenant, t.meter, t.dimension_set, t.running, t.value, t.event_time as stretch_start,
           least(v.cut_end, lead(t.event_time, 1, v.cut_end)
                 over (partition by t.tenant, t.meter, t.resource order by t.event_time, t.event_id)) as stretch_end
      from rating.transition t
      join progress v on v.incarnation = t.incarnation and v.partition = t.partition and t.batch_seq <= v.batch_seq
     where t.event_time <= v.cut_end
), accrued as (
    select s.tenant, s.meter, s.dimension_set, d.day,
           sum(round(s.value * extract(epoch from least(s.stretch_end, d.day + interval '1 day') - greatest(s.stretch_start, d.day)), 9)) as quantity,
           count(*) filter (where s.stretch_start >= d.day) as events
      from stretch s
      cross join lateral generate_series(date_bin('1 day', s.stretch_start, timestamptz 'epoch'), s.stretch_end, interval '1 day') as d (day)
     where s.running and s.stretch_end > s.stretch_start and s.stretch_end > d.day
     group by s.tenant, s.meter, s.dimension_set, d.day
)
select (u.day at time zone 'UTC')::date as day, t.id as tenant_id, t.name as tenant_name, m.id as meter_id, m.name as meter_name,
       coalesce(s.members, '{}') as dimensions, u.quantity, m.unit, m.aggregation, u.events
  from (select * from added union all select * from level union all select * from accrued) u
  join catalog.newest_tenant t on t.tenant = u.tenant
  join catalog.newest_meter m on m.meter = u.meter
  left join rating.dimension_set s on s.tenant = u.tenant and s.dimension_set = u.dimension_set;


create function rating.usage_of(wanted_tenant bigint, wanted_meter integer, slot_from timestamptz, slot_to timestamptz)
    returns table (dimension_set uuid, slot timestamptz, quantity numeric, latest_time timestamptz, latest_id uuid)
    language sql stable
    as $$
    select d.dimension_set, d.slot, d.quantity, d.latest_time, d.latest_id
      from rating.usage_delta d
      left join rating.cut_partition v on v.cut = (select coalesce(max(c.cut_to), 0) from rating.compaction c where c.state <> 'folding')
                                      and v.incarnation = d.incarnation and v.partition = d.partition
     where d.tenant = wanted_tenant and d.meter = wanted_meter and d.slot >= slot_from and d.slot < slot_to
       and d.batch_seq > coalesce(v.batch_seq, 0)
    union all
    select g.dimension_set, g.day + e.minute * interval '1 minute', e.quantity, e.latest_time, e.latest_id
      from rating.usage_day g
     cross join lateral unnest(g.minute, g.quantity, g.latest_time, g.latest_id) as e (minute, quantity, latest_time, latest_id)
     where g.tenant = wanted_tenant and g.meter = wanted_meter and g.day > slot_from - interval '24 hours' and g.day < slot_to
       and g.cut_to <= (select coalesce(max(c.cut_to), 0) from rating.compaction c where c.state <> 'folding')
       and g.day + e.minute * interval '1 minute' >= slot_from and g.day + e.minute * interval '1 minute' < slot_to
$$;
comment on function rating.usage_of(bigint, integer, timestamptz, timestamptz) is
    'One tenant''s and meter''s usage as committed now, by slot, compacted or not: to be merged as rating.usage_delta is.';

-- --- the job: functions of the owner, one transaction each, that check their conditions themselves

create function rating.compaction_target(through_all boolean) returns table (cut_from bigint, cut_to bigint)
    language plpgsql volatile
    as $$
declare
    last_day timestamptz;
begin
    select coalesce(max(c.cut_to), 0) into cut_from from rating.compaction c;
    -- rounds first, locks after: a cut up to the last round that is still in use was held before that round ended
    select max(r.cut) into cut_to from invoicing.settle_round r;
    if cut_to is null then
        return;
    end if;
    cut_to := least(cut_to, rating.held_cut());
    if not through_all then
        select date_bin('1 day', max(p.cut_end), timestamptz 'epoch') into last_day
          from rating.cut_partition p where p.cut = compaction_target.cut_to and isfinite(p.cut_end);
        select min(p.cut) into cut_to
          from rating.cut_partition p
         where p.cut <= compaction_target.cut_to and p.cut_end >= last_day and isfinite(p.cut_end);
    end if;
    if cut_to is null or cut_to <= cut_from then
        return;
    end if;
    cut_to := least(cut_to, (select min(d.cut) from invoicing.document d where d.cut > compaction_target.cut_from));
    return next;
end
$$;
comment on function rating.compaction_target(boolean) is
    'The next range to compact: up to the first cut at or after the last midnight (UTC), or (true) as far as possible. Never above the last completed round of settlement or a cut that a session holds, and never across the cut of a document. No row: nothing to do.';

create function rating.ensure_usage_month(month timestamptz) returns void
    language plpgsql volatile
    as $$
declare
    name text := 'usage_day_' || to_char(month at time zone 'UTC', 'YYYYMM');
begin
    if to_regclass('rating.' || name) is not null then
        return;
    end if;
    -- made beside and then attached: that blocks no reader
    execute format('create table rating.%I (like rating.usage_day including defaults including constraints)', name);
    execute format('alter table rating.usage_day attach partition rating.%I for values from (%L) to (%L)', name,
                   to_char(month at time zone 'UTC', 'YYYY-MM-DD') || ' 00:00:00+00',
                   to_char((month at time zone 'UTC') + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
end
$$;
comment on function rating.ensure_usage_month(timestamptz) is 'Creates the partition of usage_day for a month (UTC) if it is missing.';

create function rating.compaction_begin(through_all boolean)
    returns table (compaction bigint, cut_from bigint, cut_to bigint, next_shard integer, delta_rows bigint, segment_rows bigint)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
    as $$
#variable_conflict use_column
declare
    target record;
    known integer[];
    month record;
    strange bigint := 0;
    rows bigint := 0;
begin
    perform pg_advisory_xact_lock(5002, 0);
    if not exists (select from rating.compaction c where c.state = 'folding') then
        select t.cut_from, t.cut_to into target from rating.compaction_target(through_all) t;
        if not found then
            return;
        end if;
        known := array(select distinct m.meter from catalog.meter m where m.aggregation in ('sum', 'count', 'max', 'latest'));
        for month in
            select date_trunc('month', d.slot) as first, count(*) as rows,
                   count(*) filter (where d.state is not null or d.meter <> all (known)
                                       or d.slot <> date_bin('1 minute', d.slot, timestamptz 'epoch')) as strange
              from rating.usage_delta d
              join rating.delta_vector(target.cut_from, target.cut_to) v
                on v.incarnation = d.incarnation and v.partition = d.partition and d.batch_seq > v.from_seq and d.batch_seq <= v.to_seq
             group by 1
        loop
            perform rating.ensure_usage_month(month.first);
            rows := rows + month.rows;
            strange := strange + month.strange;
        end loop;
        if strange > 0 then
            raise exception '% deltas up to cut % cannot be compacted: their aggregation or slot is unknown here', strange, target.cut_to;
        end if;
        insert into rating.compaction (cut_from, cut_to, delta_rows) values (target.cut_from, target.cut_to, rows);
    end if;
    return query select c.compaction, c.cut_from, c.cut_to, c.next_shard, c.delta_rows, c.segment_rows from rating.compaction c where c.state = 'folding';
end
$$;
comment on function rating.compaction_begin(boolean) is
    'The compaction that is under way; if there is none, begins the next one (see rating.compaction_target). No row: nothing to do.';

create function rating.compaction_fold(wanted bigint, first_shard integer, shards integer) returns integer
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
    set datestyle = 'ISO'
    set work_mem = '128MB'
    as $$
declare
    run rating.compaction;
    past integer := least(first_shard + shards, 1024);
    greatest_meters integer[] := array(select distinct m.meter from catalog.meter m where m.aggregation = 'max');
    latest_meters integer[] := array(select distinct m.meter from catalog.meter m where m.aggregation = 'latest');
    received record;
    folded bigint;
    written bigint;
    digest bytea;
begin
    select * into run from rating.compaction c where c.compaction = wanted for update;
    if run.state <> 'folding' or run.next_shard <> first_shard or shards < 1 then
        return run.next_shard; -- somebody else was faster, or an answer was lost
    end if;
    select coalesce(min(v.first_received), '-infinity') as first, coalesce(max(v.last_received), 'infinity') as last into received
      from rating.vector_between(run.cut_from, run.cut_to) v;
    with chosen as (
        select d.shard, d.tenant, d.meter, d.dimension_set, d.slot, d.quantity, d.event_count, d.latest_time, d.latest_id
          from rating.usage_delta d
          join rating.delta_vector(run.cut_from, run.cut_to) v
            on v.incarnation = d.incarnation and v.partition = d.partition and d.batch_seq > v.from_seq and d.batch_seq <= v.to_seq
         where d.shard >= first_shard and d.shard < past and d.received_hour >= received.first and d.received_hour <= received.last
    ), slot as (
        select c.shard, c.tenant, c.meter, c.dimension_set, date_bin('1 day', c.slot, timestamptz 'epoch') as day, c.slot,
               case when c.meter = any (greatest_meters) then max(c.quantity) else sum(c.quantity) end as quantity,
               sum(c.event_count) as events, count(*) as deltas, null::timestamptz as latest_time, null::uuid as latest_id
          from chosen c
         where c.meter <> all (latest_meters)
         group by c.shard, c.tenant, c.meter, c.dimension_set, c.slot
        union all
        select c.shard, c.tenant, c.meter, c.dimension_set, date_bin('1 day', c.slot, timestamptz 'epoch') as day, c.slot,
               (array_agg(c.quantity order by c.latest_time desc nulls last, c.latest_id desc nulls last))[1],
               sum(c.event_count), count(*), max(c.latest_time),
               (array_agg(c.latest_id order by c.latest_time desc nulls last, c.latest_id desc nulls last))[1]
          from chosen c
         where c.meter = any (latest_meters)
         group by c.shard, c.tenant, c.meter, c.dimension_set, c.slot
    ), segment as (
        select s.shard, s.tenant, s.meter, s.dimension_set, s.day,
               array_agg((extract(epoch from s.slot - s.day) / 60)::smallint) as minute, array_agg(s.quantity) as quantity,
               case when s.meter <> all (greatest_meters) and s.meter <> all (latest_meters) then sum(s.quantity) end as total,
               sum(s.events)::bigint as event_count, sum(s.deltas)::integer as deltas,
               case when s.meter = any (latest_meters) then array_agg(s.latest_time) end as latest_time,
               case when s.meter = any (latest_meters) then array_agg(s.latest_id) end as latest_id
          from (select * from slot order by tenant, meter, dimension_set, day, shard, slot) s
         group by s.tenant, s.meter, s.dimension_set, s.day, s.shard
    ), inserted as (
        insert into rating.usage_day (tenant, day, cut_from, cut_to, event_count, meter, deltas, dimension_set, shard, minute, quantity,
                                      total, latest_time, latest_id, sha256)
        select s.tenant, s.day, run.cut_from, run.cut_to, s.event_count, s.meter, s.deltas, s.dimension_set, s.shard, s.minute, s.quantity,
               s.total, s.latest_time, s.latest_id,
               rating.segment_sha256((select t.id from catalog.tenant t where t.tenant = s.tenant limit 1),
                                     (select m.id from catalog.meter m where m.meter = s.meter limit 1), s.dimension_set, s.day, s.minute,
                                     s.quantity, s.event_count, s.latest_time, s.latest_id)
          from segment s
        returning deltas, sha256
    )
    select coalesce(sum(i.deltas), 0), count(*), sha256(coalesce(string_agg(i.sha256, '' order by i.sha256), '')) into folded, written, digest
      from inserted i;
    insert into rating.compaction_chunk (compaction, first_shard, last_shard, delta_rows, segment_rows, sha256)
    values (run.compaction, first_shard, past - 1, folded, written, digest);
    update rating.compaction c set next_shard = past, segment_rows = c.segment_rows + written where c.compaction = run.compaction;
    return past;
end
$$;
comment on function rating.compaction_fold(bigint, integer, integer) is
    'Folds the deltas of some shards, from the compaction''s next one on, and returns the next after them. Does nothing when that is not first_shard: somebody else was faster.';

create function rating.compaction_finish(wanted bigint) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    as $$
declare
    run rating.compaction;
    folded bigint;
begin
    select * into run from rating.compaction c where c.compaction = wanted for update;
    if run.state <> 'folding' or run.next_shard < 1024 then
        return false;
    end if;
    select coalesce(sum(k.delta_rows), 0) into folded from rating.compaction_chunk k where k.compaction = wanted;
    if folded <> run.delta_rows then
        raise exception 'compaction % folded % deltas, but there are %', wanted, folded, run.delta_rows;
    end if;
    update rating.compaction c set state = 'done', done_time = clock_timestamp() where c.compaction = wanted;
    return true;
end
$$;
comment on function rating.compaction_finish(bigint) is
    'From its commit on readers take the rows of the compaction in place of its deltas. Refuses when not as many deltas were folded as there are.';

create function rating.compaction_damage(wanted bigint) returns bigint
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
    set datestyle = 'ISO'
    as $$
    select (select count(*)
              from rating.compaction c
              join rating.usage_day g on g.cut_from = c.cut_from and g.cut_to = c.cut_to
             where c.compaction = wanted
               and g.sha256 <> rating.segment_sha256((select t.id from catalog.tenant t where t.tenant = g.tenant limit 1),
                                                     (select m.id from catalog.meter m where m.meter = g.meter limit 1), g.dimension_set, g.day,
                                                     g.minute, g.quantity, g.event_count, g.latest_time, g.latest_id))
         + (select count(*)
              from rating.compaction c
              join rating.compaction_chunk k on k.compaction = c.compaction
             where c.compaction = wanted
               and (k.sha256, k.segment_rows, k.delta_rows) <>
                   (select sha256(coalesce(string_agg(g.sha256, '' order by g.sha256), '')), count(*), coalesce(sum(g.deltas), 0)::bigint
                      from rating.usage_day g
                     where g.cut_from = c.cut_from and g.cut_to = c.cut_to and g.shard between k.first_shard and k.last_shard))
$$;
comment on function rating.compaction_damage(bigint) is
    'How many rows and chunks of a compaction are not as they were written: 0.';

-- --- removing deltas

create function rating.compaction_release(keep interval) returns bigint
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    as $$
declare
    oldest bigint := rating.held_cut();
    released bigint;
begin
    perform pg_advisory_xact_lock(5002, 0);
    update rating.compaction c
       set state = 'released', released_transaction = pg_current_xact_id()
     where c.state = 'done' and c.done_time <= clock_timestamp() - keep and c.cut_to <= coalesce(oldest, c.cut_to)
       and not exists (select from rating.compaction e where e.cut_to <= c.cut_from and e.state = 'done' and e.done_time > clock_timestamp() - keep);
    get diagnostics released = row_count;
    update rating.compaction c
       set older_transactions = array(select l.virtualxid from pg_locks l
                                       where l.locktype = 'virtualxid' and l.granted and l.mode = 'ExclusiveLock' and l.pid <> pg_backend_pid())
     where c.state = 'released' and c.older_transactions is null and c.released_transaction <> pg_current_xact_id()
       and pg_visible_in_snapshot(c.released_transaction, pg_current_snapshot());
    return released;
end
$$;
comment on function rating.compaction_release(interval) is
    'Releases compactions that have been done for so long, and whose cuts no session holds: from the commit on nobody reads their deltas anew. For those released by an earlier transaction it notes which transactions still run. Returns how many were released now.';

create function rating.compaction_drop() returns table (outcome text, dropped text, delta_rows bigint)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '2s'
    as $$
declare
    running text[];
    upper_cut bigint;
    upper_end timestamptz;
    child record;
begin
    perform pg_advisory_xact_lock(5002, 0);
    running := array(select l.virtualxid from pg_locks l where l.locktype = 'virtualxid' and l.granted and l.mode = 'ExclusiveLock');
    select max(c.cut_to) into upper_cut
      from rating.compaction c
     where not exists (select from rating.compaction e
                        where e.cut_to <= c.cut_to and (e.state <> 'released' or e.older_transactions is null or e.older_transactions && running));
    if exists (select from rating.compaction c where c.state = 'released' and c.cut_to > coalesce(upper_cut, 0)) then
        outcome := 'waiting';
    else
        outcome := 'nothing';
    end if;
    if upper_cut is null then
        return next;
        return;
    end if;
    delta_rows := 0;
    select max(p.cut_end) into upper_end from rating.cut_partition p where p.cut = upper_cut and isfinite(p.cut_end);
    for child in
        select k.relname, to_date(right(k.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' + interval '24 hours' as day_end
          from pg_inherits i join pg_class k on k.oid = i.inhrelid
         where i.inhparent = 'rating.usage_delta'::regclass and k.relname ~ '^usage_delta_[0-9]{8}$'
         order by 1
    loop
        continue when child.day_end > upper_end;
        begin
            -- no writer comes in between; readers go on until the table is dropped
            execute format('lock table rating.%I in share mode', child.relname);
            execute format('select count(*) from rating.%I d where not exists (select from rating.cut_partition v where v.cut = %s'
                           ' and v.incarnation = d.incarnation and v.partition = d.partition and d.batch_seq <= v.batch_seq)', child.relname, upper_cut)
               into delta_rows;
            continue when delta_rows > 0;
            execute format('select count(*) from rating.%I', child.relname) into delta_rows;
            execute format('drop table rating.%I', child.relname);
        exception
            when lock_not_available or deadlock_detected then
                outcome := 'busy';
                delta_rows := 0;
                return next;
                return;
        end;
        outcome := 'dropped';
        dropped := child.relname;
        return next;
        return;
    end loop;
    delta_rows := 0;
    if exists (select from rating.usage_delta_rest) then
        delete from rating.usage_delta_rest d using rating.cut_partition v
         where v.cut = upper_cut and v.incarnation = d.incarnation and v.partition = d.partition and d.batch_seq <= v.batch_seq;
        get diagnostics delta_rows = row_count;
        if delta_rows > 0 then
            outcome := 'dropped';
            dropped := 'usage_delta_rest';
        end if;
    end if;
    return next;
end
$$;
comment on function rating.compaction_drop() is
    'Drops one partition of usage_delta all of whose rows were folded by compactions that were released, after every transaction has ended that began before the release. outcome: dropped (there may be more), waiting (for transactions), busy (a lock was not granted in 2 s: try later), nothing.';

-- As before, but a day whose first rows went into the rest stays there: its partition cannot be made beside them. That happens to a
-- rater that comes back to a day whose partition was dropped.
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
end
$$;

revoke all on function
    rating.held_cut(), rating.segment_sha256(text, text, uuid, timestamptz, smallint[], numeric[], bigint, timestamptz[], uuid[]),
    rating.usage_window(bigint, bigint), rating.delta_vector(bigint, bigint), rating.usage_of(bigint, integer, timestamptz, timestamptz),
    rating.compaction_target(boolean), rating.ensure_usage_month(timestamptz), rating.compaction_begin(boolean),
    rating.compaction_fold(bigint, integer, integer), rating.compaction_finish(bigint), rating.compaction_damage(bigint),
    rating.compaction_release(interval), rating.compaction_drop()
    from public;
grant select on rating.compaction, rating.compaction_chunk, rating.usage_day to turnpike_bill;
grant select on rating.compaction, rating.usage_day, rating.usage_live to turnpike_rate;
grant execute on function rating.usage_of(bigint, integer, timestamptz, timestamptz) to turnpike_rate;
grant execute on function
    rating.held_cut(), rating.usage_window(bigint, bigint), rating.delta_vector(bigint, bigint), rating.compaction_target(boolean),
    rating.compaction_begin(boolean), rating.compaction_fold(bigint, integer, integer), rating.compaction_finish(bigint),
    rating.compaction_damage(bigint), rating.compaction_release(interval), rating.compaction_drop()
    to turnpike_bill;
