// SPDX-License-Identifier: Apache-2.0
// Random usage that comes in any order, and a reader of it in memory that does what the statements of
// rating/usage_load.c do, with the engine's own spans, windows, intervals and merging.
#pragma once
#include "rating/usage_rows.h"
#include "tests/support/random_catalogue.h"

enum { RANDOM_EVENTS = 80, RANDOM_RESOURCES = 6 };

struct random_event {
    int step; // in which it comes, from 1
    int64_t tenant;
    int32_t meter;
    enum aggregation aggregation;
    struct hash128 dimension_set;
    instant_us at;
    struct hash128 id;
    struct quantity quantity; // of a transition its size
    int resource;             // intervals: whose transition it is
    bool running;
};

struct random_usage {
    struct random_event events[RANDOM_EVENTS];
    size_t event_count;
    struct usage_dimension dimensions[16];
    size_t dimension_count;
    const struct catalogue *catalogue;
    struct arena *arena;
};

// Events that come in steps 1 to `steps`, whenever they were used.
void random_usage_make(struct dice *dice, const struct catalogue *catalogue, int steps, struct arena *arena,
                       struct random_usage *usage);

// What a loader gives at the cut of a step: bases[i].cut is the step of the basis; bases NULL: everything is read
// whole, and gathered is not told. The events are taken in an order of the dice. due: the end of that cut.
void random_usage_read(const struct random_usage *usage, const struct catalogue *catalogue, int step, instant_us due,
                       struct dice *dice, const struct usage_request *requests, size_t count,
                       const struct usage_basis *bases, struct arena *arena, struct account_usage *usages,
                       struct usage_gathered *gathered);
