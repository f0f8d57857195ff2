-- SPDX-License-Identifier: Apache-2.0
-- Prices that multiply the quantity by what a dimension of the usage says: licences by vCPU, by size of a flavour.

alter table catalog.price
    add column times text not null default '';
comment on column catalog.price.times is
    'what quantities are multiplied by: {"dimension":"vcpus"}, or {"dimension":"flavour","values":{"s6.large":"2"}}; empty = nothing';
