// SPDX-License-Identifier: Apache-2.0
// Blocks: units that are charged as one, a started block whole. A version charges the blocks that are started when it
// ends, less those that were started, counted in its own size, when it began: so a block that was started before is not
// paid again. And what a part of a climb costs, in units or in blocks.
#include "rating/price.h"

enum err price_blocks_started(struct quantity from, struct quantity to, struct quantity block, struct quantity *started)
{
    int128 before, after;
    if (decimal_mul_div(from.nano, 1, block.nano, ROUND_UP, &before)) return ERR_LIMIT;
    if (decimal_mul_div(to.nano, 1, block.nano, ROUND_UP, &after)) return ERR_LIMIT;
    started->nano = after - before;
    return ERR_OK;
}

enum err price_part_add(const struct price_tier *tier, struct quantity from, struct quantity to, struct price_part *part)
{
    struct quantity units, charged;
    if (quantity_sub(to, from, &units)) return ERR_LIMIT;
    charged = units;
    if (tier->block.nano && price_blocks_started(from, to, tier->block, &charged)) return ERR_LIMIT;
    if (quantity_add(part->units, units, &part->units)) return ERR_LIMIT;
    return quantity_add(part->charged, charged, &part->charged);
}

enum err price_part_cost(const struct price_climb *climb, const struct price_tier *tier, const struct price_part *part,
                         struct amount flat, const struct charge_list *list, struct amount *cost)
{
    struct quantity per = tier->block.nano ? (struct quantity){1} : climb->price->per;
    if (decimal_mul_div(per.nano, climb->days, 1, ROUND_DOWN, &per.nano)) return ERR_LIMIT;
    return charge_list_cost(list, part->charged, tier->price, per, flat, cost);
}
