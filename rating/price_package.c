// SPDX-License-Identifier: Apache-2.0
// Packages: the pricing unit is the block (price_block.c), and the price that of a started one.
#include "rating/price.h"

enum err price_package_climb(const struct price_climb *climb, struct charge_list *list)
{
    const struct price_version *price = climb->price;
    const struct quantity one = {1};
    struct quantity part, started;
    struct amount cost;
    if (quantity_sub(climb->to, climb->from, &part)) return ERR_LIMIT;
    if (price_blocks_started(climb->from, climb->to, price->per, &started)) return ERR_LIMIT;
    if (charge_list_cost(list, started, price->price, one, AMOUNT_ZERO, &cost)) return ERR_LIMIT;
    price_climb_charge(climb, 0, part, cost, list);
    return ERR_OK;
}
