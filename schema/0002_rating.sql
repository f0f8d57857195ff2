-- SPDX-License-Identifier: Apache-2.0
-- What has been counted. A rater commits a batch's effects, its verdicts and the next Kafka offset in one transaction,
-- with a compare-and-set on rating.partition (rules 3.1, 3.4).

create schema rating;
comment on schema rating is 'What has been counted: batches, usage, quarantine and cuts.';

create table rating.incarnation (
    incarnation integer not null,
    topic text not null,
    partitions integer not null,
    created_time timestamptz not null default clock_timestamp(),
    constraint incarnation_pk primary key (incarnation),
    constraint incarnation_topic_key unique (topic),
    constraint incarnation_partitions check (partitions between 1 and 1024 and (partitions & (partitions - 1)) = 0)
);
comment on table rating.incarnation is
    'Topics that were ever read. A new number of partitions is a new incarnation with a new topic, whose name ends in its number.';
comment on column rating.incarnation.incarnation is 'number of the incarnation, from 1';
comment on column rating.incarnation.topic is 'Kafka topic';
comment on column rating.incarnation.partitions is
    'a power of two up to 1024; metadata that differs parks the partition';
comment on column rating.incarnation.created_time is 'when it was recorded';

create table rating.partition (
    incarnation integer not null,
    partition integer not null,
    epoch bigint not null default 0,
    epoch_nonce bigint not null default 0,
    owner text not null default '',
    batch_seq bigint not null default 0,
    next_offset bigint not null default 0,
    watermark timestamptz not null default '-infinity',
    last_digest bytea,
    head bytea not null,
    parked_reason text,
    constraint partition_pk primary key (incarnation, partition),
    constraint partition_incarnation_fk foreign key (incarnation) references rating.incarnation,
    constraint partition_head check (octet_length(head) = 32)
);
comment on table rating.partition is 'Where each partition stands: the only row a rater updates.';
comment on column rating.partition.incarnation is 'topic incarnation';
comment on column rating.partition.partition is 'Kafka partition';
comment on column rating.partition.epoch is 'number of the assignment; every owner takes the next one';
comment on column rating.partition.epoch_nonce is
    '64 random bits of the assignment, so that two owners with the same number differ';
comment on column rating.partition.owner is 'instance that took the epoch, for people';
comment on column rating.partition.batch_seq is 'last committed batch, contiguous from 1';
comment on column rating.partition.next_offset is 'first Kafka offset that is not counted yet';
comment on column rating.partition.watermark is 'highest received_time below next_offset; never falls';
comment on column rating.partition.last_digest is 'SHA-256 of the message at next_offset - 1, read again on assignment';
comment on column rating.partition.head is
    'chain head: SHA-256 over the previous head and the canonical batch; 32 zero bytes at first';
comment on column rating.partition.parked_reason is 'why nobody reads it (rules 1.4, 2.3); null = fine';

create table rating.batch (
    incarnation integer not null,
    partition integer not null,
    batch_seq bigint not null,
    first_offset bigint not null,
    next_offset bigint not null,
    watermark timestamptz not null,
    catalogue_version bigint not null,
    last_digest bytea,
    previous_head bytea not null,
    head bytea not null,
    events integer not null,
    counted integer not null,
    duplicates integer not null,
    conflicts integer not null,
    quarantined integer not null,
    forwarded integer not null,
    markers integer not null,
    verdicts bytea not null,
    committed_time timestamptz not null default clock_timestamp(),
    constraint batch_pk primary key (incarnation, partition, batch_seq),
    constraint batch_offsets check (next_offset >= first_offset),
    constraint batch_counts check (events = counted + duplicates + conflicts + quarantined + forwarded + markers)
);
comment on table rating.batch is
    'One row per committed batch: the chain, and what was decided about every event of it. Archive, replay and index recovery read the verdicts instead of judging again.';
comment on column rating.batch.incarnation is 'topic incarnation';
comment on column rating.batch.partition is 'Kafka partition';
comment on column rating.batch.batch_seq is
    'contiguous from 1 per partition; a replay of quarantine rows is a batch without offsets (first = next)';
