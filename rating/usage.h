// SPDX-License-Identifier: Apache-2.0
// Usage of a billing account up to a cut: deltas merged, intervals derived from transitions (rules 4 and 5).
// The loading does I/O; the derivation (interval.c, evaluate.c) is pure.
#pragma once
#include "catalogue/catalogue.h"

enum usage_kind {
    USAGE_QUANTITY, // quantity of a meter in a slot
    USAGE_SHORT_RUN // an interval that has ended: its whole length, for minimum durations; placed in the slot of its last microsecond
};

// One usage record. For max and latest the quantity is already evaluated over the meter's window and stands in the
// window's last slot with usage.
struct usage_line {
    enum usage_kind kind;
    int64_t tenant;
    int32_t meter;
    struct hash128 dimension_set;
    instant_us slot;          // start of the slot (15 minutes or the meter's grain)
    struct quantity quantity; // in the meter's unit; SHORT_RUN: value x length / 1 s
    int64_t run_us;           // SHORT_RUN: length of the run, < 24 h
    struct quantity run_value; // SHORT_RUN: value of its last stretch
};

struct usage_dimension { struct hash128 id; int64_t tenant; struct dimension_set set; const char *text; };

// Usage of one account and period, in an arena. Lines are sorted by (meter, dimension_set, tenant, slot, kind).
struct account_usage {
    int64_t account;
    instant_us period_start, period_end;
    const struct usage_line *lines; size_t line_count;
    const struct usage_dimension *dimensions; size_t dimension_count; // sorted by id
};
const struct usage_dimension *usage_dimension_find(const struct account_usage *usage, struct hash128 id);

// One (account, period) whose usage is wanted.
struct usage_request { int64_t account; instant_us period_start, period_end; const struct zone *zone; };
// Loads the usage of many accounts at a numbered cut in a few set-based statements, inside the caller's transaction
// (a snapshot, or the posting transaction). Usage of a tenant counts for the account that pays at the slot (membership),
// and for the sellers above it. usages[i] answers requests[i].
enum err usage_load(struct db *db, const struct catalogue *catalogue, int64_t cut, const struct usage_request *requests, size_t count, struct arena *arena, struct account_usage *usages, struct fault *fault) MUST_USE;
// The same for "now": everything committed in the caller's snapshot, running intervals up to each partition's watermark slot.
// For live spend (rules 6.3). Through the functions of schema api when the connection is the API's (row-level security).
enum err usage_load_live(struct db *db, const struct catalogue *catalogue, const struct usage_request *requests, size_t count, struct arena *arena, struct account_usage *usages, struct fault *fault) MUST_USE;

// --- pure parts, used by the loader and tested apart
struct transition { int64_t tenant; int32_t meter; struct hash128 resource; instant_us event_time; struct hash128 event_id; bool running; struct quantity value; struct hash128 dimension_set; instant_us cut_end; };
// Derives the slot quantities of ONE resource from its transitions (any order; sorted inside by (event_time, event_id)), clipped to
// [from, to) and to cut_end. A stretch accrues value x seconds; pieces telescope: the sum over slots of a stretch is
// round(value x its length). Emits through `emit`. Repeated starts with the same value and dimensions continue the run; a resize starts a new
// stretch of the same run; a stop before any start does nothing.
typedef enum err usage_emit(void *context, const struct usage_line *line);
enum err interval_derive(const struct transition *transitions, size_t count, int64_t slot_us, instant_us from, instant_us to, instant_us cut_end, struct arena *arena, usage_emit *emit, void *context, struct fault *fault) MUST_USE;
