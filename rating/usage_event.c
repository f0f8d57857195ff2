// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "rating/usage_event.h"

#include <stdlib.h>

enum { EVENTS_FIRST = 256 };

void usage_events_add(struct usage_events *events, size_t request, const struct kept_event *event)
{
    if (events->count == events->capacity) {
        events->capacity = events->capacity ? 2 * events->capacity : EVENTS_FIRST;
        events->rows = heap_grow(events->rows, sizeof *events->rows, events->capacity);
    }
    events->rows[events->count++] = (struct event_row){request, *event};
}

void usage_events_free(struct usage_events *events)
{
    free(events->rows);
    *events = (struct usage_events){0};
}

// Of what a usage line is known by; the same order as that of lines.
static int record_order(const struct kept_event *a, const struct kept_event *b)
{
    if (a->meter != b->meter) return a->meter < b->meter ? -1 : 1;
    int order = hash128_compare(a->dimension_set, b->dimension_set);
    if (order) return order;
    if (a->tenant != b->tenant) return a->tenant < b->tenant ? -1 : 1;
    return (a->segment > b->segment) - (a->segment < b->segment);
}

static int row_order(const void *left, const void *right)
{
    const struct event_row *a = left, *b = right;
    if (a->request != b->request) return a->request < b->request ? -1 : 1;
    int order = record_order(&a->event, &b->event);
    if (order) return order;
    if (a->event.time != b->event.time) return a->event.time < b->event.time ? -1 : 1;
    return hash128_compare(a->event.id, b->event.id);
}

void usage_events_finish(struct usage_events *events, const struct usage_request *requests, size_t request_count,
                         struct arena *arena, struct account_usage *usages)
{
    struct kept_event *list = ARENA_ARRAY(arena, struct kept_event, events->count + 1);
    if (events->count) qsort(events->rows, events->count, sizeof *events->rows, row_order);
    for (size_t i = 0; i < events->count; i++)
        list[i] = events->rows[i].event;
    for (size_t request = 0, at = 0; request < request_count; request++) {
        size_t from = at;
        while (at < events->count && events->rows[at].request == request)
            at++;
        usages[request].events = list + from;
        usages[request].event_count = at - from;
        usages[request].events_known = requests[request].events;
    }
}

// First event that does not come before the record.
static size_t lower_bound(const struct account_usage *usage, const struct kept_event *record, bool after)
{
    size_t low = 0, high = usage->event_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = record_order(&usage->events[middle], record);
        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct kept_event *usage_events_of(const struct account_usage *usage, const struct usage_line *line,
                                         size_t *count)
{
    const struct kept_event record = {
        .meter = line->meter, .dimension_set = line->dimension_set, .tenant = line->tenant, .segment = line->segment};
    size_t first = lower_bound(usage, &record, false);
    *count = lower_bound(usage, &record, true) - first;
    return usage->events + first;
}
