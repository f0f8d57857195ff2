-- SPDX-License-Identifier: Apache-2.0
-- Runs that are paid in whole increments.

alter table catalog.price
    add column increment_us bigint not null default 0,
    add constraint price_increment check (increment_us between 0 and 86400000000 and (increment_us = 0 or model = 'per_unit'));
comment on column catalog.price.increment_us is
    'an ended run of a resource is charged in whole ones, rounded up, at the price and size of its last stretch; 0 = as long as it was';
