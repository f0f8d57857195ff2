// SPDX-License-Identifier: Apache-2.0
// What a batch adds to usage records, keyed (tenant, meter, dimension set, slot), before it is written. Pure, checked
// addition. Merge: sum and count add; max keeps the greatest; latest keeps the value of the greatest (event time,
// identity), so that the result does not depend on the order of the events.
#pragma once
#include "catalogue/catalogue.h"

// Where the canonical JSON of a dimension set stands in a judgement (judge.h).
struct members_span {
    size_t at, length;
};

// One contribution of one event. Pointers live as long as the catalogue.
struct contribution {
    const struct tenant *tenant;
    const struct meter *meter;
    struct hash128 dimension_set;
    instant_us slot;
    struct quantity quantity;
    instant_us event_time;   // latest: decides
    struct hash128 event_id; // latest: breaks ties; unique: the value's hash
    struct members_span members;
    uint32_t row; // set by accumulator_add: its row
    bool new_row; // set by accumulator_add: it made the row, so its dimension set may be new
};

// One row of rating.usage_delta.
struct usage_row {
    const struct tenant *tenant;
    const struct meter *meter;
    struct hash128 dimension_set;
    instant_us slot;
    struct quantity quantity;
    int64_t event_count;
    instant_us latest_time;   // INSTANT_NONE unless the aggregation is latest
    struct hash128 latest_id; // zero unless the aggregation is latest, or unique: the value's hash, a part of the key
};

struct accumulator;
struct accumulator *accumulator_new(void);
void accumulator_free(struct accumulator *accumulator);  // NULL is fine
void accumulator_clear(struct accumulator *accumulator); // keeps the memory

// Adds all contributions of one event (of different meters), or none: ERR_LIMIT when a sum would leave the range of a
// quantity.
enum err accumulator_add(struct accumulator *accumulator, struct contribution *contributions, size_t count) MUST_USE;

// Ask for the cache lines that an add of the contribution will read: first of the table, then, when that has come, of
// the row. False: as far as can be seen without reading rows it will be a new one.
void accumulator_prefetch(const struct accumulator *accumulator, const struct contribution *added);
bool accumulator_prefetch_row(const struct accumulator *accumulator, const struct contribution *added);

size_t accumulator_count(const struct accumulator *accumulator);
// The rows in the canonical order of the chain: (dimension set, meter id, slot, value of a unique meter). Valid until the next add, clear or
// other order; asked for again until then it costs nothing.
const struct usage_row *const *accumulator_sorted(struct accumulator *accumulator);
// The rows by tenant number, then slot: the order of the index on rating.usage_delta, which takes rows of neighbours
// several times faster than rows in the chain's order, and of the counters. Valid likewise.
const struct usage_row *const *accumulator_by_tenant(struct accumulator *accumulator);
// For a loop over all rows in such an order, which is not that of memory: asks for the cache lines of those that come soon.
void accumulator_prefetch_next(const struct usage_row *const *rows, size_t at, size_t count);
