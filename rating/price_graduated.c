// SPDX-License-Identifier: Apache-2.0
// Graduated prices: unit n of the period belongs to the tier with previous bound < n <= bound. One shared charge per
// price version and tier entered, rounded half-up once; a tier's flat amount is added by the version that entered it.
#include "rating/price.h"

enum err price_graduated_climb(const struct price_climb *climb, struct charge_list *list)
{
    const struct price_version *price = climb->price;
    struct quantity floor = QUANTITY_ZERO;
    for (size_t tier = 0; tier < price->tier_count; tier++) {
        const struct price_tier *step = &price->tiers[tier];
        bool entered = quantity_compare(climb->from, floor) <= 0;
        struct quantity low = entered ? floor : climb->from, part;
        struct quantity high = step->last || quantity_compare(climb->to, step->up_to) < 0 ? climb->to : step->up_to;
        struct amount cost;
        floor = step->up_to;
        if (quantity_compare(low, high) >= 0) continue;
        if (quantity_sub(high, low, &part)) return ERR_LIMIT;
        if (charge_list_cost(list, part, step->price, price->per, entered ? step->flat : AMOUNT_ZERO, &cost))
            return ERR_LIMIT;
        price_climb_charge(climb, tier, part, cost, list);
    }
    return ERR_OK;
}