comment on column rating.batch.first_offset is 'first Kafka offset of the batch';
comment on column rating.batch.next_offset is 'one past the last';
comment on column rating.batch.watermark is 'highest received_time below next_offset';
comment on column rating.batch.catalogue_version is 'catalogue version by which it was judged';
comment on column rating.batch.last_digest is 'SHA-256 of the last message';
comment on column rating.batch.previous_head is 'chain head before';
comment on column rating.batch.head is 'chain head after';
comment on column rating.batch.events is 'verdicts in the batch (a marker counts as one)';
comment on column rating.batch.counted is 'events counted';
comment on column rating.batch.duplicates is 'events seen before with the same content';
comment on column rating.batch.conflicts is 'events seen before with other content: kept as evidence, never billed';
comment on column rating.batch.quarantined is 'events kept with a reason';
comment on column rating.batch.forwarded is 'misrouted events sent on (none yet: they are quarantined)';
comment on column rating.batch.markers is 'marker messages';
comment on column rating.batch.verdicts is
    'a nibble per event in log order, low nibble first: 0 counted, 1 duplicate, 2 conflict, 3 quarantined, 4 forwarded, 5 marker';
comment on column rating.batch.committed_time is 'database clock inside the transaction';

create table rating.dimension_set (
    tenant bigint not null,
    dimension_set uuid not null,
    members text not null,
    incarnation integer not null,
    partition integer not null,
    batch_seq bigint not null,
    constraint dimension_set_pk primary key (tenant, dimension_set)
);
create index dimension_set_index on rating.dimension_set (dimension_set);
comment on table rating.dimension_set is 'Each distinct set of dimension values of a tenant, once.';
comment on column rating.dimension_set.tenant is 'tenant number; a set belongs to its tenant';
comment on column rating.dimension_set.dimension_set is 'keyed 128-bit hash of (tenant id, members)';
comment on column rating.dimension_set.members is 'canonical JSON object: names sorted, values as strings';
comment on column rating.dimension_set.incarnation is 'origin of the first event that had it: topic incarnation';
comment on column rating.dimension_set.partition is 'origin of the first event that had it: Kafka partition';
comment on column rating.dimension_set.batch_seq is 'origin of the first event that had it: batch, whose chain head covers this row';

create table rating.resource (
    tenant bigint not null,
    resource uuid not null,
    id text not null,
    incarnation integer not null,
    partition integer not null,
    batch_seq bigint not null,
    constraint resource_pk primary key (tenant, resource)
);
comment on table rating.resource is 'Each resource of interval meters that was ever seen, once.';
comment on column rating.resource.tenant is 'tenant number';
comment on column rating.resource.resource is 'keyed 128-bit hash of (tenant id, resource id)';
comment on column rating.resource.id is 'id as the events name it';
comment on column rating.resource.incarnation is 'origin of the first event that named it: topic incarnation';
comment on column rating.resource.partition is 'origin of the first event that named it: Kafka partition';
comment on column rating.resource.batch_seq is 'origin of the first event that named it: batch, whose chain head covers this row';

create table rating.usage_delta (
    incarnation integer not null,
    partition integer not null,
    batch_seq bigint not null,
    received_hour timestamptz not null,
    shard smallint not null,
    tenant bigint not null,
    meter integer not null,
    dimension_set uuid not null,
    slot timestamptz not null,
    quantity numeric(38, 9) not null,
    event_count bigint not null,
    latest_time timestamptz,
    latest_id uuid,
    state bytea
) partition by range (received_hour);
comment on table rating.usage_delta is
    'What each batch added to a usage record: appended by COPY, never updated. Merge over batches: sum and count add quantity; max takes the greatest; latest takes the row with the greatest (latest_time, latest_id).';
comment on column rating.usage_delta.incarnation is 'origin: topic incarnation';
comment on column rating.usage_delta.partition is 'origin: Kafka partition';
comment on column rating.usage_delta.batch_seq is 'origin: batch';
comment on column rating.usage_delta.received_hour is
    'hour of the batch''s watermark; the table is partitioned by its day';
