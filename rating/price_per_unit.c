// SPDX-License-Identifier: Apache-2.0
// Per-unit prices: one charge per (tenant, SKU, price version, dimension set, stage); quantity x price / per, rounded
// half-up once. The list cost is added per list price version, each product rounded once.
#include <stdlib.h>

#include "rating/price.h"

static int by_number(const struct price_version *a, const struct price_version *b)
{
    int64_t left = a ? a->number : 0, right = b ? b->number : 0;
    return (left > right) - (left < right);
}

static int key_order(const struct price_item *a, const struct price_item *b)
{
    if (a->tenant != b->tenant) return a->tenant < b->tenant ? -1 : 1;
    if (a->sku != b->sku) return a->sku < b->sku ? -1 : 1;
    int order = by_number(a->price, b->price);
    if (order) return order;
    order = hash128_compare(a->dimension_set, b->dimension_set);
    return order ? order : (a->stage > b->stage) - (a->stage < b->stage);
}

static int item_order(const void *left, const void *right)
{
    int order = key_order(left, right);
    return order ? order : by_number(((const struct price_item *)left)->list, ((const struct price_item *)right)->list);
}

// Sum of the run of items that share key and list price; *next is the first item after it.
static enum err sum_run(const struct price_item *items, size_t from, size_t to, size_t *next, struct quantity *sum)
{
    size_t i = from;
    *sum = QUANTITY_ZERO;
    for (; i < to && item_order(&items[from], &items[i]) == 0; i++)
        if (quantity_add(*sum, items[i].quantity, sum)) return ERR_LIMIT;
    *next = i;
    return ERR_OK;
}

static enum err cost_of(const struct charge_list *list, const struct price_version *price, struct quantity quantity,
                        struct amount *cost)
{
    return charge_list_cost(list, quantity, price->price, price->per, AMOUNT_ZERO, cost);
}

static enum err rate_key(const struct charge_list *charges, const struct price_item *items, size_t from, size_t to,
                         struct charge *charge)
{
    const struct price_item *first = &items[from];
    *charge = (struct charge){.tenant = first->tenant,
                              .sku = first->sku,
                              .price = first->price->number,
                              .dimension_set = first->dimension_set,
                              .stage = first->stage};
    bool all_listed = true;
    for (size_t i = from; i < to;) {
        const struct price_version *list = items[i].list;
        struct quantity part;
        struct amount listed = AMOUNT_ZERO;
        if (sum_run(items, i, to, &i, &part) || quantity_add(charge->quantity, part, &charge->quantity))
            return ERR_LIMIT;
        if (!list || price_climbs[list->model])
            all_listed = false;
        else if (cost_of(charges, list, part, &listed) || amount_add(charge->list_cost, listed, &charge->list_cost))
            return ERR_LIMIT;
    }
    if (cost_of(charges, first->price, charge->quantity, &charge->contracted_cost)) return ERR_LIMIT;
    charge->effective_cost = charge->billed_cost = charge->contracted_cost;
    if (!all_listed) charge->list_cost = charge->contracted_cost;
    return ERR_OK;
}

enum err price_per_unit_rate(struct price_item *items, size_t count, struct charge_list *list)
{
    if (count) qsort(items, count, sizeof *items, item_order);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && key_order(&items[from], &items[to]) == 0;)
            to++;
        if (price_climbs[items[from].price->model]) continue;
        struct charge charge;
        if (rate_key(list, items, from, to, &charge))
            return charge_limit_fault(list->catalogue, items[from].tenant, items[from].sku, list->fault);
        if (charge.quantity.nano != 0) *charge_list_add(list) = charge;
    }
    return ERR_OK;
}
