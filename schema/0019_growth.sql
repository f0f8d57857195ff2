-- SPDX-License-Identifier: Apache-2.0
-- Growing the number of partitions (rules 2.3, 5.1): a newer incarnation counts, the older ones send on to it what still comes.
-- A partition of N' continues the chain of the partition of N whose shards it has: partition modulo N. docs/adr says how.

alter table rating.incarnation
    add column reason text not null default '',
    add column retired_time timestamptz;
comment on column rating.incarnation.reason is 'why it was made, in the operator''s words';
comment on column rating.incarnation.retired_time is
    'when its topic was given up: everything in it had been sent on; nobody reads it, closes do not wait for it';

alter table rating.partition
    add column base_seq bigint not null default 0,
    add column base_position bigint not null default 0,
    add column counted_seq bigint,
    add constraint partition_base check (base_seq >= 0 and base_position >= 0 and batch_seq >= base_seq and counted_seq >= base_seq);
comment on column rating.partition.batch_seq is 'last committed batch, contiguous from base_seq + 1';
comment on column rating.partition.head is
    'chain head: SHA-256 over the previous head and the canonical batch; before the first batch that of the chain that it continues, or 32 zero bytes';
comment on column rating.partition.base_seq is
    'the first batch has the next number: at or above every batch of the incarnation before, when it ended; 0 in the first';
comment on column rating.partition.base_position is
    'Kafka offset + this = position, which rises from incarnation to incarnation; identities are kept and forgotten by position';
comment on column rating.partition.counted_seq is
    'the last batch that counted, when a newer incarnation was made; later ones only send events on to it. null = this one counts';
comment on column rating.conflict.first_offset is
    'position of the event that counted: its Kafka offset + base_position of the partition that it came in';

-- --- how far what can still change lies back

-- A tenant's events may be in its partition of any incarnation that is not retired. So usage is complete up to the least
-- watermark of those partitions, and their components of a cut end there. Partitions of two incarnations share shards when
-- they are the same modulo the smaller number of partitions.
create view rating.progress as
with pair as (
    select p.incarnation, p.partition, o.incarnation as other, p.partition % least(i.partitions, o.partitions) as family
      from rating.partition p
      join rating.incarnation i on i.incarnation = p.incarnation
     cross join rating.incarnation o
), behind as (
    select a.incarnation, a.partition, min(q.watermark) as watermark
      from pair a
      join pair b on b.incarnation = a.other and b.other = a.incarnation and b.family = a.family
      join rating.incarnation i on i.incarnation = b.incarnation and i.retired_time is null
      join rating.partition q on q.incarnation = b.incarnation and q.partition = b.partition and isfinite(q.watermark)
     group by a.incarnation, a.partition
)
select p.incarnation, p.partition, p.batch_seq, p.next_offset, p.head,
       case when isfinite(p.watermark) then coalesce(b.watermark, p.watermark) else p.watermark end as watermark
  from rating.partition p
  left join behind b on b.incarnation = p.incarnation and b.partition = p.partition;
comment on view rating.progress is 'Partitions with the watermark up to which the usage of their tenants is complete, over all incarnations.';
comment on column rating.progress.incarnation is 'topic incarnation';
comment on column rating.progress.partition is 'Kafka partition';
comment on column rating.progress.batch_seq is 'last committed batch';
comment on column rating.progress.next_offset is 'first Kafka offset that is not counted yet';
comment on column rating.progress.head is 'chain head';
comment on column rating.progress.watermark is
    'least watermark of the partitions, not retired, that share shards with it; -infinity before its own first message; never falls';

create or replace function rating.vector_at(wanted_cut bigint)
    returns table (incarnation integer, partition integer, batch_seq bigint, cut_end timestamptz)
    language sql stable
    as $$
    select c.incarnation, c.partition, c.batch_seq, c.cut_end
      from rating.cut_partition c
     where c.cut = wanted_cut
    union all
    select p.incarnation, p.partition, p.batch_seq,
           case when isfinite(p.watermark) then date_bin('15 minutes', p.watermark, timestamptz 'epoch') else p.watermark end
      from rating.progress p
     where wanted_cut is null
$$;

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
      from rating.progress;
    update rating.cut
       set cut_end = coalesce((select min(p.cut_end) from rating.cut_partition p where p.cut = number and isfinite(p.cut_end)), '-infinity')
     where cut = number;
    return number;
end
$$;

