// SPDX-License-Identifier: Apache-2.0
// Usage rows to usage lines: windows of max and latest, merging, order. Pure.
#include "rating/usage_rows.h"

#include <stdlib.h>

#include "rating/percentile.h"

instant_us usage_segment(const struct usage_request *request, instant_us instant)
{
    size_t low = 0, high = request->boundary_count; // of the boundaries at or before the instant the last
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (request->boundaries[middle] <= instant) low = middle + 1;
        else high = middle;
    }
    return low ? request->boundaries[low - 1] : request->period_start;
}

size_t member_range_first(const struct member_range *ranges, size_t count, int64_t tenant)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].tenant < tenant) low = middle + 1;
        else high = middle;
    }
    return low;
}

static int dimension_order(const void *left, const void *right)
{
    return hash128_compare(((const struct usage_dimension *)left)->id, ((const struct usage_dimension *)right)->id);
}

void usage_dimensions_sort(struct usage_dimension *dimensions, size_t count)
{
    if (count) qsort(dimensions, count, sizeof *dimensions, dimension_order);
}

const struct usage_dimension *usage_dimension_find(const struct account_usage *usage, struct hash128 id)
{
    const struct usage_dimension wanted = {.id = id};
    if (!usage->dimension_count) return NULL;
    return bsearch(&wanted, usage->dimensions, usage->dimension_count, sizeof wanted, dimension_order);
}

void usage_rows_add(struct usage_rows *rows, size_t request, const struct usage_line *line)
{
    rows->rows = arena_grow(rows->arena, rows->rows, sizeof *rows->rows, rows->count, &rows->capacity);
    rows->rows[rows->count++] = (struct usage_row){request, *line};
}

static int slot_order(const void *left, const void *right)
{
    const struct slot_value *a = left, *b = right;
    if (a->request != b->request) return a->request < b->request ? -1 : 1;
    if (a->tenant != b->tenant) return a->tenant < b->tenant ? -1 : 1;
    if (a->meter != b->meter) return a->meter < b->meter ? -1 : 1;
    int order = hash128_compare(a->dimension_set, b->dimension_set);
    if (order) return order;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

static bool same_record(const struct slot_value *a, const struct slot_value *b)
{
    return a->request == b->request && a->tenant == b->tenant && a->meter == b->meter && hash128_equal(a->dimension_set, b->dimension_set);
}

static bool same_day(const struct zone *zone, instant_us a, instant_us b)
{
    struct civil left, right;
    zone_civil(zone, a, &left);
    zone_civil(zone, b, &right);
    return left.year == right.year && left.month == right.month && left.day == right.day;
}

static bool same_window(const struct meter *meter, const struct usage_request *request, instant_us a, instant_us b)
{
    switch (meter->window) {
    case WINDOW_SLOT: return a == b;
    case WINDOW_PERIOD:
    case WINDOW_PERCENTILE:
    case WINDOW_PERCENTILE_ALL:
    case WINDOW_PERCENTILE_DAILY:
    case WINDOW_PERCENTILE_DAYS: return true;
    case WINDOW_DAY: return same_day(request->zone, a, b);
    case WINDOW_COUNT: break;
    }
    return false;
}

// The quotient, rounded once.
static enum err mean_of(const struct slot_value *slots, size_t count, struct quantity *mean)
{
    struct quantity total = QUANTITY_ZERO;
    int64_t events = 0;
    for (size_t i = 0; i < count; i++) {
        if (quantity_add(total, slots[i].total, &total) || __builtin_add_overflow(events, slots[i].events, &events)) return ERR_LIMIT;
    }
    ENSURE(events > 0); // a slot comes of an event
    return decimal_mul_div(total.nano, 1, events, ROUND_HALF_UP, &mean->nano);
}

static int hash_order(const void *left, const void *right)
{
    return hash128_compare(*(const struct hash128 *)left, *(const struct hash128 *)right);
}

static struct quantity distinct_of(const struct slot_value *slots, size_t count)
{
    struct hash128 *values = heap_alloc(count * sizeof *values);
    int64_t distinct = 0;
    for (size_t i = 0; i < count; i++) values[i] = slots[i].value;
    qsort(values, count, sizeof *values, hash_order);
    for (size_t i = 0; i < count; i++) distinct += i == 0 || !hash128_equal(values[i], values[i - 1]);
    free(values);
    return (struct quantity){(int128)distinct * 1000000000};
}

// What the slots of one window come to.
static enum err merged_of(enum aggregation aggregation, const struct slot_value *slots, size_t count, struct quantity *value)
{
    *value = aggregation == AGGREGATION_MIN ? slots[0].least : slots[0].greatest;
    switch (aggregation) {
    case AGGREGATION_MAX:
        for (size_t i = 1; i < count; i++)
            if (quantity_compare(slots[i].greatest, *value) > 0) *value = slots[i].greatest;
        return ERR_OK;
    case AGGREGATION_MIN:
        for (size_t i = 1; i < count; i++)
            if (quantity_compare(slots[i].least, *value) < 0) *value = slots[i].least;
        return ERR_OK;
    case AGGREGATION_LATEST:
        *value = slots[count - 1].latest;
        return ERR_OK;
    case AGGREGATION_AVERAGE:
        return mean_of(slots, count, value);
    case AGGREGATION_UNIQUE:
        *value = distinct_of(slots, count);
        return ERR_OK;
    case AGGREGATION_SUM:
    case AGGREGATION_COUNT:
    case AGGREGATION_INTERVAL:
        break;
    }
    return ERR_BUG;
}

// The percentile of the values of all slots of a record.
static enum err percentile_of(const struct meter *meter, const struct usage_request *request, const struct slot_value *slots, size_t count,
                              struct quantity *value)
{
    struct percentile_sample *samples = heap_alloc(count * sizeof *samples);
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++) {
        samples[i].slot = slots[i].slot;
        err = merged_of(meter->aggregation, &slots[i], 1, &samples[i].value);
    }
    if (!err) err = percentile_evaluate(meter->window, request, samples, count, value);
    free(samples);
    return err;
}

