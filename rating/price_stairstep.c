// SPDX-License-Identifier: Apache-2.0
// Stairsteps (capacity): the period costs the flat amount of the step that its quantity has reached, charged by the
// last version used; earlier versions have a charge of zero over their quantity.
#include "rating/price.h"

enum err price_stairstep_climb(const struct price_climb *climb, struct charge_list *list)
{
    size_t tier = price_climb_tier(climb);
    struct quantity part;
    struct amount cost;
    if (quantity_sub(climb->to, climb->from, &part)) return ERR_LIMIT;
    if (charge_list_flat(list, climb->last ? climb->price->tiers[tier].flat : AMOUNT_ZERO, &cost)) return ERR_LIMIT;
    price_climb_charge(climb, tier, part, cost, list);
    return ERR_OK;
}
