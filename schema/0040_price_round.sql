-- SPDX-License-Identifier: Apache-2.0
-- Tiers that are charged in whole blocks, and prices of rounded quantities.

alter table catalog.price_tier
    add column block numeric(38, 9) not null default 0,
    add constraint price_tier_block check (block >= 0);
comment on column catalog.price_tier.block is
    'pricing units (exact times per) that are charged as one, a started block whole, at unit_price a block; 0 = each unit';

alter table catalog.price
    add column round_to numeric(38, 9) not null default 0,
    add column round_mode text not null default 'half_up',
    add constraint price_round_mode check (round_mode in ('half_up', 'half_even', 'down', 'up')),
    add constraint price_round check (round_to >= 0 and (round_to = 0 or model not in ('per_unit', 'dynamic')));
comment on column catalog.price.round_to is
    'pricing units (exact times per) of which the account''s quantity of a period is made a multiple before it is priced; 0 = none';
comment on column catalog.price.round_mode is 'how: half_up, half_even, down (towards zero), up (away from it); half_up if round_to is 0';
