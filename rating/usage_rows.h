// SPDX-License-Identifier: Apache-2.0
// Between the loader and the usage lines: growing lists, evaluation windows, merging and sorting. Pure.
#pragma once
#include "rating/usage.h"

// Slots [from, to) of a tenant that count for a request, before and after they are split at its boundaries.
struct member_range { size_t request; int64_t tenant; instant_us from, to; };
struct usage_span { size_t request; int64_t tenant; instant_us from, to, segment; };
// All of some requests, in an arena. First the ranges are added (what lies outside of the request's period counts for nothing), then they are
// sorted by (tenant, request, from) and cut into the list, which is in that order too.
struct usage_spans {
    struct arena *arena;
    const struct usage_request *requests;
    struct member_range *ranges; size_t range_count, range_capacity;
    const struct usage_span *list; size_t count;
};
void usage_spans_add_tenant(struct usage_spans *spans, size_t request, int64_t tenant, instant_us from, instant_us to);
void usage_spans_add_account(struct usage_spans *spans, const struct catalogue *catalogue, size_t request); // members, also of the accounts that buy from it
void usage_spans_cut(struct usage_spans *spans);
// What is known of one slot of a meter that is merged by slot; of a unique meter each value of a slot is one, named by its hash.
struct slot_value { size_t request; int64_t tenant; int32_t meter; struct hash128 dimension_set; instant_us slot; struct quantity greatest, latest, least, total; int64_t events; struct hash128 value; };

struct usage_row { size_t request; struct usage_line line; };
struct usage_rows { struct arena *arena; struct usage_row *rows; size_t count, capacity; };

instant_us usage_segment(const struct usage_request *request, instant_us instant);
// Index of the first range of a tenant in ranges sorted by tenant; count if none.
size_t member_range_first(const struct member_range *ranges, size_t count, int64_t tenant);
// SHA-256 per request of its period and spans: two loads with the same digest add up the same slots into the same segments.
// spans are in the order of (tenant, request, from), so that the digest does not depend on the other requests.
void usage_spans_digest(const struct usage_request *requests, size_t count, const struct usage_span *spans, size_t span_count, struct usage_gathered *gathered);
// Was the basis gathered from the same slots into the same segments: is what was added since all that is new?
bool usage_basis_holds(const struct usage_basis *basis, const struct usage_gathered *gathered);
void usage_dimensions_sort(struct usage_dimension *dimensions, size_t count);

void usage_rows_add(struct usage_rows *rows, size_t request, const struct usage_line *line);
// Merges slot values within each meter's evaluation window (slot, day of the request's zone, period) and adds one line per window. Reorders slots.
enum err usage_evaluate_windows(const struct catalogue *catalogue, const struct usage_request *requests, struct slot_value *slots, size_t count, struct usage_rows *rows, struct fault *fault) MUST_USE;
// Sorts, merges equal QUANTITY lines and hands every request its lines.
enum err usage_rows_finish(struct usage_rows *rows, const struct usage_request *requests, size_t request_count, struct account_usage *usages, struct fault *fault) MUST_USE;
