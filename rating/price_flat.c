// SPDX-License-Identifier: Apache-2.0
// Flat fees: a period with usage costs the price once, whatever its quantity, charged by the last version used; earlier
// versions have a charge of zero over their quantity.
#include "rating/price.h"

enum err price_flat_climb(const struct price_climb *climb, struct charge_list *list)
{
    struct quantity part;
    if (quantity_sub(climb->to, climb->from, &part)) return ERR_LIMIT;
    price_climb_charge(climb, 0, part, climb->last ? (struct amount){climb->price->price.pico} : AMOUNT_ZERO, list);
    return ERR_OK;
}
