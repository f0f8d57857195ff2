-- SPDX-License-Identifier: Apache-2.0
-- Meters of aggregation min, average and unique, merged by slot like max and latest. A delta of an average is the sum of its
-- samples, and event_count how many they were; a compacted day keeps that number for each slot. A delta of unique is one value of
-- a slot: latest_id is its keyed hash, and rows of one slot and hash are one value.

alter table catalog.meter
    drop constraint meter_aggregation,
    drop constraint meter_value,
    add constraint meter_aggregation check (
        aggregation in ('sum', 'count', 'max', 'min', 'average', 'latest', 'unique', 'interval')),
    add constraint meter_value check (aggregation in ('count', 'interval') or value_property is not null),
    add constraint meter_unique check (aggregation <> 'unique' or evaluation_window in ('slot', 'day', 'period'));
comment on column catalog.meter.aggregation is
    'how events merge: sum, count; max, min, average, latest, unique (distinct values), evaluated over evaluation_window; interval: time between states';
comment on column catalog.meter.evaluation_window is
    'max, min, average, latest and unique: merged within slot, day or period of the account, then summed over the period; percentile_95 (of the samples that came), percentile_95_all (slots without a sample are 0), percentile_95_daily (mean of the five greatest days): of all slots of a period, not for unique';
comment on column rating.usage_delta.latest_id is 'latest: identity of that event; unique: keyed hash of the value; null otherwise';

alter table rating.usage_day add column slot_events bigint[];
comment on column rating.usage_day.slot_events is 'average: how many samples are in each slot''s quantity; null otherwise';
comment on column rating.usage_day.latest_id is 'latest: identities of the slots'' events; unique: keyed hashes of the values, a place for each; null otherwise';

-- The quotient, rounded half away from zero at nine places in one step.
create function rating.mean(total numeric, events numeric) returns numeric
    language sql immutable
    as $$
    select case when events > 0 then sign(total) * div(2 * abs(total) * 1000000000 + events, 2 * events) * 0.000000001 when events = 0 then 0 end
$$;
comment on function rating.mean(numeric, numeric) is 'total / events, rounded once; null without events.';
revoke all on function rating.mean(numeric, numeric) from public;
grant execute on function rating.mean(numeric, numeric) to turnpike_rate, turnpike_bill, turnpike_report;

create function rating.segment_sha256(tenant_id text, meter_id text, dimension_set uuid, day timestamptz, minute smallint[],
                                      quantity numeric[], event_count bigint, latest_time timestamptz[], latest_id uuid[],
                                      slot_events bigint[])
    returns bytea
    language sql stable
    as $$
    select case
               when slot_events is null
               then rating.segment_sha256(tenant_id, meter_id, dimension_set, day, minute, quantity, event_count, latest_time, latest_id)
               else sha256(convert_to(json_build_array('segment/2', tenant_id, meter_id, dimension_set, extract(epoch from day)::bigint,
                                                       minute, quantity, event_count, slot_events)::text, 'UTF8'))
           end
$$;
comment on function rating.segment_sha256(text, text, uuid, timestamptz, smallint[], numeric[], bigint, timestamptz[], uuid[], bigint[]) is
    'What a row of rating.usage_day says, hashed (docs/chain.md).';
revoke all on function rating.segment_sha256(text, text, uuid, timestamptz, smallint[], numeric[], bigint, timestamptz[], uuid[], bigint[]) from public;

