// SPDX-License-Identifier: Apache-2.0
// Ladders of shared prices: the usage of all tenants of the account under one (SKU, book, match) is put in time order, and every
// price version climbs from where the one before ended. What a climb costs is its model's affair (price_table.c).
#include <stdlib.h>
#include <string.h>

#include "rating/price.h"

int price_ladder_order(const struct price_version *a, const struct price_version *b)
{
    if (a->sku != b->sku) return a->sku < b->sku ? -1 : 1;
    if (a->book != b->book) return a->book < b->book ? -1 : 1;
    return strcmp(a->match_text, b->match_text);
}

static int item_order(const void *left, const void *right)
{
    const struct price_item *a = left, *b = right;
    int order = price_ladder_order(a->price, b->price);
    if (order) return order;
    if (a->segment != b->segment) return a->segment < b->segment ? -1 : 1;
    return (a->price->number > b->price->number) - (a->price->number < b->price->number);
}

// Items of one ladder, in time order: consecutive segments of the same version climb as one.
static enum err rate_ladder(const struct price_item *items, size_t count, struct charge_list *list)
{
    struct quantity position = QUANTITY_ZERO;
    for (size_t i = 0; i < count;) {
        struct price_climb climb = {.price = items[i].price, .from = position};
        for (; i < count && items[i].price == climb.price; i++)
            if (quantity_add(position, items[i].quantity, &position)) return ERR_LIMIT;
        climb.to = position;
        if (price_climbs[climb.price->model](&climb, list)) return ERR_LIMIT;
    }
    return ERR_OK;
}

// Moves the items of shared prices to the front.
static size_t shared_first(struct price_item *items, size_t count)
{
    size_t shared = 0;
    for (size_t i = 0; i < count; i++) {
        if (!price_climbs[items[i].price->model]) continue;
        struct price_item item = items[i];
        items[i] = items[shared];
        items[shared++] = item;
    }
    return shared;
}

enum err price_ladder_rate(struct price_item *items, size_t count, struct charge_list *list)
{
    count = shared_first(items, count);
    if (count) qsort(items, count, sizeof *items, item_order);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && price_ladder_order(items[from].price, items[to].price) == 0;)
            to++;
        if (rate_ladder(&items[from], to - from, list))
            return charge_limit_fault(list->catalogue, items[from].tenant, items[from].sku, list->fault);
    }
    return ERR_OK;
}
