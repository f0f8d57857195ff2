-- SPDX-License-Identifier: Apache-2.0
-- What has been counted. A rater commits a batch's effects, its verdicts and the next Kafka offset in one transaction,
-- with a compare-and-set on rating.partition (rules 3.1, 3.4).

create schema rating;

-- Topics that were ever read. A new number of partitions is a new incarnation with a new topic, whose name ends in its number.
create table rating.incarnation (
    incarnation integer not null, -- number of the incarnation, from 1
    topic text not null,          -- Kafka topic
    partitions integer not null,  -- a power of two up to 1024; metadata that differs parks the partition
    created_time timestamptz not null default clock_timestamp(), -- when it was recorded
    constraint incarnation_pk primary key (incarnation),
    constraint incarnation_topic_key unique (topic),
    constraint incarnation_partitions check (partitions between 1 and 1024 and (partitions & (partitions - 1)) = 0)
);

-- Where each partition stands: the only row a rater updates.
create table rating.partition (
    incarnation integer not null,           -- topic incarnation
    partition integer not null,             -- Kafka partition
    epoch bigint not null default 0,        -- number of the assignment; every owner takes the next one
    epoch_nonce bigint not null default 0,  -- 64 random bits of the assignment, so that two owners with the same number differ
    owner text not null default '',         -- instance that took the epoch, for people
    batch_seq bigint not null default 0,    -- last committed batch, contiguous from 1
    next_offset bigint not null default 0,  -- first Kafka offset that is not counted yet
    watermark timestamptz not null default '-infinity', -- highest received_time below next_offset; never falls
    last_digest bytea,                      -- SHA-256 of the message at next_offset - 1, read again on assignment
    head bytea not null,                    -- chain head: SHA-256 over the previous head and the canonical batch; 32 zero bytes at first
    parked_reason text,                     -- why nobody reads it (rules 1.4, 2.3); null = fine
    constraint partition_pk primary key (incarnation, partition),
    constraint partition_incarnation_fk foreign key (incarnation) references rating.incarnation,
    constraint partition_head check (octet_length(head) = 32)
);

-- One row per committed batch: the chain, and what was decided about every event of it. Archive, replay and index
-- recovery read the verdicts instead of judging again.
create table rating.batch (
    incarnation integer not null,      -- topic incarnation
    partition integer not null,        -- Kafka partition
    batch_seq bigint not null,         -- contiguous from 1 per partition; a replay of quarantine rows is a batch without offsets (first = next)
    first_offset bigint not null,      -- first Kafka offset of the batch
    next_offset bigint not null,       -- one past the last
    watermark timestamptz not null,    -- highest received_time below next_offset
    catalogue_version bigint not null, -- catalogue version by which it was judged
    last_digest bytea,                 -- SHA-256 of the last message
    previous_head bytea not null,      -- chain head before
    head bytea not null,               -- chain head after
    events integer not null,           -- verdicts in the batch (a marker counts as one)
    counted integer not null,          -- events counted
    duplicates integer not null,       -- events seen before with the same content
    conflicts integer not null,        -- events seen before with other content: kept as evidence, never billed
    quarantined integer not null,      -- events kept with a reason
    forwarded integer not null,        -- misrouted events sent on (none yet: they are quarantined)
    markers integer not null,          -- marker messages
    verdicts bytea not null,           -- a nibble per event in log order, low nibble first: 0 counted, 1 duplicate, 2 conflict, 3 quarantined, 4 forwarded, 5 marker
    committed_time timestamptz not null default clock_timestamp(), -- database clock inside the transaction
    constraint batch_pk primary key (incarnation, partition, batch_seq),
    constraint batch_offsets check (next_offset >= first_offset),
    constraint batch_counts check (events = counted + duplicates + conflicts + quarantined + forwarded + markers)
);

-- Each distinct set of dimension values of a tenant, once.
create table rating.dimension_set (
    tenant bigint not null,      -- tenant number; a set belongs to its tenant
    dimension_set uuid not null, -- keyed 128-bit hash of (tenant id, members)
    members text not null,       -- canonical JSON object: names sorted, values as strings
    constraint dimension_set_pk primary key (tenant, dimension_set)
);

