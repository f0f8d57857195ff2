// SPDX-License-Identifier: Apache-2.0
// Usage of a billing account up to a cut: deltas merged, intervals derived from transitions (rules 4 and 5).
// The loading does I/O; the derivation (interval.c) is pure.
#pragma once
#include "catalogue/catalogue.h"

enum usage_kind {
    USAGE_QUANTITY, // quantity of a meter in a segment
    USAGE_RUN       // an interval run that has ended: for minimum durations and increments; in the segment of its last microsecond
};

// One usage record. A period is cut into segments at the boundaries of the request (price changes, days, hours): all
// slots of a segment are merged. For max and latest the quantity is already evaluated over the meter's window (each
// window counts in the segment of its last slot with usage).
struct usage_line {
    enum usage_kind kind;
    int64_t tenant;
    int32_t meter;
    struct hash128 dimension_set;
    instant_us segment;        // start of the segment: period_start or one of the boundaries
    struct quantity quantity;  // in the meter's unit; RUN: zero
    int64_t run_us;            // RUN: length of the whole run
    struct quantity run_value; // RUN: value of its last stretch
};

// One event of a meter that keeps its events. It is in a usage line, too: the events of a line add up to its quantity.
struct kept_event {
    int64_t tenant;
    int32_t meter;
    struct hash128 dimension_set;
    instant_us segment; // of its line
    instant_us time;
    struct hash128 id; // orders events of one instant
    struct quantity value;
};

// What earlier periods of the account used of something that it holds through several (offer_lasts).
struct used_before {
    int64_t holding;
    struct quantity units;            // that a package paid for
    struct amount effective, billed;  // sums of these costs of the charges that it lowered or paid; billed is not above 0
};

struct usage_dimension { struct hash128 id; int64_t tenant; struct dimension_set set; const char *text; };

// Usage of one account and period, in an arena. Lines are sorted by (meter, dimension_set, tenant, segment, kind); QUANTITY lines are unique.
struct account_usage {
    int64_t account;
    instant_us period_start, period_end;
    instant_us due; // up to when time has passed in the period (usage_due): what falls due with time does so before it; loaders leave it 0
    // For each limit of the contract: what earlier periods of its term, if that ends in this one, were billed for in its services. NULL: not
    // known, then no term is made up for. Loaders leave it NULL.
    const struct amount *earlier;
    const struct used_before *used; size_t used_count; // one for each such holding; loaders leave it empty: nothing was used before
    const struct usage_line *lines; size_t line_count;
    const struct usage_dimension *dimensions; size_t dimension_count; // sorted by id
    const struct kept_event *events; size_t event_count; // sorted by (meter, dimension_set, tenant, segment, time, id)
    bool events_known;                                   // they were asked for: none means that there are none
};
// What was used of a holding before the period; all 0: nothing. Never NULL.
const struct used_before *usage_used_before(const struct account_usage *usage, int64_t holding);
// The events of a QUANTITY line, in the order of (time, id). O(log n).
const struct kept_event *usage_events_of(const struct account_usage *usage, const struct usage_line *line, size_t *count);
const struct usage_dimension *usage_dimension_find(const struct account_usage *usage, struct hash128 id);

// One (account, period) whose usage is wanted. boundaries: sorted instants inside the period, on slot bounds, at which lines are split.
struct usage_request {
    int64_t account;
    instant_us period_start, period_end;
    const struct zone *zone; // days of WINDOW_DAY
    const instant_us *boundaries; size_t boundary_count;
    bool events; // kept events are wanted, too: the book prices them one by one (struct price_book)
};
// Who reads: the biller reads through the functions of schema rating; the API through those of schema api, which check
// the key that is bound to the transaction (row-level security, docs/adr).
enum usage_reader { USAGE_READER_BILL, USAGE_READER_API };
enum { USAGE_CUT_LIVE = 0 }; // instead of a cut number: what is committed now in the caller's snapshot, running intervals up to each partition's watermark slot

