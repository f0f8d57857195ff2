// SPDX-License-Identifier: Apache-2.0
// Ladders of shared prices: the usage of all tenants of the account under one (SKU, book, match) is put in time order,
// and every price version climbs from where the one before ended. What a climb costs is its model's affair
// (price_table.c).
#include <stdlib.h>
#include <string.h>

#include "rating/price.h"

int price_ladder_order(const struct price_version *a, const struct price_version *b)
{
    if (a->sku != b->sku) return a->sku < b->sku ? -1 : 1;
    if (a->book != b->book) return a->book < b->book ? -1 : 1;
    int order = strcmp(a->match_text, b->match_text);
    return order ? order : strcmp(a->hours, b->hours);
}

static int item_order(const void *left, const void *right)
{
    const struct price_item *a = left, *b = right;
    int order = price_ladder_order(a->price, b->price);
    if (order) return order;
    if (a->segment != b->segment) return a->segment < b->segment ? -1 : 1;
    return (a->price->number > b->price->number) - (a->price->number < b->price->number);
}

void price_climb_charge(const struct price_climb *climb, size_t tier, struct quantity quantity, struct amount cost,
                        struct charge_list *list)
{
    if (quantity.nano == 0 && cost.pico == 0) return;
    *charge_list_add(list) = (struct charge){
        .sku = climb->price->sku,
        .price = climb->price->number,
        .tier = (int)tier,
        .stage = STAGE_USAGE,
        .quantity = quantity,
        .list_cost = cost,
        .contracted_cost = cost,
        .effective_cost = cost,
        .billed_cost = cost,
    };
}

size_t price_climb_tier(const struct price_climb *climb)
{
    size_t tier = 0;
    while (!climb->price->tiers[tier].last && quantity_compare(climb->reached, climb->price->tiers[tier].up_to) > 0)
        tier++;
    return tier;
}

// A charge of another stage than usage.
static void add_stage(const struct price_climb *climb, enum charge_stage stage, struct quantity quantity,
                      struct amount cost, struct charge_list *list)
{
    if (quantity.nano == 0 && cost.pico == 0) return;
    price_climb_charge(climb, 0, quantity, cost, list);
    list->charges[list->count - 1].stage = stage;
}

// --- one ladder

// A position less the version's free units.
static struct quantity charged(const struct price_version *price, struct quantity position)
{
    if (quantity_compare(position, price->free) <= 0) return QUANTITY_ZERO;
    return (struct quantity){position.nano - price->free.nano};
}

// One version's part of the way, positions still with free units.
static enum err rate_climb(struct price_climb climb, struct charge_list *list)
{
    struct quantity part, free;
    if (quantity_sub(climb.to, climb.from, &part)) return ERR_LIMIT;
    climb.from = charged(climb.price, climb.from);
    climb.to = charged(climb.price, climb.to);
    climb.reached = charged(climb.price, climb.reached);
    free.nano = part.nano - (climb.to.nano - climb.from.nano);
    add_stage(&climb, STAGE_FREE, free, AMOUNT_ZERO, list);
    return climb.reached.nano ? price_climbs[climb.price->model](&climb, list) : ERR_OK;
}

// What brings the charges from `first` on up or down to the limits of the version that was used last.
static enum err limit_spend(const struct price_climb *climb, size_t first, struct charge_list *list)
{
    const struct price_version *price = climb->price;
    struct amount total = AMOUNT_ZERO, least, most, change;
    for (size_t i = first; i < list->count; i++)
        if (amount_add(total, list->charges[i].billed_cost, &total)) return ERR_LIMIT;
    if (charge_list_flat(list, price->minimum_spend, &least) || charge_list_flat(list, price->maximum_spend, &most))
        return ERR_LIMIT;
    if (amount_compare(total, least) < 0) {
        if (amount_sub(least, total, &change)) return ERR_LIMIT;
        add_stage(climb, STAGE_MINIMUM_SPEND, QUANTITY_ZERO, change, list);
    } else if (price->maximum_spend.pico && amount_compare(total, most) > 0) {
        if (amount_sub(most, total, &change)) return ERR_LIMIT;
        add_stage(climb, STAGE_MAXIMUM_SPEND, QUANTITY_ZERO, change, list);
    }
    return ERR_OK;
}

// Items of one ladder, in time order, none of them zero: consecutive segments of the same version climb as one.
static enum err rate_ladder(const struct price_item *items, size_t count, struct charge_list *list)
{
    struct price_climb climb = {.reached = QUANTITY_ZERO};
    size_t first = list->count;
    for (size_t i = 0; i < count; i++)
        if (quantity_add(climb.reached, items[i].quantity, &climb.reached)) return ERR_LIMIT;
    for (size_t i = 0; i < count;) {
        climb.price = items[i].price;
        climb.from = climb.to;
        for (; i < count && items[i].price == climb.price; i++)
            if (quantity_add(climb.to, items[i].quantity, &climb.to)) return ERR_LIMIT;
        climb.last = i == count;
        if (rate_climb(climb, list)) return ERR_LIMIT;
    }
    return limit_spend(&climb, first, list);
}

// --- all ladders

// Moves the items of shared prices to the front. Usage of nothing is none: it neither begins a version nor makes a fee
// due.
static size_t shared_first(struct price_item *items, size_t count)
{
    size_t shared = 0;
    for (size_t i = 0; i < count; i++) {
        if (!price_climbs[items[i].price->model] || items[i].quantity.nano == 0) continue;
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