create or replace function rating.vector_between(from_cut bigint, to_cut bigint)
    returns table (incarnation integer, partition integer, from_seq bigint, to_seq bigint, first_received timestamptz, last_received timestamptz)
    language sql stable
    as $$
    select n.incarnation, n.partition, coalesce(o.batch_seq, p.base_seq), n.batch_seq,
           coalesce(case when isfinite(f.watermark) then date_bin('1 hour', f.watermark, timestamptz 'epoch') else f.watermark end, '-infinity'),
           coalesce(l.watermark, 'infinity')
      from rating.cut_partition n
      join rating.partition p on p.incarnation = n.incarnation and p.partition = n.partition
      left join rating.cut_partition o on o.cut = vector_between.from_cut and o.incarnation = n.incarnation and o.partition = n.partition
      left join rating.batch f on f.incarnation = n.incarnation and f.partition = n.partition and f.batch_seq = coalesce(o.batch_seq, p.base_seq) + 1
      left join rating.batch l on l.incarnation = n.incarnation and l.partition = n.partition and l.batch_seq = n.batch_seq
     where n.cut = vector_between.to_cut and n.batch_seq > coalesce(o.batch_seq, p.base_seq)
$$;

create or replace function api.usage_progress()
    returns table (incarnation integer, partition integer, batch_seq bigint, head bytea, watermark timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    select p.incarnation, p.partition, p.batch_seq, p.head, p.watermark
      from rating.progress p
     where api.bound_key() is not null
     order by p.incarnation, p.partition
$$;

create or replace function rating.drop_identity_days(keep interval) returns integer
    language plpgsql
    security definer
    set search_path = pg_catalog, rating, pg_temp
    as $$
declare
    keep_from timestamptz;
    day record;
    dropped integer := 0;
begin
    -- the partition that is furthest behind decides; one that never had a message needs nothing, nor one of a retired topic
    select min(p.watermark) - keep into keep_from
      from rating.partition p
      join rating.incarnation i on i.incarnation = p.incarnation and i.retired_time is null
     where isfinite(p.watermark);
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
  from (select * from added union all select * from level union all select * from accrued) u
  join catalog.newest_tenant t on t.tenant = u.tenant
  join catalog.newest_meter m on m.meter = u.meter
  left join rating.dimension_set s on s.tenant = u.tenant and s.dimension_set = u.dimension_set;

create or replace function rating.drop_sequence_days() returns integer
    language plpgsql
    security definer
    set search_path = pg_catalog, rating, pg_temp
    as $$
declare
    keep_from timestamptz;
    day record;
    dropped integer := 0;
begin
    -- the partition whose rows reach back furthest decides; one that never wrote any needs nothing. Those that ended are read by the
    -- partitions that go on from them, for as long as a window can be
    select min(first.watermark) into keep_from
      from rating.partition p
      join rating.batch newest
        on newest.incarnation = p.incarnation and newest.partition = p.partition and newest.batch_seq = coalesce(p.counted_seq, p.batch_seq)
       and (p.counted_seq is null or newest.watermark > (select max(watermark) from rating.partition where isfinite(watermark)) - interval '401 days')
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

-- --- which partition a row of an older incarnation belongs to

create function rating.shard_of(tenant_id text) returns integer
    language plpgsql immutable strict parallel safe
    as $$
declare
    bytes bytea := convert_to(tenant_id, 'UTF8');
    size integer := length(bytes);
    hash bigint := (2538058380 # size) & 4294967295;
    word bigint;
    at integer := 0;
begin
    while at + 4 <= size loop
        word := get_byte(bytes, at) | (get_byte(bytes, at + 1)::bigint << 8) | (get_byte(bytes, at + 2)::bigint << 16) | (get_byte(bytes, at + 3)::bigint << 24);
        word := (word * 1540483477) & 4294967295;
        word := ((word # (word >> 24)) * 1540483477) & 4294967295;
        hash := ((hash * 1540483477) & 4294967295) # word;
        at := at + 4;
    end loop;
    if size > at then
        for place in reverse size - at - 1 .. 0 loop
            hash := hash # (get_byte(bytes, at + place)::bigint << (8 * place));
        end loop;
        hash := (hash * 1540483477) & 4294967295;
    end if;
    hash := ((hash # (hash >> 13)) * 1540483477) & 4294967295;
    hash := hash # (hash >> 15);
    return (hash & 2147483647) % 1024;
end
$$;
comment on function rating.shard_of(text) is 'Shard of a tenant: (murmur2 & 0x7fffffff) mod 1024, as in the raters.';

revoke all on function rating.shard_of(text) from public;
grant select on rating.progress to turnpike_rate, turnpike_bill;
grant execute on function rating.shard_of(text) to turnpike_rate;
