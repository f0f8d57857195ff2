-- SPDX-License-Identifier: Apache-2.0
-- Levels that are billed by the 95th percentile of their samples.

alter table catalog.meter
    drop constraint meter_window,
    add constraint meter_window check (
        evaluation_window in ('slot', 'day', 'period', 'percentile_95', 'percentile_95_all', 'percentile_95_daily')),
    add constraint meter_percentile check (evaluation_window not like 'percentile%' or slot_minutes = 5);
comment on column catalog.meter.evaluation_window is
    'max and latest: merged within slot, day or period of the account, then summed over the period; percentile_95 (of the samples that came), percentile_95_all (slots without a sample are 0), percentile_95_daily (mean of the five greatest days): of all slots of a period';
