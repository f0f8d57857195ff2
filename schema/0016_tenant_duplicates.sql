-- SPDX-License-Identifier: Apache-2.0
-- Duplicates per tenant: which tenants' events a batch had seen before, and how many of each, written with the batch's
-- own row (docs/adr: duplicates per tenant).

alter table rating.batch add column duplicate_tenants bigint[];
alter table rating.batch add column duplicate_events integer[];
alter table rating.batch add constraint batch_duplicates
    check (cardinality(duplicate_tenants) = cardinality(duplicate_events)
           and (duplicate_tenants is null) = (duplicate_events is null));
comment on column rating.batch.duplicate_tenants is
    'tenants of the duplicates, by number, each once; null = no duplicates, a batch of replays, or one that was written before these columns';
comment on column rating.batch.duplicate_events is
    'duplicates of each of duplicate_tenants; their sum is duplicates';
