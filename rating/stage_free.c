// SPDX-License-Identifier: Apache-2.0
// The free units of prices: the first units of a period under a ladder, in time order, are not open to the stages that
// follow. What is left of them when those have taken theirs is what the price then gives free. Pure.
#include <stdlib.h>

#include "rating/stage.h"

static int item_order(const void *left, const void *right)
{
    const struct price_item *a = left, *b = right;
    int order = price_ladder_order(a->price, b->price);
    if (order) return order;
    return (a->segment > b->segment) - (a->segment < b->segment);
}

// Part of [position, position + quantity) that is among the first `free` units.
static int128 free_part(int128 position, int128 quantity, int128 free)
{
    if (position >= free) return 0;
    return free - position < quantity ? free - position : quantity;
}

// Another ladder, or another day of a price that counts days.
static bool goes_on_anew(const struct stage_work *work, const struct price_item *before, const struct price_item *item)
{
    const struct zone *zone = work->agreement->zone;
    if (price_ladder_order(before->price, item->price) != 0) return true;
    return item->price->daily && price_day(zone, before->segment) != price_day(zone, item->segment);
}

enum err stage_free_run(struct stage_work *work)
{
    int128 position = 0;
    bool any = false;
    for (size_t i = 0; i < work->item_count && !any; i++)
        any = work->items[i].price->free.nano != 0;
    if (!any) return ERR_OK;
    qsort(work->items, work->item_count, sizeof *work->items, item_order);
    for (size_t i = 0; i < work->item_count; i++) {
        struct price_item *item = &work->items[i];
        if (i > 0 && goes_on_anew(work, &work->items[i - 1], item)) position = 0;
        int128 free = free_part(position, item->open.nano, item->price->free.nano);
        item->open.nano -= free;
        if (decimal_add(position, item->quantity.nano, &position))
            return charge_limit_fault(work->catalogue, item->tenant, item->sku, work->fault);
    }
    return ERR_OK;
}