-- Each resource of interval meters that was ever seen, once.
create table rating.resource (
    tenant bigint not null, -- tenant number
    resource uuid not null, -- keyed 128-bit hash of (tenant id, resource id)
    id text not null,       -- id as the events name it
    constraint resource_pk primary key (tenant, resource)
);

-- What each batch added to a usage record: appended by COPY, never updated. Merge over batches: sum and count add
-- quantity; max takes the greatest; latest takes the row with the greatest (latest_time, latest_id).
create table rating.usage_delta (
    incarnation integer not null,       -- origin: topic incarnation
    partition integer not null,         -- origin: Kafka partition
    batch_seq bigint not null,          -- origin: batch
    received_hour timestamptz not null, -- hour of the batch's watermark; the table is partitioned by its day
    shard smallint not null,            -- shard of the tenant, 0 to 1023
    tenant bigint not null,             -- tenant number
    meter integer not null,             -- meter number
    dimension_set uuid not null,        -- dimension set of the tenant
    slot timestamptz not null,          -- start of the slot of the event time
    quantity numeric(38, 9) not null,   -- sum: total; count: events; max: greatest; latest: value of the latest event; in the meter's unit, exact
    event_count bigint not null,        -- events merged into this row
    latest_time timestamptz,            -- latest: event time of the value
    latest_id uuid,                     -- latest: identity of the event, which breaks ties
    state bytea                         -- state of aggregations to come (sets, samples); null for now
) partition by range (received_hour);
-- Rows of days whose partition does not exist yet; normally empty.
create table rating.usage_delta_rest partition of rating.usage_delta default;
create index usage_delta_tenant_index on rating.usage_delta (tenant, slot);

-- State changes of resources, append-only. Usage of interval meters at a cut is derived from them: nothing accrues by writing rows.
create table rating.transition (
    incarnation integer not null,       -- origin: topic incarnation
    partition integer not null,         -- origin: Kafka partition
    batch_seq bigint not null,          -- origin: batch
    received_hour timestamptz not null, -- hour of the batch's watermark
    shard smallint not null,            -- shard of the tenant
    tenant bigint not null,             -- tenant number
    meter integer not null,             -- meter number
    resource uuid not null,             -- resource
    event_time timestamptz not null,    -- when the state changed
    event_id uuid not null,             -- identity of the event: orders transitions of the same instant
    running boolean not null,           -- accrues from here on (true) or not (false)
    value numeric(38, 9) not null,      -- size while running, in the meter's unit per second; 0 when stopped
    dimension_set uuid not null         -- dimension set from here on
);
create index transition_tenant_index on rating.transition (tenant, meter, resource, event_time, event_id);

-- Events that could not be counted, with the reason: nothing is lost in silence, nothing stops the partition.
create table rating.quarantine (
    quarantine bigint generated always as identity, -- number for people and for replay
    incarnation integer not null,       -- origin: topic incarnation
    partition integer not null,         -- origin: Kafka partition
    message_offset bigint not null,     -- origin: Kafka offset
    event_index integer not null,       -- origin: place of the event in its message, from 0
    batch_seq bigint not null,          -- batch that put it here
    received_time timestamptz not null, -- LogAppendTime of the message; a replay judges by it
    reason text not null,               -- malformed, message, unknown_type, unknown_tenant, bad_value, late, future, misrouted, corrects, negative, undecidable, overflow
    detail text not null,               -- the sentence for people: place and reason
    tenant_id text,                     -- subject, where it could be read
    source text,                        -- source, where it could be read
    event_id text,                      -- id, where it could be read
    identity uuid,                      -- keyed hash of (tenant, source, id)
    content uuid,                       -- keyed content hash
    raw bytea not null,                 -- the event as received (at most 64 KiB; longer ones keep their head here and stay whole in the log)
    state text not null default 'open', -- open; counted (a replay, or the same event, counted it); conflict (another body of the identity was counted); dropped (by an operator)
    state_batch_seq bigint,             -- batch that closed it
    catalogue_version bigint not null,  -- catalogue version by which it was judged last
    constraint quarantine_pk primary key (quarantine),
    constraint quarantine_origin_key unique (incarnation, partition, message_offset, event_index),
    constraint quarantine_state check (state in ('open', 'counted', 'conflict', 'dropped'))
);
create index quarantine_identity_index on rating.quarantine (identity) where state = 'open';
create index quarantine_state_index on rating.quarantine (state, reason);

