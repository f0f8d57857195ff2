// SPDX-License-Identifier: Apache-2.0
// The list that price models append to, and what a product of a quantity and a price is in the charges' currency.
#include "rating/price.h"

struct charge *charge_list_add(struct charge_list *list)
{
    list->charges = arena_grow(list->arena, list->charges, sizeof *list->charges, list->count, &list->capacity);
    struct charge *charge = &list->charges[list->count++];
    *charge = (struct charge){0};
    return charge;
}

enum err charge_list_cost(const struct charge_list *list, struct quantity quantity, struct price price,
                          struct quantity per, struct amount flat, struct amount *cost)
{
    if (list->exchange) return amount_converted(quantity, price, per, flat, list->exchange->rate, cost);
    struct amount units;
    enum err err = amount_of(quantity, price, per, &units);
    return err ? err : amount_add(units, flat, cost);
}

enum err charge_list_flat(const struct charge_list *list, struct amount flat, struct amount *cost)
{
    const struct quantity one = {1};
    return charge_list_cost(list, QUANTITY_ZERO, PRICE_ZERO, one, flat, cost);
}
