-- SPDX-License-Identifier: Apache-2.0
-- Adopting a log that is not the one that was counted (rules 2.3): a new incarnation goes on from the chains of the one before, on
-- the same topic where that is there again. docs/adr/0018-adopting-a-log.md says why.

alter table rating.incarnation drop constraint incarnation_topic_key;
create unique index incarnation_topic_index on rating.incarnation (topic) where retired_time is null;
comment on column rating.incarnation.topic is
    'Kafka topic; one that was made anew under its name is another incarnation, and the one before is retired';

alter table rating.partition
    add column base_offset bigint not null default 0,
    add constraint partition_base_offset check (base_offset >= 0);
comment on column rating.partition.base_offset is
    'first Kafka offset that this incarnation counts; above 0 only where it took over a log that was there';
comment on column rating.partition.base_position is
    'Kafka offset + this = position, which rises from incarnation to incarnation: base_offset + this is at or above all positions of the one before';

create table rating.adoption (
    incarnation integer not null,
    partition integer not null,
    found text not null,
    ended_offset bigint not null,
    ended_digest bytea,
    ended_head bytea not null,
    ended_watermark timestamptz not null,
    log_start bigint,
    log_end bigint,
    base_offset bigint not null,
    first_digest bytea,
    first_received timestamptz,
    reason text not null,
    adopted_by text not null,
    adopted_time timestamptz not null default clock_timestamp(),
    constraint adoption_pk primary key (incarnation, partition),
    constraint adoption_partition_fk foreign key (incarnation, partition) references rating.partition,
    constraint adoption_reason check (reason ~ '\S')
);
comment on table rating.adoption is
    'Partitions whose log was not the one that was counted, and from where an operator let it be counted instead; append-only.';
comment on column rating.adoption.incarnation is 'incarnation that goes on';
comment on column rating.adoption.partition is 'Kafka partition';
comment on column rating.adoption.found is 'what was wrong with the log';
comment on column rating.adoption.ended_offset is 'next_offset of the incarnation before: everything below was counted';
comment on column rating.adoption.ended_digest is 'SHA-256 of the last message that was counted';
comment on column rating.adoption.ended_head is 'chain head at which the incarnation before ended';
comment on column rating.adoption.ended_watermark is 'its watermark: what was received later and is not in the new log was never counted';
comment on column rating.adoption.log_start is 'first offset of the log that was found; null = the topic was gone';
comment on column rating.adoption.log_end is 'next offset of it';
comment on column rating.adoption.base_offset is 'first offset that is counted';
comment on column rating.adoption.first_digest is 'SHA-256 of the message there; null = there was none yet';
comment on column rating.adoption.first_received is 'received_time of that message';
comment on column rating.adoption.reason is 'why, in the operator''s words';
comment on column rating.adoption.adopted_by is 'database login and person';
comment on column rating.adoption.adopted_time is 'database clock';
create trigger adoption_append_only before update or delete on rating.adoption for each row execute function ledger.refuse_change();
create trigger adoption_no_truncate before truncate on rating.adoption for each statement execute function ledger.refuse_change();
grant select on rating.adoption to turnpike_rate, turnpike_bill;