-- A wish to replay a quarantine row: the owner of its partition takes it up at its next batch.
create table rating.replay_order (
    replay_order bigint generated always as identity, -- number
    quarantine bigint not null,         -- row to judge again
    ordered_by text not null default session_user, -- database login
    ordered_time timestamptz not null default clock_timestamp(), -- when
    done_time timestamptz,              -- when a rater took it up
    outcome text,                       -- counted, duplicate, conflict, or the reason for which it stays open
    constraint replay_order_pk primary key (replay_order),
    constraint replay_order_quarantine_fk foreign key (quarantine) references rating.quarantine
);
create index replay_order_open_index on rating.replay_order (replay_order) where done_time is null;

-- Events whose identity was counted before with other content: evidence, never billed.
create table rating.conflict (
    incarnation integer not null,       -- origin: topic incarnation
    partition integer not null,         -- origin: Kafka partition
    message_offset bigint not null,     -- origin: Kafka offset
    event_index integer not null,       -- origin: place of the event in its message
    batch_seq bigint not null,          -- batch that judged it
    received_time timestamptz not null, -- LogAppendTime of the message
    tenant_id text not null,            -- subject
    source text not null,               -- source
    event_id text not null,             -- id
    identity uuid not null,             -- keyed hash of (tenant, source, id)
    content uuid not null,              -- keyed content hash of this event
    first_content bigint not null,      -- first 64 bits of the content hash of the event that counted
    first_offset bigint not null,       -- Kafka offset of the event that counted
    first_index integer not null,       -- its place in that message
    raw bytea not null,                 -- this event as received
    constraint conflict_pk primary key (incarnation, partition, message_offset, event_index)
);

-- Number of the last cut. Updated first in the transaction that takes a cut, so vectors rise with numbers (rules 5.1).
create table rating.cut_counter (
    only_row boolean not null default true, -- always true
    cut bigint not null,                    -- number of the last cut
    constraint cut_counter_pk primary key (only_row),
    constraint cut_counter_one_row check (only_row)
);
insert into rating.cut_counter (cut) values (0);

-- Numbered positions in the log. Settlements and documents name theirs.
create table rating.cut (
    cut bigint not null,          -- number, contiguous from 1
    cut_end timestamptz not null, -- least cut end of the partitions that ever had a message
    created_time timestamptz not null default clock_timestamp(), -- when it was taken
    constraint cut_pk primary key (cut)
);

-- The vector of a cut: every component is at or above its predecessor's.
create table rating.cut_partition (
    cut bigint not null,          -- the cut
    incarnation integer not null, -- topic incarnation
    partition integer not null,   -- Kafka partition
    batch_seq bigint not null,    -- batches up to this one are below the cut
    next_offset bigint not null,  -- offsets below this one are below the cut
    cut_end timestamptz not null, -- floor of the partition's watermark to the slot; running intervals accrue up to here; -infinity before the first message
    constraint cut_partition_pk primary key (cut, incarnation, partition),
    constraint cut_partition_cut_fk foreign key (cut) references rating.cut
);

-- Takes the next cut and returns its number (rules 5.1). READ COMMITTED: the vector is read by a statement after the
-- counter was locked.
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

-- Creates the partition of usage_delta for a day of received_hour (UTC) if it is missing. Called before rows of a new day are copied.
create function rating.ensure_usage_day(day date) returns void
    language plpgsql
    security definer
    set search_path = pg_catalog, rating
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
                   name, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
end
$$;

-- A close that waits: raters commit marker batches at once for partitions whose watermark is below (rules 1.4).
create table rating.marker_wish (
    wish bigint generated always as identity, -- number
    wanted_watermark timestamptz not null,    -- watermark that every partition should reach
    created_time timestamptz not null default clock_timestamp(), -- when the close began to wait; rows older than an hour are ignored
    constraint marker_wish_pk primary key (wish)
);
