-- SPDX-License-Identifier: Apache-2.0
-- Rounding that makes nothing of what is owed vanish.

alter table catalog.agreement
    drop constraint agreement_rounding,
    add constraint agreement_rounding check (rounding in ('half_up', 'half_even', 'down', 'up', 'half_up_nonzero'));
comment on column catalog.agreement.rounding is
    'how documents round to the minor unit; half_up_nonzero: half-up, but what lies between 0 and one unit is one unit';
alter table catalog.price
    drop constraint price_round_mode,
    add constraint price_round_mode check (round_mode in ('half_up', 'half_even', 'down', 'up', 'half_up_nonzero'));
comment on column catalog.price.round_mode is
    'how: half_up, half_even, down (towards zero), up (away from it), half_up_nonzero (half-up, what lies between 0 and one place is one place); half_up if round_to is 0';
