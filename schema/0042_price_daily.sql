-- SPDX-License-Identifier: Apache-2.0
-- Prices whose tiers are applied to every day by itself.

alter table catalog.price
    add column daily text not null default '',
    add constraint price_daily check (daily = '' or (daily in ('full', 'share') and model in ('graduated', 'volume')));
comment on column catalog.price.daily is
    'full: the tiers are applied to the quantity of every day of the account''s zone by itself; share: so, and a day costs 1 / (days of the period) of it; empty: to the period''s quantity';
