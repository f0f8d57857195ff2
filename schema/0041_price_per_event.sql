-- SPDX-License-Identifier: Apache-2.0
-- Percentages of every event: a fee with a fixed part and limits, and an allowance that the events of a period use up in
-- their order (docs/pricing.md).

alter table catalog.price
    add column event_fixed numeric(38, 12),
    add column event_minimum numeric(38, 12),
    add column event_maximum numeric(38, 12),
    add column free_events bigint,
    add column free_amount numeric(38, 9),
    add constraint price_per_event check (
        num_nulls(event_fixed, event_minimum, event_maximum, free_events, free_amount) in (0, 5)
        and (event_fixed is null or (model = 'percentage' and fixed = 0 and free = 0 and round_to = 0 and times = ''))
        and event_fixed >= 0 and event_minimum >= 0 and event_maximum >= 0 and free_events >= 0 and free_amount >= 0
        and (event_maximum = 0 or event_minimum <= event_maximum));
comment on column catalog.price.event_fixed is
    'percentage: added to the share of every event that is paid, in the book''s currency; null: the price is of the sum of events';
comment on column catalog.price.event_minimum is 'least fee of an event that is paid; null with event_fixed';
comment on column catalog.price.event_maximum is 'greatest fee of an event, 0 = none; null with event_fixed';
comment on column catalog.price.free_events is
    'so many events of a period, the first in time, are free, 0 = no such bound; null with event_fixed';
comment on column catalog.price.free_amount is
    'events of a period are free up to this sum, in the meter''s unit, 0 = no such bound; null with event_fixed';
