// SPDX-License-Identifier: Apache-2.0
// Negotiated discounts: lower what a price charges, in place, so that list cost less contracted cost is what was
// negotiated. Of several the one on the SKU wins, else the one on its service, else the one on all. Pure.
#include "rating/stage.h"

struct price stage_discount_rate(const struct contract *contract, const struct sku *sku)
{
    size_t place = contract_discount_of(contract->discounts, contract->discount_count, sku);
    return place ? contract->discounts[place - 1].rate : PRICE_ZERO;
}

// amount - round(amount x rate), half-up at 1e-12.
static enum err lower(struct amount *amount, struct price rate)
{
    const int128 one = INT64_C(1000000000000);
    int128 part;
    if (decimal_mul_div(amount->pico, rate.pico, one, ROUND_HALF_UP, &part)) return ERR_LIMIT;
    return decimal_sub(amount->pico, part, &amount->pico);
}

enum err stage_discount_run(struct stage_work *work)
{
    const struct contract *contract = work->agreement->contract;
    for (size_t i = 0; i < work->charges->count && contract->discount_count > 0; i++) {
        struct charge *charge = &work->charges->charges[i];
        if (!charge_of_price(charge->stage) || charge->billed_cost.pico == 0) continue;
        size_t place = contract_discount_of(contract->discounts, contract->discount_count,
                                            catalogue_sku_number(work->catalogue, charge->sku));
        if (place == 0) continue;
        struct price rate = contract->discounts[place - 1].rate;
        charge->deduction = (int64_t)place;
        if (lower(&charge->contracted_cost, rate) || lower(&charge->effective_cost, rate) ||
            lower(&charge->billed_cost, rate))
            return charge_limit_fault(work->catalogue, charge->tenant, charge->sku, work->fault);
    }
    return ERR_OK;
}