drop function rating.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]);
create function rating.usage_slot_value(wanted_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, slot timestamptz, greatest_value numeric, latest_value numeric,
                   latest_time timestamptz, latest_id uuid, least_value numeric, total numeric, events bigint)
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
           (array_agg(p.latest_id order by p.latest_time desc nulls last, p.latest_id desc nulls last))[1],
           min(p.quantity), sum(p.quantity), sum(p.events)::bigint
      from (select s.span, d.meter, d.dimension_set, d.slot, d.quantity, d.latest_time, d.latest_id, d.event_count as events
              from unnest(tenants, span_from, span_to) with ordinality as s (tenant, span_from, span_to, span)
             cross join lateral (
                       -- offset 0 keeps this an index scan per span, whatever the statistics say
                       select u.incarnation, u.partition, u.batch_seq, u.meter, u.dimension_set, u.slot, u.quantity, u.latest_time, u.latest_id,
                              u.event_count
                         from rating.usage_delta u
                        where u.tenant = s.tenant and u.slot >= s.span_from and u.slot < s.span_to
                       offset 0) d
              join vector v on v.incarnation = d.incarnation and v.partition = d.partition and d.batch_seq > v.from_seq and d.batch_seq <= v.to_seq
             where d.meter in (select m.meter from catalog.meter m where m.aggregation not in ('sum', 'count', 'interval'))
            union all
            select s.span, g.meter, g.dimension_set, g.day + e.minute * interval '1 minute', e.quantity, e.latest_time, e.latest_id, e.events
              from unnest(tenants, span_from, span_to) with ordinality as s (tenant, span_from, span_to, span)
             cross join lateral (
                       select u.meter, u.dimension_set, u.day, u.minute, u.quantity, u.latest_time, u.latest_id,
                              u.slot_events
                         from rating.usage_day u
                        where u.tenant = s.tenant and u.day > s.span_from - interval '24 hours' and u.day < s.span_to
                          and u.cut_to <= (select f.segment_to from found f) and u.total is null
                       offset 0) g
             cross join lateral unnest(g.minute, g.quantity, g.latest_time, g.latest_id, g.slot_events) as e (minute, quantity, latest_time, latest_id, events)
             where g.day + e.minute * interval '1 minute' >= s.span_from and g.day + e.minute * interval '1 minute' < s.span_to) p
     group by p.span, p.meter, p.dimension_set, p.slot,
              case when p.meter in (select m.meter from catalog.meter m where m.aggregation = 'unique') then p.latest_id end
     order by p.span, p.meter, p.dimension_set, p.slot
$$;
comment on function rating.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]) is
    'What of every slot of max, min, average and latest meters is below a cut, by span; of unique meters every value of a slot, which latest_id names. Of an average total and events.';
revoke all on function rating.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]) from public;
grant execute on function rating.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]) to turnpike_bill;

drop function api.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]);
create function api.usage_slot_value(wanted_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, slot timestamptz, greatest_value numeric, latest_value numeric,
                   latest_time timestamptz, latest_id uuid, least_value numeric, total numeric, events bigint)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    select * from rating.usage_slot_value(wanted_cut, api.computable(tenants), span_from, span_to)
$$;
comment on function api.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]) is 'rating.usage_slot_value within the grants of the bound key.';
revoke all on function api.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]) from public;
grant execute on function api.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]) to turnpike_api;

