// SPDX-License-Identifier: Apache-2.0
// F and what was posted merged under all keys; a key that vanished goes down to zero (rules 6.2). Pure.
#include <stdlib.h>

#include "invoicing/settle_work.h"

static bool same_value(const struct charge *a, const struct charge *b)
{
    return a->quantity.nano == b->quantity.nano && a->list_cost.pico == b->list_cost.pico &&
           a->contracted_cost.pico == b->contracted_cost.pico && a->effective_cost.pico == b->effective_cost.pico &&
           a->billed_cost.pico == b->billed_cost.pico;
}

static struct charge vanished(const struct charge *posted)
{
    return (struct charge){.tenant = posted->tenant,
                           .sku = posted->sku,
                           .price = posted->price,
                           .tier = posted->tier,
                           .dimension_set = posted->dimension_set,
                           .stage = posted->stage,
                           .deduction = posted->deduction};
}

static enum err add_change(struct settle_item *item, const struct charge *now, const struct charge *before)
{
    if (same_value(now, before)) return ERR_OK;
    struct charge_change *change = &item->changes[item->change_count++];
    change->to_date = *now;
    return amount_sub(now->billed_cost, before->billed_cost, &change->delta);
}

enum err settle_compare(struct settle_item *item, struct arena *arena, struct fault *fault)
{
    const struct rated *rated = &item->rated;
    item->changes = ARENA_ARRAY(arena, struct charge_change, rated->charge_count + item->posted_count + 1);
    if (item->posted_count) qsort(item->posted, item->posted_count, sizeof *item->posted, charge_order);
    enum err err = ERR_OK;
    for (size_t n = 0, p = 0; (n < rated->charge_count || p < item->posted_count) && !err;) {
        int order = n == rated->charge_count  ? 1
                    : p == item->posted_count ? -1
                                              : charge_order(&rated->charges[n], &item->posted[p]);
        const struct charge none = order < 0 ? vanished(&rated->charges[n]) : vanished(&item->posted[p]);
        err = add_change(item, order <= 0 ? &rated->charges[n] : &none, order >= 0 ? &item->posted[p] : &none);
        n += order <= 0;
        p += order >= 0;
    }
    return err ? fault_set(fault, err, "", "account %s: a change of charges leaves the range of exact amounts",
                           item->period->agreement->account->id)
               : ERR_OK;
}