comment on column rating.usage_delta.shard is 'shard of the tenant, 0 to 1023';
comment on column rating.usage_delta.tenant is 'tenant number';
comment on column rating.usage_delta.meter is 'meter number';
comment on column rating.usage_delta.dimension_set is 'dimension set of the tenant';
comment on column rating.usage_delta.slot is 'start of the slot of the event time';
comment on column rating.usage_delta.quantity is
    'sum: total; count: events; max: greatest; latest: value of the latest event; in the meter''s unit, exact';
comment on column rating.usage_delta.event_count is 'events merged into this row';
comment on column rating.usage_delta.latest_time is 'latest: event time of the value';
comment on column rating.usage_delta.latest_id is 'latest: identity of the event, which breaks ties';
comment on column rating.usage_delta.state is 'state of aggregations to come (sets, samples); null for now';
create table rating.usage_delta_rest partition of rating.usage_delta default;
comment on table rating.usage_delta_rest is 'Rows of days whose partition does not exist yet; normally empty.';
create index usage_delta_tenant_index on rating.usage_delta (tenant, slot);

create table rating.transition (
    incarnation integer not null,
    partition integer not null,
    batch_seq bigint not null,
    received_hour timestamptz not null,
    shard smallint not null,
    tenant bigint not null,
    meter integer not null,
    resource uuid not null,
    event_time timestamptz not null,
    event_id uuid not null,
    running boolean not null,
    value numeric(38, 9) not null,
    dimension_set uuid not null
);
comment on table rating.transition is
    'State changes of resources, append-only. Usage of interval meters at a cut is derived from them: nothing accrues by writing rows.';
comment on column rating.transition.incarnation is 'origin: topic incarnation';
comment on column rating.transition.partition is 'origin: Kafka partition';
comment on column rating.transition.batch_seq is 'origin: batch';
comment on column rating.transition.received_hour is 'hour of the batch''s watermark';
comment on column rating.transition.shard is 'shard of the tenant';
comment on column rating.transition.tenant is 'tenant number';
comment on column rating.transition.meter is 'meter number';
comment on column rating.transition.resource is 'resource';
comment on column rating.transition.event_time is 'when the state changed';
comment on column rating.transition.event_id is 'identity of the event: orders transitions of the same instant';
comment on column rating.transition.running is 'accrues from here on (true) or not (false)';
comment on column rating.transition.value is 'size while running, in the meter''s unit per second; 0 when stopped';
comment on column rating.transition.dimension_set is 'dimension set from here on';
create index transition_tenant_index on rating.transition (tenant, meter, resource, event_time, event_id);

create table rating.quarantine (
    quarantine bigint generated always as identity,
    incarnation integer not null,
    partition integer not null,
    message_offset bigint not null,
    event_index integer not null,
    batch_seq bigint not null,
    received_time timestamptz not null,
    reason text not null,
    detail text not null,
    tenant_id text,
    source text,
    event_id text,
    identity uuid,
    content uuid,
    raw bytea not null,
    state text not null default 'open',
    state_batch_seq bigint,
    catalogue_version bigint not null,
    judged_reason text,
    judged_detail text,
    constraint quarantine_pk primary key (quarantine),
    constraint quarantine_origin_key unique (incarnation, partition, message_offset, event_index),
    constraint quarantine_state check (state in ('open', 'counted', 'conflict', 'dropped'))
);
comment on table rating.quarantine is
    'Events that could not be counted, with the reason: nothing is lost in silence, nothing stops the partition.';
comment on column rating.quarantine.quarantine is 'number for people and for replay';
comment on column rating.quarantine.incarnation is 'origin: topic incarnation';
comment on column rating.quarantine.partition is 'origin: Kafka partition';
comment on column rating.quarantine.message_offset is 'origin: Kafka offset';
comment on column rating.quarantine.event_index is 'origin: place of the event in its message, from 0';
comment on column rating.quarantine.batch_seq is 'batch that put it here';
comment on column rating.quarantine.received_time is 'LogAppendTime of the message; a replay judges by it';
comment on column rating.quarantine.reason is
    'malformed, message, unknown_type, unknown_tenant, bad_value, late, future, misrouted, corrects, negative, undecidable, overflow';
