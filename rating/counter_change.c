// SPDX-License-Identifier: Apache-2.0
// Sorts a batch's changes so that those of one counter stand together, and adds these up.
#include "rating/counter_change.h"

#include <stdlib.h>

#include "catalogue/aggregation.h"
#include "common/arena.h"

static const struct zone *zone_of(const struct catalogue *catalogue, int64_t account)
{
    const struct zone *zone = NULL;
    const struct agreement *terms = account ? catalogue_agreement(catalogue, account, INSTANT_MAX - 1) : NULL;
    if (terms) return terms->zone;
    ENSURE(zone_open("UTC", &zone, NULL) == ERR_OK);
    return zone;
}

// The membership of a slot; where there is none, the time without one, of account 0.
static struct membership membership_at(const struct catalogue *catalogue, int64_t tenant, instant_us slot)
{
    size_t count = 0;
    const struct membership *list = catalogue_memberships(catalogue, tenant, &count);
    struct membership none = {.tenant = tenant, .effective_from = INSTANT_MIN, .effective_to = INSTANT_MAX};
    for (size_t i = 0; i < count; i++) {
        if (slot >= list[i].effective_from && slot < list[i].effective_to) return list[i];
        if (list[i].effective_to <= slot && list[i].effective_to > none.effective_from)
            none.effective_from = list[i].effective_to;
        if (list[i].effective_from > slot && list[i].effective_from < none.effective_to)
            none.effective_to = list[i].effective_from;
    }
    return none;
}

static void month_find(const struct catalogue *catalogue, int64_t tenant, instant_us slot, struct counter_month *memory)
{
    // neighbours are of the same tenant more often than not
    if (memory->tenant == tenant && slot >= memory->start && slot < memory->end) return;
    int year = 0, month = 0;
    const struct membership membership = membership_at(catalogue, tenant, slot);
    const struct zone *zone = zone_of(catalogue, membership.account);
    zone_month_of(zone, slot, &year, &month);
    zone_month(zone, year, month, &memory->start, &memory->end);
    if (memory->start < membership.effective_from) memory->start = membership.effective_from;
    if (memory->end > membership.effective_to) memory->end = membership.effective_to;
    memory->tenant = tenant;
    memory->month = year * 100 + month;
}

void counter_month_spans(const struct catalogue *catalogue, int64_t tenant, int32_t month,
                         void (*take)(void *context, instant_us from, instant_us to), void *context)
{
    // no zone is further from UTC than two days; memberships within are walked one after the other
    const struct zone *utc = zone_of(catalogue, 0);
    instant_us start, end;
    zone_month(utc, month / 100, month % 100, &start, &end);
    start -= 2 * DAY_US;
    end += 2 * DAY_US;
    for (instant_us at = start; at < end;) {
        const struct membership membership = membership_at(catalogue, tenant, at);
        instant_us from, to;
        zone_month(zone_of(catalogue, membership.account), month / 100, month % 100, &from, &to);
        if (from < membership.effective_from) from = membership.effective_from;
        if (to > membership.effective_to) to = membership.effective_to;
        if (from < to) take(context, from, to);
        at = membership.effective_to;
    }
}

static int change_compare(const void *a, const void *b)
{
    const struct counter_change *x = a, *y = b;
    if (x->shard != y->shard) return x->shard < y->shard ? -1 : 1;
    if (x->tenant != y->tenant) return x->tenant < y->tenant ? -1 : 1;
    if (x->meter != y->meter) return x->meter < y->meter ? -1 : 1;
    return (x->month > y->month) - (x->month < y->month);
}

struct counter_change counter_change_of(const struct catalogue *catalogue, const struct tenant *tenant,
                                        const struct meter *meter, instant_us slot, struct quantity quantity,
                                        struct counter_month *memory)
{
    month_find(catalogue, tenant->number, slot, memory);
    return (struct counter_change){
        .shard = tenant->shard,
        .tenant = tenant->number,
        .meter = meter->number,
        .month = memory->month,
        .merged = meter_keeping(meter) == KEPT_MERGED,
        .added = quantity,
    };
}

size_t counter_changes_merge(struct counter_change *changes, size_t count)
{
    size_t kept = 0;
    if (count > 0) qsort(changes, count, sizeof *changes, change_compare);
    for (size_t i = 0; i < count; i++) {
        struct counter_change *last = kept > 0 ? &changes[kept - 1] : NULL;
        if (!last || change_compare(last, &changes[i]) != 0)
            changes[kept++] = changes[i];
        else if (!last->merged && quantity_add(last->added, changes[i].added, &last->added))
            last->merged = true;
    }
    return kept;
}

struct counter_change *counter_changes_build(const struct catalogue *catalogue, const struct usage_row *const *usage,
                                             size_t usage_count, size_t *count)
{
    *count = 0;
    if (usage_count == 0) return NULL;
    struct counter_month memory = {.tenant = 0};
    struct counter_change *changes = heap_grow(NULL, sizeof *changes, usage_count);
    for (size_t i = 0; i < usage_count; i++)
        changes[i] = counter_change_of(catalogue, usage[i]->tenant, usage[i]->meter, usage[i]->slot, usage[i]->quantity,
                                       &memory);
    *count = counter_changes_merge(changes, usage_count);
    return changes;
}
