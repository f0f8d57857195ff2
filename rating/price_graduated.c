// SPDX-License-Identifier: Apache-2.0
// Graduated prices: unit n of the period (or of a day) belongs to the tier with previous bound < n <= bound. One shared
// charge per price version and tier entered, rounded half-up once; a tier's flat amount is added by the version that
// entered it.
#include "rating/price.h"

// What of the climb's ways lies in a tier that begins at `floor`.
static enum err part_of(const struct price_climb *climb, const struct price_tier *step, struct quantity floor,
                        struct price_part *part)
{
    *part = (struct price_part){.units = QUANTITY_ZERO};
    for (size_t i = 0; i < climb->way_count; i++) {
        const struct price_way *way = &climb->ways[i];
        struct quantity low = quantity_compare(way->from, floor) <= 0 ? floor : way->from;
        struct quantity high = step->last || quantity_compare(way->to, step->up_to) < 0 ? way->to : step->up_to;
        if (quantity_compare(low, high) >= 0) continue;
        low.nano -= floor.nano; // a tier's blocks begin where it does
        high.nano -= floor.nano;
        if (price_part_add(step, low, high, part)) return ERR_LIMIT;
    }
    return ERR_OK;
}

enum err price_graduated_climb(const struct price_climb *climb, struct charge_list *list)
{
    const struct price_version *price = climb->price;
    struct quantity floor = QUANTITY_ZERO;
    for (size_t tier = 0; tier < price->tier_count; floor = price->tiers[tier++].up_to) {
        const struct price_tier *step = &price->tiers[tier];
        bool entered = quantity_compare(climb->from, floor) <= 0 && quantity_compare(floor, climb->to) < 0;
        struct price_part part;
        struct amount cost;
        if (part_of(climb, step, floor, &part)) return ERR_LIMIT;
        if (part.units.nano == 0) continue;
        if (price_part_cost(climb, step, &part, entered ? step->flat : AMOUNT_ZERO, list, &cost)) return ERR_LIMIT;
        price_climb_charge(climb, tier, part.units, cost, list);
    }
    return ERR_OK;
}
