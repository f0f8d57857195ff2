// SPDX-License-Identifier: Apache-2.0
// Graduated prices: unit n of the period belongs to the tier with previous bound < n <= bound. One shared charge per price
// version and tier entered, rounded half-up once.
#include "rating/price.h"

enum err price_graduated_climb(const struct price_climb *climb, struct charge_list *list)
{
    const struct price_version *price = climb->price;
    struct quantity floor = QUANTITY_ZERO;
    for (size_t tier = 0; tier < price->tier_count; tier++) {
        const struct price_tier *step = &price->tiers[tier];
        struct quantity low = quantity_compare(climb->from, floor) > 0 ? climb->from : floor;
        struct quantity high = step->last || quantity_compare(climb->to, step->up_to) < 0 ? climb->to : step->up_to;
        floor = step->up_to;
        if (quantity_compare(low, high) >= 0) continue;
        struct charge charge = {.sku = price->sku, .price = price->number, .tier = (int)tier, .stage = STAGE_USAGE};
        if (quantity_sub(high, low, &charge.quantity)) return ERR_LIMIT;
        if (amount_of(charge.quantity, step->price, price->per, &charge.contracted_cost)) return ERR_LIMIT;
        charge.list_cost = charge.effective_cost = charge.billed_cost = charge.contracted_cost;
        *charge_list_add(list) = charge;
    }
    return ERR_OK;
}
