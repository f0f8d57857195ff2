-- SPDX-License-Identifier: Apache-2.0
-- The optional intake topic: how far `turnpike route` has read it.

create table rating.intake (
    topic text not null,
    partition integer not null,
    next_offset bigint not null,
    last_digest bytea not null,
    noted_time timestamptz not null default clock_timestamp(),
    constraint intake_pk primary key (topic, partition),
    constraint intake_partition check (partition >= 0),
    constraint intake_offset check (next_offset > 0),
    constraint intake_digest check (length(last_digest) = 32)
);
comment on table rating.intake is
    'How far the router has read each partition of the intake topic. It saves time only: what is read again is recognised by its ids.';
comment on column rating.intake.topic is 'the intake topic (kafka.intake_topic)';
comment on column rating.intake.partition is 'its Kafka partition';
comment on column rating.intake.next_offset is 'everything before is in the usage topic, acknowledged by all replicas';
comment on column rating.intake.last_digest is
    'SHA-256 of the value of the message before next_offset: a topic that was made anew is read from its start';
comment on column rating.intake.noted_time is 'wall clock; for people';

grant select, insert, update on rating.intake to turnpike_rate;

comment on column rating.batch.forwarded is 'misrouted events that were written into their tenants'' partitions before the batch was committed';
