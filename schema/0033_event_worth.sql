-- SPDX-License-Identifier: Apache-2.0
-- Amounts that are computed of every event, and prices that the events bring.

alter table catalog.meter
    add column value_times text,
    add column event_rate numeric(38, 12),
    add column event_fixed numeric(38, 9),
    add column event_minimum numeric(38, 9),
    add column event_maximum numeric(38, 9),
    add constraint meter_worth check (aggregation = 'sum' or (value_times is null and event_rate is null)),
    add constraint meter_fee check (
        num_nulls(event_rate, event_fixed, event_minimum, event_maximum) in (0, 4)
        and event_rate >= 0 and event_fixed >= 0 and event_minimum >= 0 and event_maximum >= 0
        and (event_maximum = 0 or event_minimum <= event_maximum));
comment on column catalog.meter.value_times is 'sum: member of data by which the value is multiplied; null: none';
comment on column catalog.meter.event_rate is
    'sum: an event counts event_rate x its value + event_fixed, within event_minimum and event_maximum; null: it counts its value';
comment on column catalog.meter.event_fixed is 'in the meter''s unit; null with event_rate';
comment on column catalog.meter.event_minimum is 'in the meter''s unit; null with event_rate';
comment on column catalog.meter.event_maximum is 'in the meter''s unit, 0 = none; null with event_rate';

alter table catalog.price
    drop constraint price_model,
    drop constraint price_unit_price,
    drop constraint price_own,
    add constraint price_model check (
        model in ('per_unit', 'graduated', 'volume', 'package', 'stairstep', 'percentage', 'flat', 'dynamic')),
    add constraint price_unit_price check (
        (model in ('per_unit', 'package', 'percentage', 'flat', 'dynamic')) = (unit_price is not null)),
    add constraint price_own check (
        model not in ('per_unit', 'dynamic') or (free = 0 and minimum_spend = 0 and maximum_spend = 0)),
    add constraint price_dynamic check (model <> 'dynamic' or per = 1);
comment on column catalog.price.model is
    'per_unit; dynamic: the meter counts money; shared by the account''s tenants: graduated, volume, package, stairstep, percentage, flat (docs/pricing.md)';
comment on column catalog.price.unit_price is
    'in the book''s currency; per_unit, package: of one pricing unit; percentage, dynamic: of one unit of the amount; flat: of a period with usage';