comment on column rating.quarantine.detail is 'the sentence for people: place and reason';
comment on column rating.quarantine.tenant_id is 'subject, where it could be read';
comment on column rating.quarantine.source is 'source, where it could be read';
comment on column rating.quarantine.event_id is 'id, where it could be read';
comment on column rating.quarantine.identity is 'keyed hash of (tenant, source, id)';
comment on column rating.quarantine.content is 'keyed content hash';
comment on column rating.quarantine.raw is
    'the event as received (at most 64 KiB; longer ones keep their head here and stay whole in the log)';
comment on column rating.quarantine.state is
    'open; counted (a replay, or the same event, counted it); conflict (another body of the identity was counted); dropped (by an operator)';
comment on column rating.quarantine.state_batch_seq is 'batch that closed it';
comment on column rating.quarantine.catalogue_version is 'catalogue version by which it was judged last';
comment on column rating.quarantine.judged_reason is
    'reason of the last judgement if it was judged again; reason and detail stay as first written (the chain covers them)';
comment on column rating.quarantine.judged_detail is 'sentence of the last judgement if it was judged again';
create index quarantine_identity_index on rating.quarantine (identity) where state = 'open';
create index quarantine_state_index on rating.quarantine (state, reason);

create table rating.replay_order (
    replay_order bigint generated always as identity,
    quarantine bigint not null,
    ordered_by text not null default session_user,
    ordered_time timestamptz not null default clock_timestamp(),
    done_time timestamptz,
    outcome text,
    constraint replay_order_pk primary key (replay_order),
    constraint replay_order_quarantine_fk foreign key (quarantine) references rating.quarantine
);
comment on table rating.replay_order is
    'A wish to replay a quarantine row: the owner of its partition takes it up at its next batch.';
comment on column rating.replay_order.replay_order is 'number';
comment on column rating.replay_order.quarantine is 'row to judge again';
comment on column rating.replay_order.ordered_by is 'database login';
comment on column rating.replay_order.ordered_time is 'when';
comment on column rating.replay_order.done_time is 'when a rater took it up';
comment on column rating.replay_order.outcome is 'counted, duplicate, conflict, or the reason for which it stays open';
create index replay_order_open_index on rating.replay_order (replay_order) where done_time is null;

create table rating.conflict (
    incarnation integer not null,
    partition integer not null,
    message_offset bigint not null,
    event_index integer not null,
    batch_seq bigint not null,
    received_time timestamptz not null,
    tenant_id text not null,
    source text not null,
    event_id text not null,
    identity uuid not null,
    content uuid not null,
    first_content bigint not null,
    first_offset bigint not null,
    first_index integer not null,
    raw bytea not null,
    constraint conflict_pk primary key (incarnation, partition, message_offset, event_index)
);
comment on table rating.conflict is
    'Events whose identity was counted before with other content: evidence, never billed.';
comment on column rating.conflict.incarnation is 'origin: topic incarnation';
comment on column rating.conflict.partition is 'origin: Kafka partition';
comment on column rating.conflict.message_offset is 'origin: Kafka offset';
comment on column rating.conflict.event_index is 'origin: place of the event in its message';
comment on column rating.conflict.batch_seq is 'batch that judged it';
comment on column rating.conflict.received_time is 'LogAppendTime of the message';
comment on column rating.conflict.tenant_id is 'subject';
comment on column rating.conflict.source is 'source';
comment on column rating.conflict.event_id is 'id';
comment on column rating.conflict.identity is 'keyed hash of (tenant, source, id)';
comment on column rating.conflict.content is 'keyed content hash of this event';
comment on column rating.conflict.first_content is 'first 64 bits of the content hash of the event that counted';
comment on column rating.conflict.first_offset is 'Kafka offset of the event that counted';
comment on column rating.conflict.first_index is 'its place in that message';
comment on column rating.conflict.raw is 'this event as received';

create table rating.cut_counter (
    only_row boolean not null default true,
    cut bigint not null,
    constraint cut_counter_pk primary key (only_row),
    constraint cut_counter_one_row check (only_row)
);
comment on table rating.cut_counter is
    'Number of the last cut. Updated first in the transaction that takes a cut, so vectors rise with numbers (rules 5.1).';
