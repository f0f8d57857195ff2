-- SPDX-License-Identifier: Apache-2.0
-- Ranges are judged again (rules 3.5, 3.6): their events' bodies are read from the log at the places that the row names, some at a time. What
-- is closed of a range stands in rating.range_replay, under the head of the batch that closed it; the row itself only counts them.

alter table rating.quarantine
    add column closed_events bigint not null default 0,
    add column missing_events bigint not null default 0,
    add constraint quarantine_closed check (
        closed_events >= 0 and missing_events >= 0 and closed_events + missing_events <= coalesce(range_events, 0)),
    drop constraint quarantine_state,
    add constraint quarantine_state check (state in ('open', 'counted', 'conflict', 'dropped', 'replayed')),
    add constraint quarantine_replayed check (state <> 'replayed' or closed_events = range_events);
comment on column rating.quarantine.closed_events is
    'range: how many of its events were closed: counted, or found to be a duplicate or a conflict (rating.range_replay); 0 for one event';
comment on column rating.quarantine.missing_events is
    'range: how many of the others the log did not have any more when it was looked at last; 0 for one event';
comment on column rating.quarantine.state is
    'open; counted (a replay, or the same event, counted it); conflict (another body of the identity was counted); dropped (by an operator); replayed (a range: each of its events is closed)';
create index quarantine_range_index on rating.quarantine (incarnation, partition, catalogue_version, quarantine)
    where state = 'open' and range_events is not null;

create table rating.range_replay (
    quarantine bigint not null,
    batch_seq bigint not null,
    first_event bigint not null,
    events integer not null,
    closed integer not null,
    verdicts bytea not null,
    constraint range_replay_pk primary key (quarantine, batch_seq),
    constraint range_replay_quarantine_fk foreign key (quarantine) references rating.quarantine,
    constraint range_replay_events check (
        first_event >= 0 and closed between 1 and events and octet_length(verdicts) = (events + 1) / 2)
);
comment on table rating.range_replay is
    'Which events of a range a batch closed, and how. An event of a range is closed once; the heads of the chain cover it (docs/chain.md).';
comment on column rating.range_replay.quarantine is 'the range';
comment on column rating.range_replay.batch_seq is 'batch of the range''s partition that closed them; it has no offsets';
comment on column rating.range_replay.first_event is 'place in the range of the first event that was looked at, from 0';
comment on column rating.range_replay.events is 'how many were looked at, one after the other';
comment on column rating.range_replay.closed is 'how many of them were closed';
comment on column rating.range_replay.verdicts is
    'a nibble per event, low nibble first: 0 counted, 1 duplicate, 2 conflict, 3 not closed by this batch';

grant select on rating.range_replay to turnpike_rate, turnpike_bill;
grant insert on rating.range_replay to turnpike_rate;
grant update (closed_events, missing_events) on rating.quarantine to turnpike_rate;

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
     where q.state = 'open'
       and (q.quarantine = any (numbers) or q.reason = wanted_reason)
       and not exists (select from rating.replay_order o where o.quarantine = q.quarantine and o.done_time is null)
     order by q.quarantine;
    get diagnostics ordered = row_count;
    return ordered;
end
$$;
comment on function rating.order_replay(bigint[], text, text) is
    'Orders a replay of open quarantine rows, by number or by reason, that have no order waiting; returns how many. who: the person, for the record.';
