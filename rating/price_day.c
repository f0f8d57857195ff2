// SPDX-License-Identifier: Apache-2.0
// Days of prices that count them: civil days on the clocks of the account's zone, as the windows of meters have them.
#include "common/zone.h"
#include "rating/price.h"

int64_t price_day(const struct zone *zone, instant_us instant)
{
    return instant_floor(instant + zone_offset_seconds(zone, instant) * SECOND_US, DAY_US) / DAY_US;
}

int64_t price_period_days(const struct zone *zone, instant_us start, instant_us end)
{
    int64_t days = price_day(zone, end) - price_day(zone, start);
    return days > 0 ? days : 1;
}