create or replace function rating.levels_between(from_cuts bigint[], to_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns setof bigint
    language sql stable
    as $$
    with apart as materialized (
        select a.cut, w.segment_to, w.delta_from
          from rating.cuts_apart(levels_between.from_cuts) as a (cut)
         cross join lateral rating.usage_window(a.cut, levels_between.to_cut) w
    ), moved as materialized (
        select a.cut, v.*
          from apart a
         cross join lateral rating.vector_between(a.delta_from, levels_between.to_cut) v
    ), received as materialized (
        select m.cut, min(m.first_received) as first_received, max(m.last_received) as last_received from moved m group by m.cut
    ), asked as materialized (
        select * from unnest(from_cuts, tenants, span_from, span_to) with ordinality as s (cut, tenant, span_from, span_to, span)
    )
    select s.span
      from asked s
      join received r on r.cut = s.cut
     cross join lateral (
               -- offset 0 keeps this an index scan per span, whatever the statistics say
               select u.incarnation, u.partition, u.batch_seq, u.meter
                 from rating.usage_delta u
                where u.tenant = s.tenant and u.slot >= s.span_from and u.slot < s.span_to
                  and u.received_hour >= r.first_received and u.received_hour <= r.last_received
               offset 0) d
      join moved m on m.cut = s.cut and m.incarnation = d.incarnation and m.partition = d.partition
                  and d.batch_seq > m.from_seq and d.batch_seq <= m.to_seq
     where d.meter in (select k.meter from catalog.meter k where k.aggregation not in ('sum', 'count', 'interval'))
     union
    select s.span
      from asked s
      join apart a on a.cut = s.cut and a.segment_to > a.cut
     where exists (select from rating.usage_day g
                    where g.tenant = s.tenant and g.day > s.span_from - interval '24 hours' and g.day < s.span_to
                      and g.cut_from >= a.cut and g.cut_to <= a.segment_to and g.total is null)
     union
    select s.span
      from asked s
     where s.cut not in (select a.cut from apart a)
$$;
comment on function rating.levels_between(bigint[], bigint, bigint[], timestamptz[], timestamptz[]) is
    'Spans with usage of meters that are merged by slot above the span''s own earlier cut and not above to_cut; also those whose earlier cut is not apart any more (rating.cuts_apart).';

drop function rating.usage_of(bigint, integer, timestamptz, timestamptz);
create function rating.usage_of(wanted_tenant bigint, wanted_meter integer, slot_from timestamptz, slot_to timestamptz)
    returns table (dimension_set uuid, slot timestamptz, quantity numeric, latest_time timestamptz, latest_id uuid, events bigint)
    language sql stable
    as $$
    select d.dimension_set, d.slot, d.quantity, d.latest_time, d.latest_id, d.event_count
      from rating.usage_delta d
      left join rating.cut_partition v on v.cut = (select coalesce(max(c.cut_to), 0) from rating.compaction c where c.state <> 'folding')
                                      and v.incarnation = d.incarnation and v.partition = d.partition
     where d.tenant = wanted_tenant and d.meter = wanted_meter and d.slot >= slot_from and d.slot < slot_to
       and d.batch_seq > coalesce(v.batch_seq, 0)
    union all
    select g.dimension_set, g.day + e.minute * interval '1 minute', e.quantity, e.latest_time, e.latest_id, e.events
      from rating.usage_day g
     cross join lateral unnest(g.minute, g.quantity, g.latest_time, g.latest_id, g.slot_events) as e (minute, quantity, latest_time, latest_id, events)
     where g.tenant = wanted_tenant and g.meter = wanted_meter and g.day > slot_from - interval '24 hours' and g.day < slot_to
       and g.cut_to <= (select coalesce(max(c.cut_to), 0) from rating.compaction c where c.state <> 'folding')
       and g.day + e.minute * interval '1 minute' >= slot_from and g.day + e.minute * interval '1 minute' < slot_to
$$;
comment on function rating.usage_of(bigint, integer, timestamptz, timestamptz) is
    'One tenant''s and meter''s usage as committed now, by slot, compacted or not: to be merged as rating.usage_delta is.';
revoke all on function rating.usage_of(bigint, integer, timestamptz, timestamptz) from public;
grant execute on function rating.usage_of(bigint, integer, timestamptz, timestamptz) to turnpike_rate;

create or replace view rating.usage_live as
select d.shard, d.tenant, d.meter, d.dimension_set, date_bin('1 day', d.slot, timestamptz 'epoch') as day, d.slot, d.quantity, d.event_count,
       d.latest_time, d.latest_id, d.event_count as slot_events
  from rating.usage_delta d
  left join rating.cut_partition v on v.cut = (select coalesce(max(c.cut_to), 0) from rating.compaction c where c.state <> 'folding')
                                  and v.incarnation = d.incarnation and v.partition = d.partition
 where d.batch_seq > coalesce(v.batch_seq, 0)
union all
select g.shard, g.tenant, g.meter, g.dimension_set, g.day, g.day + e.minute * interval '1 minute', e.quantity,
       case when e.place = 1 then g.event_count else 0 end, e.latest_time, e.latest_id, e.slot_events
  from rating.usage_day g
 cross join lateral unnest(g.minute, g.quantity, g.latest_time, g.latest_id, g.slot_events)
            with ordinality as e (minute, quantity, latest_time, latest_id, slot_events, place)
 where g.cut_to <= (select coalesce(max(c.cut_to), 0) from rating.compaction c where c.state <> 'folding');
comment on column rating.usage_live.slot_events is 'average: how many samples are in the quantity; of others it means nothing';

create or replace function rating.compaction_begin(through_all boolean)
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
        known := array(select distinct m.meter from catalog.meter m where m.aggregation <> 'interval');
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

create or replace function rating.compaction_fold(wanted bigint, first_shard integer, shards integer) returns integer
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
    least_meters integer[] := array(select distinct m.meter from catalog.meter m where m.aggregation = 'min');
    average_meters integer[] := array(select distinct m.meter from catalog.meter m where m.aggregation = 'average');
    unique_meters integer[] := array(select distinct m.meter from catalog.meter m where m.aggregation = 'unique');
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
               case when c.meter = any (greatest_meters) then max(c.quantity)
                    when c.meter = any (least_meters) then min(c.quantity)
                    else sum(c.quantity) end as quantity,
               sum(c.event_count) as events, count(*) as deltas, null::timestamptz as latest_time, null::uuid as latest_id
          from chosen c
         where c.meter <> all (latest_meters || unique_meters)
         group by c.shard, c.tenant, c.meter, c.dimension_set, c.slot
        union all
        select c.shard, c.tenant, c.meter, c.dimension_set, date_bin('1 day', c.slot, timestamptz 'epoch') as day, c.slot,
               (array_agg(c.quantity order by c.latest_time desc nulls last, c.latest_id desc nulls last))[1],
               sum(c.event_count), count(*), max(c.latest_time),
               (array_agg(c.latest_id order by c.latest_time desc nulls last, c.latest_id desc nulls last))[1]
          from chosen c
         where c.meter = any (latest_meters)
         group by c.shard, c.tenant, c.meter, c.dimension_set, c.slot
        union all -- of one value of a slot the deltas are one
        select c.shard, c.tenant, c.meter, c.dimension_set, date_bin('1 day', c.slot, timestamptz 'epoch') as day, c.slot,
               max(c.quantity), sum(c.event_count), count(*), null::timestamptz, c.latest_id
          from chosen c
         where c.meter = any (unique_meters)
         group by c.shard, c.tenant, c.meter, c.dimension_set, c.slot, c.latest_id
    ), segment as (
        select s.shard, s.tenant, s.meter, s.dimension_set, s.day,
               array_agg((extract(epoch from s.slot - s.day) / 60)::smallint) as minute, array_agg(s.quantity) as quantity,
               case when s.meter <> all (greatest_meters || least_meters || average_meters || latest_meters || unique_meters)
                    then sum(s.quantity) end as total,
               sum(s.events)::bigint as event_count, sum(s.deltas)::integer as deltas,
               case when s.meter = any (latest_meters) then array_agg(s.latest_time) end as latest_time,
               case when s.meter = any (latest_meters || unique_meters) then array_agg(s.latest_id) end as latest_id,
               case when s.meter = any (average_meters) then array_agg(s.events::bigint) end as slot_events
          from (select * from slot order by tenant, meter, dimension_set, day, shard, slot, latest_id) s
         group by s.tenant, s.meter, s.dimension_set, s.day, s.shard
    ), inserted as (
        insert into rating.usage_day (tenant, day, cut_from, cut_to, event_count, meter, deltas, dimension_set, shard, minute, quantity,
                                      total, latest_time, latest_id, slot_events, sha256)
        select s.tenant, s.day, run.cut_from, run.cut_to, s.event_count, s.meter, s.deltas, s.dimension_set, s.shard, s.minute, s.quantity,
               s.total, s.latest_time, s.latest_id, s.slot_events,
               rating.segment_sha256((select t.id from catalog.tenant t where t.tenant = s.tenant limit 1),
                                     (select m.id from catalog.meter m where m.meter = s.meter limit 1), s.dimension_set, s.day, s.minute,
                                     s.quantity, s.event_count, s.latest_time, s.latest_id, s.slot_events)
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

create or replace function rating.compaction_damage(wanted bigint) returns bigint
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
                                                     g.minute, g.quantity, g.event_count, g.latest_time, g.latest_id,
                                                     g.slot_events))
         + (select count(*)
              from rating.compaction c
              join rating.compaction_chunk k on k.compaction = c.compaction
             where c.compaction = wanted
               and (k.sha256, k.segment_rows, k.delta_rows) <>
                   (select sha256(coalesce(string_agg(g.sha256, '' order by g.sha256), '')), count(*), coalesce(sum(g.deltas), 0)::bigint
                      from rating.usage_day g
                     where g.cut_from = c.cut_from and g.cut_to = c.cut_to and g.shard between k.first_shard and k.last_shard))
