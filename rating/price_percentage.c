// SPDX-License-Identifier: Apache-2.0
// Percentages: the meter's quantity is an amount of money, the price a share of it, and a fixed part is added once a
// period, by the version under which the first charged unit came. One shared charge per price version, rounded half-up
// once.
#include "rating/price.h"

enum err price_percentage_climb(const struct price_climb *climb, struct charge_list *list)
{
    const struct price_version *price = climb->price;
    struct quantity part;
    struct amount cost;
    if (quantity_sub(climb->to, climb->from, &part)) return ERR_LIMIT;
    const struct amount fixed = climb->from.nano == 0 && part.nano != 0 ? price->fixed : AMOUNT_ZERO;
    if (charge_list_cost(list, part, price->price, price->per, fixed, &cost)) return ERR_LIMIT;
    price_climb_charge(climb, 0, part, cost, list);
    return ERR_OK;
}
