// SPDX-License-Identifier: Apache-2.0
// Flat fees: a period with usage costs the price once, whatever its quantity, charged by the last version used; earlier
// versions have a charge of zero over their quantity.
#include "rating/price.h"

enum err price_flat_climb(const struct price_climb *climb, struct charge_list *list)
{
    const struct amount fee = {climb->last ? climb->price->price.pico : 0};
    struct quantity part;
    struct amount cost;
    if (quantity_sub(climb->to, climb->from, &part)) return ERR_LIMIT;
    if (charge_list_flat(list, fee, &cost)) return ERR_LIMIT;
    price_climb_charge(climb, 0, part, cost, list);
    return ERR_OK;
}
