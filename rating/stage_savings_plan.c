// SPDX-License-Identifier: Apache-2.0
// The savings plans of a contract: hour by hour they pay for usage at per-unit prices, at their own prices. Pure.
#include "rating/savings_plan.h"
#include "rating/stage_commitment.h"

// The plan's price of an item; false: it has none.
static bool plan_price(const struct stage_work *work, const struct contract_plan *terms, const struct price_item *item,
                       const struct dimension_set *dimensions, struct savings_plan_price *price)
{
    if (terms->book) {
        const struct price_version *version =
            catalogue_price(work->catalogue, terms->book, item->sku, dimensions, item->segment);
        if (!version || version->model != PRICE_PER_UNIT || version->times) return false;
        *price = (struct savings_plan_price){version->price, version->per};
        return true;
    }
    size_t place = contract_discount_of(terms->rates, terms->rate_count, catalogue_sku_number(work->catalogue, item->sku));
    price->per = item->price->per;
    return place && savings_plan_discounted(item->price->price, terms->rates[place - 1].rate, &price->price) == ERR_OK;
}

// What the usage would cost a unit without the plan: its price less a negotiated discount.
static bool own_price(const struct stage_work *work, const struct price_item *item, struct savings_plan_price *price)
{
    const struct sku *sku = catalogue_sku_number(work->catalogue, item->sku);
    price->per = item->price->per;
    return savings_plan_discounted(item->price->price, stage_discount_rate(work->agreement->contract, sku),
                                   &price->price) == ERR_OK;
}

static size_t uses_of(const struct stage_commitment *commitment, const struct contract_plan *terms,
                      struct savings_plan_use **uses)
{
    const struct stage_work *work = commitment->work;
    struct stage_candidate *candidates;
    size_t candidate_count = stage_commitment_candidates(commitment, &candidates), count = 0;
    *uses = ARENA_ARRAY(work->arena, struct savings_plan_use, candidate_count + 1);
    for (size_t i = 0; i < candidate_count; i++) {
        const struct price_item *item = &work->items[candidates[i].item];
        struct savings_plan_use use = {.item = candidates[i].item,
                                       .start = candidates[i].start,
                                       .end = candidates[i].end,
                                       .tenant = item->tenant,
                                       .rank = i,
                                       .quantity = item->quantity};
        if (plan_price(work, terms, item, candidates[i].dimensions, &use.plan) && own_price(work, item, &use.own))
            (*uses)[count++] = use;
    }
    return count;
}

static enum err run_one(struct stage_work *work, const struct contract_plan *terms, size_t place)
{
    struct stage_commitment commitment;
    struct savings_plan_use *uses;
    struct commitment_share share;
    struct amount spent, unused;
    struct quantity left; // the amount in numbers
    size_t item = 0;
    enum err err = stage_commitment_init(work, &terms->base, 1, true, place, &commitment);
    if (err) return err;
    const struct exchange_rate *exchange = work->charges->exchange;
    const struct savings_plan plan = {commitment.fee, commitment.owner, terms->only_cheaper,
                                      exchange ? exchange->rate : PRICE_ZERO};
    size_t count = uses_of(&commitment, terms, &uses);
    if (savings_plan_draw(&plan, uses, count, &spent, &item))
        return charge_limit_fault(work->catalogue, work->items[item].tenant, work->items[item].sku, work->fault);
    if (commitment_share_of(&plan.fee, work->usage->period_start, work->usage->period_end, &share) ||
        amount_sub(share.cost, spent, &unused) || decimal_mul_div(unused.pico, 1, 1000, ROUND_HALF_UP, &left.nano))
        return stage_commitment_limit(&commitment);
    struct stage_part *parts = ARENA_ARRAY(work->arena, struct stage_part, count + 1);
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct stage_part){uses[i].item, uses[i].covered, uses[i].cost};
    err = stage_commitment_take(&commitment, parts, count);
    return err ? err : stage_commitment_bill(&commitment, true, left, unused);
}

static const struct contract_commitment *base_of(const struct contract *contract, size_t place)
{
    return &contract->plans[place].base;
}

enum err stage_savings_plan_run(struct stage_work *work)
{
    const struct contract *contract = work->agreement->contract;
    const size_t *order = stage_commitment_order(work, base_of, contract->plan_count);
    enum err err = ERR_OK;
    for (size_t i = 0; i < contract->plan_count && !err; i++) {
        const struct contract_plan *terms = &contract->plans[order[i]];
        if (terms->base.from >= work->usage->period_end || terms->base.to <= work->usage->period_start) continue;
        err = run_one(work, terms, contract->reservation_count + order[i] + 1);
    }
    return err;
}
