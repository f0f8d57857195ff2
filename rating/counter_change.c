// SPDX-License-Identifier: Apache-2.0
// Sorts a batch's changes so that those of one counter stand together, and adds these up.
#include "rating/counter_change.h"

#include <stdlib.h>

#include "common/arena.h"

// The month of the last row: neighbours are of the same tenant more often than not.
struct month_memory {
    int64_t tenant;
    instant_us start, end; // of the month; empty at first
    int32_t month;
};

const struct zone *counter_zone(const struct catalogue *catalogue, int64_t tenant, instant_us slot)
{
    const struct zone *zone = NULL;
    int64_t account = catalogue_payer(catalogue, tenant, slot);
    const struct agreement *terms = account ? catalogue_agreement(catalogue, account, INSTANT_MAX - 1) : NULL;
    if (terms) return terms->zone;
    ENSURE(zone_open("UTC", &zone, NULL) == ERR_OK);
    return zone;
}

static void month_find(const struct catalogue *catalogue, int64_t tenant, instant_us slot, struct month_memory *memory)
{
    if (memory->tenant == tenant && slot >= memory->start && slot < memory->end) return;
    int year = 0, month = 0;
    const struct zone *zone = counter_zone(catalogue, tenant, slot);
    zone_month_of(zone, slot, &year, &month);
    zone_month(zone, year, month, &memory->start, &memory->end);
    memory->tenant = tenant;
    memory->month = year * 100 + month;
}

static int change_compare(const void *a, const void *b)
{
    const struct counter_change *x = a, *y = b;
    if (x->shard != y->shard) return x->shard < y->shard ? -1 : 1;
    if (x->tenant != y->tenant) return x->tenant < y->tenant ? -1 : 1;
    if (x->meter != y->meter) return x->meter < y->meter ? -1 : 1;
    return (x->month > y->month) - (x->month < y->month);
}

struct counter_change *counter_changes_build(const struct catalogue *catalogue, const struct usage_row *const *usage,
                                             size_t usage_count, size_t *count)
{
    *count = 0;
    if (usage_count == 0) return NULL;
    struct month_memory memory = {.tenant = 0};
    struct counter_change *changes = heap_grow(NULL, sizeof *changes, usage_count);
    for (size_t i = 0; i < usage_count; i++) {
        const struct usage_row *row = usage[i];
        month_find(catalogue, row->tenant->number, row->slot, &memory);
        changes[i] = (struct counter_change){
            .shard = row->tenant->shard,
            .tenant = row->tenant->number,
            .meter = row->meter->number,
            .month = memory.month,
            .merged = row->meter->aggregation == AGGREGATION_MAX || row->meter->aggregation == AGGREGATION_LATEST,
            .added = row->quantity,
            .month_start = memory.start,
            .month_end = memory.end,
        };
    }
    qsort(changes, usage_count, sizeof *changes, change_compare);
    for (size_t i = 0; i < usage_count; i++) {
        struct counter_change *last = *count > 0 ? &changes[*count - 1] : NULL;
        if (!last || change_compare(last, &changes[i]) != 0)
            changes[(*count)++] = changes[i];
        else if (!last->merged && quantity_add(last->added, changes[i].added, &last->added))
            last->merged = true;
    }
    return changes;
}