// Loads the usage of many accounts at a numbered cut (or live, rules 6.3) in a few set-based statements, inside the caller's transaction.
// Usage of a tenant counts for the account that pays at the slot (membership), and for the accounts of the sellers above it.
// usages[i] answers requests[i]; everything lives in the arena.
enum err usage_load(struct db *db, enum usage_reader reader, const struct catalogue *catalogue, int64_t cut, const struct usage_request *requests, size_t count, struct arena *arena, struct account_usage *usages, struct fault *fault) MUST_USE;
// The same for chosen tenants instead of an account (what the usage pages of the API and the command line show): requests' account is ignored.
enum err usage_load_tenants(struct db *db, enum usage_reader reader, const struct catalogue *catalogue, int64_t cut, const int64_t *tenants, size_t tenant_count, const struct usage_request *request, struct arena *arena, struct account_usage *usage, struct fault *fault) MUST_USE;

// Up to when time has passed at a cut, or live: the latest end of any partition, as time passes for all alike. INSTANT_NONE: nothing
// was ever received. A cut's never changes, and a later cut's is not earlier.
enum err usage_due(struct db *db, enum usage_reader reader, int64_t cut, instant_us *due, struct fault *fault) MUST_USE;
// Sets usage->due to that instant, but within the period.
void usage_set_due(struct account_usage *usage, instant_us due);

// --- building on an earlier load (rules 6.3)
// What sum and count meters had at an earlier cut. If the request has the same spans still (which slots of which tenants, split where)
// and no compacted row holds usage from both sides of that cut, only what was added since is read.
struct usage_basis {
    int64_t cut;                               // 0: nothing to build on
    unsigned char spans_digest[SHA256_BYTES];  // as usage_gathered told at that cut
    bool no_levels;                            // as usage_gathered told
    const struct usage_line *lines; size_t line_count; // QUANTITY lines, unique, in any order
};
// What was read of sum and count meters, in the arena: to be kept, so that a later load can build on it.
struct usage_gathered {
    bool anew; // lines are all there is at the cut: they replace the basis's; else what was added to it since
    unsigned char spans_digest[SHA256_BYTES];
    bool no_levels; // usage_load_since: there is no usage of max and latest meters at the cut
    const struct usage_line *lines; size_t line_count; // QUANTITY lines, unique, sorted as those of account_usage
};
// usage_load at a numbered cut on bases, one for each request. The usages are the same as without, to the last digit; max, latest and interval meters
// are always read whole, unless the basis has none of them and none came since. gathered[i] answers requests[i].
enum err usage_load_since(struct db *db, const struct catalogue *catalogue, int64_t cut, const struct usage_request *requests, const struct usage_basis *bases, size_t count, struct arena *arena, struct account_usage *usages, struct usage_gathered *gathered, struct fault *fault) MUST_USE;
// Only the sum and count meters of it.
enum err usage_gather_since(struct db *db, const struct catalogue *catalogue, int64_t cut, const struct usage_request *requests, const struct usage_basis *bases, size_t count, struct arena *arena, struct usage_gathered *gathered, struct fault *fault) MUST_USE;

// --- pure part
// Sorts lines in place and merges QUANTITY lines of one key; sorted as those of account_usage. ERR_LIMIT: a sum leaves the range of exact numbers.
enum err usage_lines_merge(struct usage_line *lines, size_t *count) MUST_USE;
struct transition { struct hash128 event_id; instant_us event_time; bool running; struct quantity value; struct hash128 dimension_set; };
// Called per stretch piece and per ended run; tenant and meter of the line are left 0 for the caller to fill.
typedef enum err usage_emit(void *context, const struct usage_line *line);
// Derives the usage of ONE resource from its transitions (sorted in place by event_time; of one instant what changes the state
// before it comes first, then by event_id), up to cut_end, clipped to [from, to),
// split at the boundaries (sorted, inside (from, to)); the segment of a line is `segment_zero` before the first boundary.
// A stretch accrues value x seconds; pieces telescope: over any split they add up to round(value x its length).
// A repeated start with the same value and dimensions continues; a resize begins a new stretch of the same run; a stop when nothing runs
// does nothing. Errors: ERR_LIMIT (overflow), or what emit returned.
struct interval_window { instant_us from, to, cut_end, segment_zero; const instant_us *boundaries; size_t boundary_count; };
enum err interval_derive(struct transition *transitions, size_t count, const struct interval_window *window, usage_emit *emit, void *context, struct fault *fault) MUST_USE;
