// SPDX-License-Identifier: Apache-2.0
// Which slots of which tenants count for a request: the memberships of its account and of those that buy from it,
// clipped to its period and split at its boundaries. Pure.
#include <stdlib.h>

#include "rating/usage_rows.h"

enum { CHAIN_MAX = 8 }; // levels of the partner chain, checked by the schema

void usage_spans_add_tenant(struct usage_spans *spans, size_t request, int64_t tenant, instant_us from, instant_us to)
{
    const struct usage_request *wanted = &spans->requests[request];
    if (from < wanted->period_start) from = wanted->period_start;
    if (to > wanted->period_end) to = wanted->period_end;
    if (from >= to) return;
    spans->ranges =
        arena_grow(spans->arena, spans->ranges, sizeof *spans->ranges, spans->range_count, &spans->range_capacity);
    spans->ranges[spans->range_count++] = (struct member_range){request, tenant, from, to};
}

static void add_members(struct usage_spans *spans, const struct catalogue *catalogue, size_t request, int64_t account,
                        int depth)
{
    size_t member_count, customer_count;
    const struct membership *members = catalogue_members(catalogue, account, &member_count);
    for (size_t i = 0; i < member_count; i++)
        usage_spans_add_tenant(spans, request, members[i].tenant, members[i].effective_from, members[i].effective_to);
    const int64_t *customers = catalogue_customers(catalogue, account, &customer_count);
    ENSURE(depth < CHAIN_MAX);
    for (size_t i = 0; i < customer_count; i++)
        add_members(spans, catalogue, request, customers[i], depth + 1);
}

void usage_spans_add_account(struct usage_spans *spans, const struct catalogue *catalogue, size_t request)
{
    add_members(spans, catalogue, request, spans->requests[request].account, 0);
}

static int range_order(const void *left, const void *right)
{
    const struct member_range *a = left, *b = right;
    if (a->tenant != b->tenant) return a->tenant < b->tenant ? -1 : 1;
    if (a->request != b->request) return a->request < b->request ? -1 : 1;
    return (a->from > b->from) - (a->from < b->from);
}

void usage_spans_cut(struct usage_spans *spans)
{
    struct usage_span *list = NULL;
    size_t capacity = 0;
    if (spans->range_count) qsort(spans->ranges, spans->range_count, sizeof *spans->ranges, range_order);
    for (size_t i = 0; i < spans->range_count; i++) {
        const struct member_range *range = &spans->ranges[i];
        const struct usage_request *request = &spans->requests[range->request];
        instant_us from = range->from;
        for (size_t b = 0; from < range->to; b++) {
            instant_us end =
                b < request->boundary_count && request->boundaries[b] < range->to ? request->boundaries[b] : range->to;
            if (end <= from) continue;
            list = arena_grow(spans->arena, list, sizeof *list, spans->count, &capacity);
            list[spans->count++] =
                (struct usage_span){range->request, range->tenant, from, end, usage_segment(request, from)};
            from = end;
        }
    }
    spans->list = list;
}
