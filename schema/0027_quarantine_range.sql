-- SPDX-License-Identifier: Apache-2.0
-- A flood of events that cannot be counted makes one row (rules 3.6): beyond rate.quarantine_rows of one tenant, source and reason
-- in a batch, the rest of them have a row together. Their identities are held by the index, their bodies are in the log.

alter table rating.quarantine
    add column range_events bigint,
    add column last_offset bigint,
    add column last_index integer,
    add column places bytea,
    add constraint quarantine_range check (
        (range_events is null) = (last_offset is null) and (range_events is null) = (last_index is null)
        and (range_events is null) = (places is null) and (range_events is null or range_events > 0 and identity is null));
comment on column rating.quarantine.range_events is
    'null = a row of one event; else a range of so many events of this tenant, source, reason and batch: the other columns are of the first';
comment on column rating.quarantine.last_offset is 'range: Kafka offset of its last event';
comment on column rating.quarantine.last_index is 'range: place of the last event in its message';
comment on column rating.quarantine.places is
    'range: packed places of its events (docs/chain.md), which are quarantined by the verdicts of the batch; in the chain head';

create or replace function rating.order_replay(numbers bigint[], wanted_reason text, who text) returns bigint
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    as $$
declare
    ordered bigint;
begin
    insert into rating.replay_order (quarantine, ordered_by)
    select q.quarantine, session_user || ' (' || who || ')'
      from rating.quarantine q
     where q.state = 'open' and q.range_events is null
       and (q.quarantine = any (numbers) or q.reason = wanted_reason)
       and not exists (select from rating.replay_order o where o.quarantine = q.quarantine and o.done_time is null)
     order by q.quarantine;
    get diagnostics ordered = row_count;
    return ordered;
end
$$;
comment on function rating.order_replay(bigint[], text, text) is
    'Orders a replay of open quarantine rows of one event, by number or by reason, that have no order waiting; returns how many. who: the person, for the record.';
