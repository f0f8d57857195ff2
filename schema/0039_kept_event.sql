-- SPDX-License-Identifier: Apache-2.0
-- Events of sum meters that are kept one by one, beside the deltas that they add to: for prices that depend on the order of
-- events (docs/pricing.md). Usage records, counters and reports go on reading the deltas.

alter table catalog.meter
    add column keeps_events boolean not null default false,
    add constraint meter_keeps_events check (aggregation = 'sum' or not keeps_events);
comment on column catalog.meter.keeps_events is 'sum: every counted event is also in rating.kept_event; never changes';

create table rating.kept_event (
    incarnation integer not null,
    partition integer not null,
    batch_seq bigint not null,
    received_hour timestamptz not null,
    shard smallint not null,
    tenant bigint not null,
    meter integer not null,
    dimension_set uuid not null,
    slot timestamptz not null,
    event_time timestamptz not null,
    event_id uuid not null,
    value numeric(38, 9) not null
);
comment on table rating.kept_event is
    'Each counted event of a meter that keeps its events, append-only; what it counts is in rating.usage_delta, too. Read in the order of (event_time, event_id), whatever order they came in. Not compacted.';
comment on column rating.kept_event.incarnation is 'origin: topic incarnation';
comment on column rating.kept_event.partition is 'origin: Kafka partition';
comment on column rating.kept_event.batch_seq is 'origin: batch';
comment on column rating.kept_event.received_hour is 'hour of the batch''s watermark';
comment on column rating.kept_event.shard is 'shard of the tenant, 0 to 1023';
comment on column rating.kept_event.tenant is 'tenant number';
comment on column rating.kept_event.meter is 'meter number';
comment on column rating.kept_event.dimension_set is 'dimension set of the tenant';
comment on column rating.kept_event.slot is 'start of the slot of the event time, as in its delta';
comment on column rating.kept_event.event_time is 'when it happened, to the microsecond';
comment on column rating.kept_event.event_id is 'identity of the event: orders events of the same instant';
comment on column rating.kept_event.value is 'what the event counts, in the meter''s unit, exact';
create index kept_event_tenant_index on rating.kept_event (tenant, slot);

create function rating.usage_event(wanted_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, event_time timestamptz, event_id uuid, value numeric)
    language sql stable
    as $$
    select s.span, e.meter, e.dimension_set, e.event_time, e.event_id, e.value
      from unnest(tenants, span_from, span_to) with ordinality as s (tenant, span_from, span_to, span)
     cross join lateral (
               -- offset 0 keeps this an index scan per span, whatever the statistics say
               select k.incarnation, k.partition, k.batch_seq, k.meter, k.dimension_set, k.event_time, k.event_id, k.value
                 from rating.kept_event k
                where k.tenant = s.tenant and k.slot >= s.span_from and k.slot < s.span_to
               offset 0) e
      join rating.vector_at(wanted_cut) v on v.incarnation = e.incarnation and v.partition = e.partition and e.batch_seq <= v.batch_seq
$$;
comment on function rating.usage_event(bigint, bigint[], timestamptz[], timestamptz[]) is
    'Kept events by span, below a cut (null: committed now), in no order.';

create function api.usage_event(wanted_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, event_time timestamptz, event_id uuid, value numeric)
    language sql stable security definer
    set search_path = pg_catalog, pg_temp
    as $$
    select * from rating.usage_event(wanted_cut, api.computable(tenants), span_from, span_to)
$$;
comment on function api.usage_event(bigint, bigint[], timestamptz[], timestamptz[]) is
    'rating.usage_event within the grants of the bound key.';

alter table rating.kept_event enable row level security;
create policy read_granted_tenant on rating.kept_event for select to turnpike_api
    using (tenant = any ((select api.granted_tenants())::bigint[]) or (select api.granted_all()));

revoke all on function rating.usage_event(bigint, bigint[], timestamptz[], timestamptz[]) from public;
revoke all on function api.usage_event(bigint, bigint[], timestamptz[], timestamptz[]) from public;
grant execute on function rating.usage_event(bigint, bigint[], timestamptz[], timestamptz[]) to turnpike_bill;
grant execute on function api.usage_event(bigint, bigint[], timestamptz[], timestamptz[]) to turnpike_api;
grant select on rating.kept_event to turnpike_rate, turnpike_bill, turnpike_api;
grant insert on rating.kept_event to turnpike_rate;
