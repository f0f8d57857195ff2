-- SPDX-License-Identifier: Apache-2.0
-- Reading usage at a cut, or as it is now (cut null): the set-based statements behind rating/usage_load.c. A span is a
-- tenant and a half-open range of slots; its number (1, 2, ...) comes back with the rows.

-- Position of every partition at a cut; null: committed now.
create function rating.vector_at(wanted_cut bigint)
    returns table (incarnation integer, partition integer, batch_seq bigint, cut_end timestamptz)
    language sql stable
    as $$
    select c.incarnation, c.partition, c.batch_seq, c.cut_end
      from rating.cut_partition c
     where c.cut = wanted_cut
    union all
    select p.incarnation, p.partition, p.batch_seq,
           case when isfinite(p.watermark) then date_bin('15 minutes', p.watermark, timestamptz 'epoch') else p.watermark end
      from rating.partition p
     where wanted_cut is null
$$;
comment on function rating.vector_at(bigint) is 'batch_seq and cut end of every partition at a numbered cut, or of what is committed now (null).';

-- sum and count meters: one row per span, meter and dimension set.
create function rating.usage_added(wanted_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, quantity numeric)
    language sql stable
    as $$
    select s.span, d.meter, d.dimension_set, sum(d.quantity)
      from unnest(tenants, span_from, span_to) with ordinality as s (tenant, span_from, span_to, span)
     cross join lateral (
               -- offset 0 keeps this an index scan per span, whatever the statistics say
               select u.incarnation, u.partition, u.batch_seq, u.meter, u.dimension_set, u.quantity
                 from rating.usage_delta u
                where u.tenant = s.tenant and u.slot >= s.span_from and u.slot < s.span_to
               offset 0) d
      join rating.vector_at(wanted_cut) v on v.incarnation = d.incarnation and v.partition = d.partition and d.batch_seq <= v.batch_seq
     where d.meter in (select m.meter from catalog.meter m where m.aggregation in ('sum', 'count'))
     group by s.span, d.meter, d.dimension_set
$$;
comment on function rating.usage_added(bigint, bigint[], timestamptz[], timestamptz[]) is 'Quantities of sum and count meters by span, below a cut.';

-- max and latest meters: the merged value of every slot.
create function rating.usage_slot_value(wanted_cut bigint, tenants bigint[], span_from timestamptz[], span_to timestamptz[])
    returns table (span bigint, meter integer, dimension_set uuid, slot timestamptz, greatest_value numeric, latest_value numeric,
                   latest_time timestamptz, latest_id uuid)
    language sql stable
    as $$
    select s.span, d.meter, d.dimension_set, d.slot, max(d.quantity),
           (array_agg(d.quantity order by d.latest_time desc nulls last, d.latest_id desc nulls last))[1],
           (array_agg(d.latest_time order by d.latest_time desc nulls last, d.latest_id desc nulls last))[1],
           (array_agg(d.latest_id order by d.latest_time desc nulls last, d.latest_id desc nulls last))[1]
      from unnest(tenants, span_from, span_to) with ordinality as s (tenant, span_from, span_to, span)
     cross join lateral (
               -- offset 0 keeps this an index scan per span, whatever the statistics say
               select u.incarnation, u.partition, u.batch_seq, u.meter, u.dimension_set, u.slot, u.quantity, u.latest_time, u.latest_id
                 from rating.usage_delta u
                where u.tenant = s.tenant and u.slot >= s.span_from and u.slot < s.span_to
               offset 0) d
      join rating.vector_at(wanted_cut) v on v.incarnation = d.incarnation and v.partition = d.partition and d.batch_seq <= v.batch_seq
     where d.meter in (select m.meter from catalog.meter m where m.aggregation in ('max', 'latest'))
     group by s.span, d.meter, d.dimension_set, d.slot
     order by s.span, d.meter, d.dimension_set, d.slot
$$;
comment on function rating.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]) is 'Merged slot values of max and latest meters by span, below a cut.';

-- interval meters: every transition of the tenants below the cut, with the cut end of its partition.
create function rating.usage_transition(wanted_cut bigint, tenants bigint[])
    returns table (tenant bigint, meter integer, resource uuid, event_time timestamptz, event_id uuid, running boolean,
                   value numeric, dimension_set uuid, cut_end timestamptz)
    language sql stable
    as $$
    select t.tenant, t.meter, t.resource, t.event_time, t.event_id, t.running, t.value, t.dimension_set, v.cut_end
      from rating.transition t
      join rating.vector_at(wanted_cut) v on v.incarnation = t.incarnation and v.partition = t.partition and t.batch_seq <= v.batch_seq
     where t.tenant = any (tenants)
     order by t.tenant, t.meter, t.resource
$$;
comment on function rating.usage_transition(bigint, bigint[]) is 'Transitions of tenants below a cut, grouped by resource.';

-- Members of dimension sets.
create function rating.usage_dimension(tenants bigint[])
    returns table (tenant bigint, dimension_set uuid, members text)
    language sql stable
    as $$
    select d.tenant, d.dimension_set, d.members
      from rating.dimension_set d
     where d.tenant = any (tenants)
     order by d.dimension_set
$$;
comment on function rating.usage_dimension(bigint[]) is 'Dimension sets of tenants.';

revoke all on function rating.vector_at(bigint) from public;
revoke all on function rating.usage_added(bigint, bigint[], timestamptz[], timestamptz[]) from public;
revoke all on function rating.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]) from public;
revoke all on function rating.usage_transition(bigint, bigint[]) from public;
revoke all on function rating.usage_dimension(bigint[]) from public;
grant execute on function
    rating.vector_at(bigint), rating.usage_added(bigint, bigint[], timestamptz[], timestamptz[]),
    rating.usage_slot_value(bigint, bigint[], timestamptz[], timestamptz[]), rating.usage_transition(bigint, bigint[]),
    rating.usage_dimension(bigint[])
    to turnpike_bill;