comment on column rating.cut_counter.only_row is 'always true';
comment on column rating.cut_counter.cut is 'number of the last cut';
insert into rating.cut_counter (cut) values (0);

create table rating.cut (
    cut bigint not null,
    cut_end timestamptz not null,
    created_time timestamptz not null default clock_timestamp(),
    constraint cut_pk primary key (cut)
);
comment on table rating.cut is 'Numbered positions in the log. Settlements and documents name theirs.';
comment on column rating.cut.cut is 'number, contiguous from 1';
comment on column rating.cut.cut_end is 'least cut end of the partitions that ever had a message';
comment on column rating.cut.created_time is 'when it was taken';

create table rating.cut_partition (
    cut bigint not null,
    incarnation integer not null,
    partition integer not null,
    batch_seq bigint not null,
    next_offset bigint not null,
    cut_end timestamptz not null,
    constraint cut_partition_pk primary key (cut, incarnation, partition),
    constraint cut_partition_cut_fk foreign key (cut) references rating.cut
);
comment on table rating.cut_partition is 'The vector of a cut: every component is at or above its predecessor''s.';
comment on column rating.cut_partition.cut is 'the cut';
comment on column rating.cut_partition.incarnation is 'topic incarnation';
comment on column rating.cut_partition.partition is 'Kafka partition';
comment on column rating.cut_partition.batch_seq is 'batches up to this one are below the cut';
comment on column rating.cut_partition.next_offset is 'offsets below this one are below the cut';
comment on column rating.cut_partition.cut_end is
    'floor of the partition''s watermark to the slot; running intervals accrue up to here; -infinity before the first message';

create function rating.take_cut() returns bigint
    language plpgsql
    as $$
declare
    number bigint;
begin
    update rating.cut_counter set cut = cut + 1 returning cut into number;
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
    'Takes the next cut and returns its number (rules 5.1). READ COMMITTED: the vector is read by a statement after the counter was locked.';

create function rating.ensure_usage_day(day date) returns void
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
end
$$;
comment on function rating.ensure_usage_day(date) is
    'Creates the partition of usage_delta for a day of received_hour (UTC) if it is missing. Called before rows of a new day are copied.';

create table rating.marker_wish (
    wish bigint generated always as identity,
    wanted_watermark timestamptz not null,
    created_time timestamptz not null default clock_timestamp(),
    constraint marker_wish_pk primary key (wish)
);
comment on table rating.marker_wish is
    'A close that waits: raters commit marker batches at once for partitions whose watermark is below (rules 1.4).';
comment on column rating.marker_wish.wish is 'number';
comment on column rating.marker_wish.wanted_watermark is 'watermark that every partition should reach';
comment on column rating.marker_wish.created_time is
    'when the close began to wait; rows older than an hour are ignored';

-- Who may do what. The partitions of usage_delta have no grants of their own: rows go in and out through usage_delta.
revoke all on all functions in schema rating from public;

grant usage on schema rating to turnpike_ingest, turnpike_rate, turnpike_bill;
grant select on rating.incarnation to turnpike_ingest;

grant select on
    rating.incarnation, rating.partition, rating.batch, rating.dimension_set, rating.resource, rating.usage_delta,
    rating.transition, rating.quarantine, rating.replay_order, rating.conflict, rating.cut_counter, rating.cut,
    rating.cut_partition, rating.marker_wish
    to turnpike_rate, turnpike_bill;

grant insert on
    rating.batch, rating.dimension_set, rating.resource, rating.usage_delta, rating.transition, rating.quarantine,
    rating.conflict
    to turnpike_rate;
grant update on rating.partition to turnpike_rate;
grant update (state, state_batch_seq, catalogue_version, judged_reason, judged_detail) on rating.quarantine to turnpike_rate;
grant update (done_time, outcome) on rating.replay_order to turnpike_rate;
grant execute on function rating.ensure_usage_day(date) to turnpike_rate;

grant insert on rating.cut, rating.cut_partition, rating.marker_wish to turnpike_bill;
grant update on rating.cut_counter to turnpike_bill;
grant update (cut_end) on rating.cut to turnpike_bill;
grant execute on function rating.take_cut() to turnpike_bill;