$$;

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
               when 'min' then min(d.quantity)
               when 'average' then rating.mean(sum(d.quantity), sum(d.slot_events))
               when 'unique' then count(distinct d.latest_id)
               else (array_agg(d.quantity order by d.latest_time desc nulls last, d.latest_id desc nulls last))[1]
           end as quantity,
           case m.aggregation when 'max' then max(d.quantity) end as greatest,
           case m.aggregation when 'min' then min(d.quantity) end as least,
           case m.aggregation when 'average' then sum(d.quantity) end as total,
           case m.aggregation when 'average' then sum(d.slot_events) end as samples,
           sum(d.event_count) as events
      from rating.usage_live d
      join catalog.newest_meter m on m.meter = d.meter and m.aggregation not in ('sum', 'count', 'interval')
       and (m.aggregation <> 'unique' or m.evaluation_window = 'slot')
     group by d.tenant, d.meter, d.dimension_set, d.slot, m.evaluation_window, m.aggregation
), distinct_value as ( -- of a day, whatever slots they were seen in
    select d.tenant, d.meter, d.dimension_set, d.day, count(distinct d.latest_id)::numeric as quantity, sum(d.event_count) as events
      from rating.usage_live d
      join catalog.newest_meter m on m.meter = d.meter and m.aggregation = 'unique' and m.evaluation_window <> 'slot'
     group by d.tenant, d.meter, d.dimension_set, d.day
), level as (
    select s.tenant, s.meter, s.dimension_set, date_bin('1 day', s.slot, timestamptz 'epoch') as day,
           case
               when s.evaluation_window = 'slot' then sum(s.quantity)
               else coalesce(max(s.greatest), min(s.least), rating.mean(sum(s.total), sum(s.samples)), (array_agg(s.quantity order by s.slot desc))[1])
           end as quantity,
           sum(s.events) as events
      from slot_value s
     group by s.tenant, s.meter, s.dimension_set, s.evaluation_window, date_bin('1 day', s.slot, timestamptz 'epoch')
), progress as (
    select p.incarnation, p.partition, p.batch_seq,
           case when isfinite(p.watermark) then date_bin('15 minutes', p.watermark, timestamptz 'epoch') else p.watermark end as cut_end
      from rating.progress p
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
  from (select * from added union all select * from level union all select * from distinct_value union all select * from accrued) u
  join catalog.newest_tenant t on t.tenant = u.tenant
  join catalog.newest_meter m on m.meter = u.meter
  left join rating.dimension_set s on s.tenant = u.tenant and s.dimension_set = u.dimension_set;
