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
};

// The changes in a heap array (free it), sorted by (shard, tenant, meter, month). A sum beyond the range of a quantity
// is cut off at it: the figure is read again from PostgreSQL then (merged is set).
struct counter_change *counter_changes_build(const struct catalogue *catalogue, const struct usage_row *const *usage,
                                             size_t usage_count, size_t *count);

// The change that a quantity in a slot is, with its month; *memory: zero-initialise, and keep it from call to call.
struct counter_month {
    int64_t tenant;
    instant_us start, end; // slots that are in the month that was found last, by one membership; empty at first
    int32_t month;
};
struct counter_change counter_change_of(const struct catalogue *catalogue, const struct tenant *tenant,
                                        const struct meter *meter, instant_us slot, struct quantity quantity,
                                        struct counter_month *memory);
// Sorts changes and puts those of one counter together; how many are left.
size_t counter_changes_merge(struct counter_change *changes, size_t count);

// Which slots are in a tenant's month: of each membership those of the civil month in the zone of the account that pays
// then, by that account's newest terms; in UTC if nobody does. A tenant that moves between zones may have slots of one
// month in two spans, with a gap between them. Calls take for each span [from, to), in time order.
void counter_month_spans(const struct catalogue *catalogue, int64_t tenant, int32_t month,
                         void (*take)(void *context, instant_us from, instant_us to), void *context);
