// SPDX-License-Identifier: Apache-2.0
// Graduated prices: the usage of all tenants of the account under one (SKU, book, match) moves through the tiers together, in time
// order where the price version changes. Unit n belongs to the tier with previous bound < n <= bound. One shared charge per
// price version and tier entered, rounded half-up once.
#include <stdlib.h>
#include <string.h>

#include "rating/price.h"

// Items of one ladder climb together.
static int ladder_order(const struct price_item *a, const struct price_item *b)
{
    if (a->sku != b->sku) return a->sku < b->sku ? -1 : 1;
    if (a->price->model != b->price->model) return a->price->model < b->price->model ? -1 : 1;
    if (a->price->book != b->price->book) return a->price->book < b->price->book ? -1 : 1;
    return strcmp(a->price->match_text, b->price->match_text);
}

static int item_order(const void *left, const void *right)
{
    const struct price_item *a = left, *b = right;
    int order = ladder_order(a, b);
    if (order) return order;
    if (a->segment != b->segment) return a->segment < b->segment ? -1 : 1;
    return (a->price->number > b->price->number) - (a->price->number < b->price->number);
}

// Charges what lies between the positions `from` and `to` of the ladder (meter units used in the period so far) by one version.
static enum err climb(const struct price_item *item, struct quantity from, struct quantity to, struct charge_list *list)
{
    const struct price_version *price = item->price;
    struct quantity floor = QUANTITY_ZERO;
    for (size_t tier = 0; tier < price->tier_count; tier++) {
        const struct price_tier *step = &price->tiers[tier];
        struct quantity low = quantity_compare(from, floor) > 0 ? from : floor;
        struct quantity high = step->last || quantity_compare(to, step->up_to) < 0 ? to : step->up_to;
        floor = step->up_to;
        if (quantity_compare(low, high) >= 0) continue;
        struct charge charge = {.sku = item->sku, .price = price->number, .tier = (int)tier, .stage = STAGE_USAGE};
        if (quantity_sub(high, low, &charge.quantity)) return ERR_LIMIT;
        if (amount_of(charge.quantity, step->price, price->per, &charge.contracted_cost)) return ERR_LIMIT;
        charge.list_cost = charge.effective_cost = charge.billed_cost = charge.contracted_cost;
        *charge_list_add(list) = charge;
    }
    return ERR_OK;
}

// Items [from, to) of one ladder, in time order: consecutive segments of the same version climb as one.
static enum err rate_ladder(const struct price_item *items, size_t from, size_t to, struct charge_list *list)
{
    struct quantity position = QUANTITY_ZERO;
    for (size_t i = from; i < to;) {
        const struct price_item *first = &items[i];
        struct quantity reached = position;
        for (; i < to && items[i].price == first->price; i++)
            if (quantity_add(reached, items[i].quantity, &reached)) return ERR_LIMIT;
        if (climb(first, position, reached, list)) return ERR_LIMIT;
        position = reached;
    }
    return ERR_OK;
}

enum err price_graduated_rate(struct price_item *items, size_t count, struct charge_list *list)
{
    if (count) qsort(items, count, sizeof *items, item_order);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && ladder_order(&items[from], &items[to]) == 0;) to++;
        if (items[from].price->model != PRICE_GRADUATED) continue;
        if (rate_ladder(items, from, to, list)) return charge_limit_fault(list->catalogue, items[from].tenant, items[from].sku, list->fault);
    }
    return ERR_OK;
}
