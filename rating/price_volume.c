// SPDX-License-Identifier: Apache-2.0
// Volume prices: all units of the period at the price of the tier that the period's quantity (or its greatest day's) has
// reached. Every version charges its own quantity so; the last one used adds the flat amount of that tier. One shared
// charge per price version, rounded half-up once.
#include "rating/price.h"

enum err price_volume_climb(const struct price_climb *climb, struct charge_list *list)
{
    size_t tier = price_climb_tier(climb);
    const struct price_tier *step = &climb->price->tiers[tier];
    struct price_part part = {.units = QUANTITY_ZERO};
    struct amount cost;
    for (size_t i = 0; i < climb->way_count; i++)
        if (price_part_add(step, climb->ways[i].from, climb->ways[i].to, &part)) return ERR_LIMIT;
    const struct amount flat = climb->last ? step->flat : AMOUNT_ZERO;
    if (price_part_cost(climb, step, &part, flat, list, &cost)) return ERR_LIMIT;
    price_climb_charge(climb, tier, part.units, cost, list);
    return ERR_OK;
}
