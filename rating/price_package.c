// SPDX-License-Identifier: Apache-2.0
// Packages (blocks): the price is that of a started pricing unit. A version charges the blocks that are started when it
// ends, less those that were started, counted in its own size, when it began: so a block that was started before is not
// paid again.
#include "rating/price.h"

enum err price_package_climb(const struct price_climb *climb, struct charge_list *list)
{
    const struct price_version *price = climb->price;
    int128 before, after;
    struct quantity part;
    struct amount cost;
    if (quantity_sub(climb->to, climb->from, &part)) return ERR_LIMIT;
    if (decimal_mul_div(climb->from.nano, 1, price->per.nano, ROUND_UP, &before)) return ERR_LIMIT;
    if (decimal_mul_div(climb->to.nano, 1, price->per.nano, ROUND_UP, &after)) return ERR_LIMIT;
    const struct quantity started = {after - before}, one = {1};
    if (charge_list_cost(list, started, price->price, one, AMOUNT_ZERO, &cost)) return ERR_LIMIT;
    price_climb_charge(climb, 0, part, cost, list);
    return ERR_OK;
}
