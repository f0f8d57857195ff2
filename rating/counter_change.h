// SPDX-License-Identifier: Apache-2.0
// What a committed batch changes in the counters: its usage rows, put together by tenant, meter and civil month of the
// slot in the payer's zone. Pure. Interval meters have no counter: they accrue without events.
#pragma once
#include "rating/accumulate.h"

struct counter_change {
    int shard;
    int64_t tenant;
    int32_t meter;
    int32_t month;         // YYYYMM
    bool merged;           // max, latest: the month's figure cannot be added up, it is read from PostgreSQL
    struct quantity added; // sum, count
    instant_us month_start, month_end;
};

// The changes in a heap array (free it), sorted by (shard, tenant, meter, month). A sum beyond the range of a quantity
// is cut off at it: the figure is read again from PostgreSQL then (merged is set).
struct counter_change *counter_changes_build(const struct catalogue *catalogue, const struct usage_row *const *usage,
                                             size_t usage_count, size_t *count);

// The zone of the months of a tenant's usage in a slot: that of the newest terms of the account that pays; UTC if
// nobody does.
const struct zone *counter_zone(const struct catalogue *catalogue, int64_t tenant, instant_us slot);
