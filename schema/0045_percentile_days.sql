-- SPDX-License-Identifier: Apache-2.0
-- The 95th percentile of a period as the usage of each of its days with samples.

alter table catalog.meter
    drop constraint meter_window,
    add constraint meter_window check (evaluation_window in (
        'slot', 'day', 'period', 'percentile_95', 'percentile_95_all', 'percentile_95_daily', 'percentile_95_days'));
comment on column catalog.meter.evaluation_window is
    'max, min, average, latest and unique: merged within slot, day or period of the account, then summed over the period; percentile_95 (of the samples that came), percentile_95_all (slots without a sample are 0), percentile_95_daily (mean of the five greatest days): of all slots of a period; percentile_95_days: percentile_95, once for each day with samples; percentiles not for unique';
