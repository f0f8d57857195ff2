// SPDX-License-Identifier: Apache-2.0
// Which usage a savings plan pays for, hour by hour.
#include "rating/savings_plan.h"

#include <stdlib.h>

static const int128 ONE = 1000000000000; // of prices and factors, at 1e-12

enum err savings_plan_discounted(struct price price, struct price discount, struct price *discounted)
{
    return decimal_mul_div(price.pico, ONE - discount.pico, ONE, ROUND_HALF_UP, &discounted->pico);
}

// plan's price / own price for the same quantity; beyond the range it is the greatest.
static void set_factor(struct savings_plan_use *use)
{
    int128 price;
    use->factor = DECIMAL_MAX;
    if (use->own.price.pico == 0) return;
    if (decimal_mul_div(use->plan.price.pico, use->own.per.nano, use->plan.per.nano, ROUND_HALF_UP, &price)) return;
    if (decimal_mul_div(price, ONE, use->own.price.pico, ROUND_HALF_UP, &use->factor)) use->factor = DECIMAL_MAX;
}

static int use_order(const void *left, const void *right)
{
    const struct savings_plan_use *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->factor != b->factor) return a->factor < b->factor ? -1 : 1;
    return (a->rank > b->rank) - (a->rank < b->rank);
}

// What the use would draw, and what of it an amount pays for.
static enum err cost_of(const struct savings_plan *plan, const struct savings_plan_use *use, struct amount *cost)
{
    if (plan->exchange.pico == 0) return amount_of(use->quantity, use->plan.price, use->plan.per, cost);
    return amount_converted(use->quantity, use->plan.price, use->plan.per, AMOUNT_ZERO, plan->exchange, cost);
}

static enum err paid_by(const struct savings_plan *plan, const struct savings_plan_use *use, struct amount amount,
                        struct quantity *quantity)
{
    if (plan->exchange.pico == 0)
        return decimal_mul_div(amount.pico, use->plan.per.nano, use->plan.price.pico, ROUND_HALF_UP, &quantity->nano);
    return quantity_for(amount, use->plan.price, use->plan.per, plan->exchange, quantity);
}

static enum err draw(const struct savings_plan *plan, struct savings_plan_use *use, struct amount *left)
{
    struct amount wanted;
    enum err err = cost_of(plan, use, &wanted);
    if (err) return err;
    if (amount_compare(wanted, *left) <= 0) {
        use->covered = use->quantity;
        use->cost = wanted;
    } else {
        err = paid_by(plan, use, *left, &use->covered);
        if (use->covered.nano > use->quantity.nano) use->covered = use->quantity;
        if (err || use->covered.nano == 0) return err;
        use->cost = *left;
    }
    left->pico -= use->cost.pico;
    return err;
}

static bool drawn(const struct savings_plan *plan, const struct savings_plan_use *use, bool owners)
{
    return (use->tenant == plan->owner) == owners && use->quantity.nano > 0 && use->own.price.pico > 0 &&
           !(plan->only_cheaper && use->factor > ONE);
}

static enum err draw_some(const struct savings_plan *plan, bool owners, struct amount *left,
                          struct savings_plan_use *uses, size_t count, size_t *item)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && left->pico > 0 && !err; i++) {
        if (!drawn(plan, &uses[i], owners)) continue;
        *item = uses[i].item;
        err = draw(plan, &uses[i], left);
    }
    return err;
}

static void begin(struct savings_plan_use *uses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        set_factor(&uses[i]);
        uses[i].covered = QUANTITY_ZERO;
        uses[i].cost = AMOUNT_ZERO;
    }
    if (count) qsort(uses, count, sizeof *uses, use_order);
}

enum err savings_plan_draw(const struct savings_plan *plan, struct savings_plan_use *uses, size_t count,
                           struct amount *spent, size_t *item)
{
    *spent = AMOUNT_ZERO;
    begin(uses, count);
    for (size_t from = 0, to; from < count; from = to) {
        struct commitment_share share;
        *item = uses[from].item;
        for (to = from + 1; to < count && uses[to].start == uses[from].start;)
            to++;
        enum err err = commitment_share_of(&plan->fee, uses[from].start, uses[from].end, &share);
        struct amount left = share.cost;
        if (!err) err = draw_some(plan, true, &left, &uses[from], to - from, item);
        if (!err) err = draw_some(plan, false, &left, &uses[from], to - from, item);
        if (!err) err = amount_add(*spent, (struct amount){share.cost.pico - left.pico}, spent);
        if (err) return err;
    }
    return ERR_OK;
}