enum err usage_evaluate_windows(const struct catalogue *catalogue, const struct usage_request *requests, struct slot_value *slots, size_t count,
                                struct usage_rows *rows, struct fault *fault)
{
    if (count) qsort(slots, count, sizeof *slots, slot_order);
    for (size_t from = 0, to; from < count; from = to) {
        const struct meter *meter = catalogue_meter_newest(catalogue, slots[from].meter);
        const struct usage_request *request = &requests[slots[from].request];
        if (!meter) return fault_set(fault, ERR_BUG, "", "usage of meter %d, which the catalogue does not have", slots[from].meter);
        for (to = from + 1; to < count && same_record(&slots[from], &slots[to]) && same_window(meter, request, slots[from].slot, slots[to].slot);) to++;
        const struct slot_value *last = &slots[to - 1];
        struct quantity value;
        enum err err = percentile_window(meter->window) ? percentile_of(meter, request, &slots[from], to - from, &value)
                                                        : merged_of(meter->aggregation, &slots[from], to - from, &value);
        if (err) return fault_set(fault, err, "", "the samples of meter %s leave the range of exact numbers", meter->id);
        for (size_t i = from; i < to; i++) {
            bool counts = i + 1 == to || (meter->window == WINDOW_PERCENTILE_DAYS && !same_day(request->zone, slots[i].slot, slots[i + 1].slot));
            struct usage_line line = {.kind = USAGE_QUANTITY, .tenant = last->tenant, .meter = last->meter, .dimension_set = last->dimension_set,
                                      .segment = usage_segment(request, slots[i].slot), .quantity = value};
            if (counts) usage_rows_add(rows, last->request, &line);
        }
    }
    return ERR_OK;
}

static int line_order(const void *left, const void *right)
{
    const struct usage_line *a = left, *b = right;
    if (a->meter != b->meter) return a->meter < b->meter ? -1 : 1;
    int order = hash128_compare(a->dimension_set, b->dimension_set);
    if (order) return order;
    if (a->tenant != b->tenant) return a->tenant < b->tenant ? -1 : 1;
    if (a->segment != b->segment) return a->segment < b->segment ? -1 : 1;
    return (a->kind > b->kind) - (a->kind < b->kind);
}

static int row_order(const void *left, const void *right)
{
    const struct usage_row *a = left, *b = right;
    if (a->request != b->request) return a->request < b->request ? -1 : 1;
    return line_order(&a->line, &b->line);
}

// Equal quantity lines become one, in place.
static enum err merge_sorted(struct usage_line *lines, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        struct usage_line *last = kept ? &lines[kept - 1] : NULL;
        if (last && lines[i].kind == USAGE_QUANTITY && line_order(last, &lines[i]) == 0) {
            if (quantity_add(last->quantity, lines[i].quantity, &last->quantity)) return ERR_LIMIT;
        } else {
            lines[kept++] = lines[i];
        }
    }
    *count = kept;
    return ERR_OK;
}

enum err usage_lines_merge(struct usage_line *lines, size_t *count)
{
    if (*count) qsort(lines, *count, sizeof *lines, line_order);
    return merge_sorted(lines, count);
}

enum err usage_rows_finish(struct usage_rows *rows, const struct usage_request *requests, size_t request_count, struct account_usage *usages,
                           struct fault *fault)
{
    if (rows->count) qsort(rows->rows, rows->count, sizeof *rows->rows, row_order);
    struct usage_line *lines = ARENA_ARRAY(rows->arena, struct usage_line, rows->count + 1);
    for (size_t i = 0; i < rows->count; i++) lines[i] = rows->rows[i].line;
    for (size_t request = 0, at = 0; request < request_count; request++) {
        size_t from = at, count;
        while (at < rows->count && rows->rows[at].request == request) at++;
        count = at - from;
        if (merge_sorted(lines + from, &count)) return fault_set(fault, ERR_LIMIT, "", "a quantity leaves the range of exact numbers (1e29)");
        usages[request] = (struct account_usage){.account = requests[request].account, .period_start = requests[request].period_start,
                                                 .period_end = requests[request].period_end, .lines = lines + from, .line_count = count};
    }
    return ERR_OK;
}
