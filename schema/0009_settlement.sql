-- SPDX-License-Identifier: Apache-2.0
-- Settlement that reads what is new (rules 6.3): the quantities that a position was settled with, what was added between two
-- cuts, and charges to date without the rows that newer ones replaced.

-- --- what was added between two cuts

-- One index for both questions: all of a span, and what of it was received since an hour. The hour is checked in the index:
-- rows of the same tenant and slots that are older are not fetched. The other one finds the rows of an hour, whosever they are.
drop index rating.usage_delta_tenant_index;
create index usage_delta_tenant_index on rating.usage_delta (tenant, slot, received_hour);
create index usage_delta_hour_index on rating.usage_delta using brin (received_hour) with (pages_per_range = 32, autosummarize = on);

create function rating.vector_between(from_cut bigint, to_cut bigint)
    returns table (incarnation integer, partition integer, from_seq bigint, to_seq bigint, first_received timestamptz, last_received timestamptz)
    language sql stable
    as $$
    select n.incarnation, n.partition, coalesce(o.batch_seq, 0), n.batch_seq,
           coalesce(case when isfinite(f.watermark) then date_bin('1 hour', f.watermark, timestamptz 'epoch') else f.watermark end, '-infinity'),
           coalesce(l.watermark, 'infinity')
      from rating.cut_partition n
      left join rating.cut_partition o on o.cut = vector_between.from_cut and o.incarnation = n.incarnation and o.partition = n.partition
      left join rating.batch f on f.incarnation = n.incarnation and f.partition = n.partition and f.batch_seq = coalesce(o.batch_seq, 0) + 1
      left join rating.batch l on l.incarnation = n.incarnation and l.partition = n.partition and l.batch_seq = n.batch_seq
     where n.cut = vector_between.to_cut and n.batch_seq > coalesce(o.batch_seq, 0)
$$;
comment on function rating.vector_between(bigint, bigint) is
    'Batches (from_seq, to_seq] of every partition that moved between two cuts, from the beginning where the earlier cut does not have the partition (cut 0 has none); with bounds of their rows'' received_hour: a watermark never falls, so none lies before the hour of the first batch''s or after the last one''s.';

create function rating.cuts_apart(cuts bigint[]) returns setof bigint
    language sql stable
    as $$
    select distinct c.cut from unnest(cuts) as c (cut)
$$;
comment on function rating.cuts_apart(bigint[]) is
    'Of these cuts, those whose later usage can still be told from the earlier: no compacted row holds both. All of them while nothing is compacted.';

-- sum and count meters: one row per span, meter and dimension set.
create function rating.usage_added_between(from_cuts bigint[], to_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, quantity numeric)
    language sql stable
    as $$
    with apart as materialized (
        select c.cut from rating.cuts_apart(usage_added_between.from_cuts) as c (cut)
    ), moved as materialized (
        select a.cut, v.*
          from apart a
         cross join lateral rating.vector_between(a.cut, usage_added_between.to_cut) v
    ), received as materialized (
        select m.cut, min(m.first_received) as first_received, max(m.last_received) as last_received from moved m group by m.cut
    ), asked as materialized (
        select * from unnest(from_cuts, tenants, span_from, span_to) with ordinality as s (cut, tenant, span_from, span_to, span)
    )
    select s.span, d.meter, d.dimension_set, sum(d.quantity)
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
     group by s.span, d.meter, d.dimension_set
     union all
    select s.span, null, null, null
      from asked s
     where s.cut not in (select a.cut from apart a)
$$;
comment on function rating.usage_added_between(bigint[], bigint, bigint[], timestamptz[], timestamptz[]) is
    'Quantities of sum and count meters by span, above the span''s own earlier cut (0: from the beginning) and not above to_cut: usage_added at from_cut plus this is usage_added at to_cut. A span whose earlier cut is not apart any more (cuts_apart) comes back as a row without meter: it must be read whole.';

revoke all on function rating.vector_between(bigint, bigint) from public;
revoke all on function rating.usage_added_between(bigint[], bigint, bigint[], timestamptz[], timestamptz[]) from public;
revoke all on function rating.cuts_apart(bigint[]) from public;
grant execute on function
    rating.vector_between(bigint, bigint),
    rating.usage_added_between(bigint[], bigint, bigint[], timestamptz[], timestamptz[]), rating.cuts_apart(bigint[])
    to turnpike_bill;

