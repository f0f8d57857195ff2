-- SPDX-License-Identifier: Apache-2.0
-- A settlement reads max and latest meters from the period's beginning, which passes over the deltas of all meters: it leaves that
-- out where there were none at the position's cut and none came since.

alter table invoicing.position add column levels boolean;
comment on column invoicing.position.levels is
    'whether there was usage of max or latest meters at its cut, by the spans of spans_digest; null: not known, it is read';
grant update (levels) on invoicing.position to turnpike_bill;

create function rating.levels_between(from_cuts bigint[], to_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
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
     where d.meter in (select k.meter from catalog.meter k where k.aggregation in ('max', 'latest'))
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
    'Spans with usage of max or latest meters above the span''s own earlier cut and not above to_cut; also those whose earlier cut is not apart any more (rating.cuts_apart).';
revoke all on function rating.levels_between(bigint[], bigint, bigint[], timestamptz[], timestamptz[]) from public;
grant execute on function rating.levels_between(bigint[], bigint, bigint[], timestamptz[], timestamptz[]) to turnpike_bill;