-- --- what a position was settled with

alter table invoicing.position add column spans_digest bytea;
alter table invoicing.position add constraint position_spans_digest check (octet_length(spans_digest) = 32);
comment on column invoicing.position.spans_digest is
    'SHA-256 of what position_usage was gathered by: which slots of which tenants, split where; null: it holds nothing to build on';
grant update (spans_digest) on invoicing.position to turnpike_bill;

create table invoicing.position_usage (
    agreement bigint not null,
    account bigint not null,
    period_start timestamptz not null,
    tenant bigint not null,
    meter integer not null,
    dimension_set uuid not null,
    segment timestamptz not null,
    quantity numeric(38, 9) not null,
    constraint position_usage_pk primary key (agreement, account, period_start, tenant, meter, dimension_set, segment)
) with (fillfactor = 70); -- room for the next version of a row in its page: an update then leaves the index alone
comment on table invoicing.position_usage is
    'Quantities of sum and count meters to date at the position''s cut: what the next settlement builds on. Written with the position, in one transaction; never read by a close but to be compared with what it computes anew.';
comment on column invoicing.position_usage.agreement is 'position: agreement';
comment on column invoicing.position_usage.account is 'position: billing account';
comment on column invoicing.position_usage.period_start is 'position: period';
comment on column invoicing.position_usage.tenant is 'tenant that used it';
comment on column invoicing.position_usage.meter is 'meter: sum or count';
comment on column invoicing.position_usage.dimension_set is 'dimension set of the tenant';
comment on column invoicing.position_usage.segment is
    'start of the piece of the period between two price changes (the period''s start for the first): usage of all its slots';
comment on column invoicing.position_usage.quantity is 'to date, in the meter''s unit, exact';
grant select, insert, delete on invoicing.position_usage to turnpike_bill;
grant update (quantity) on invoicing.position_usage to turnpike_bill;

-- --- charges to date
-- The newest row of each key, found from the greatest key down, one step in the index each: a month settled every hour has
-- 700 rows of a key. With few settlements reading them all is quicker.

create or replace function invoicing.charge_to_date(agreements bigint[], accounts bigint[], period_starts timestamptz[])
    returns setof invoicing.charge
    language sql stable
    as $$
    with recursive wanted as (
        select k.agreement, k.account, k.period_start, coalesce(p.settlements, 0) > 4 as stepwise
          from unnest(agreements, accounts, period_starts) as k (agreement, account, period_start)
          left join invoicing.position p on p.agreement = k.agreement and p.account = k.account and p.period_start = k.period_start
    ), newest as (
        select (c.row).*
          from wanted k
         cross join lateral (select c as row from invoicing.charge c
                              where k.stepwise and c.agreement = k.agreement and c.account = k.account and c.period_start = k.period_start
                              order by c.agreement desc, c.account desc, c.period_start desc, c.currency desc, c.tenant desc, c.sku desc,
                                       c.price desc, c.tier desc, c.dimension_set desc, c.stage desc, c.settlement desc
                              limit 1) c
        union all
        select (c.row).*
          from newest n
         cross join lateral (select c as row from invoicing.charge c
                              where c.agreement = n.agreement and c.account = n.account and c.period_start = n.period_start
                                and (c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage)
                                    < (n.currency, n.tenant, n.sku, n.price, n.tier, n.dimension_set, n.stage)
                              order by c.agreement desc, c.account desc, c.period_start desc, c.currency desc, c.tenant desc, c.sku desc,
                                       c.price desc, c.tier desc, c.dimension_set desc, c.stage desc, c.settlement desc
                              limit 1) c
    ), few as (
        select distinct on (c.account, c.period_start, c.agreement, c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage) c.*
          from wanted k
          join invoicing.charge c on c.agreement = k.agreement and c.account = k.account and c.period_start = k.period_start
         where not k.stepwise
         order by c.account, c.period_start, c.agreement, c.currency, c.tenant, c.sku, c.price, c.tier, c.dimension_set, c.stage, c.settlement desc
    )
    select * from newest union all select * from few
     order by account, period_start, agreement, currency, tenant, sku, price, tier, dimension_set, stage
$$;
