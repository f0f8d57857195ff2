// SPDX-License-Identifier: Apache-2.0
// Spend that the account paid for before: what its charges are billed is taken off them as long as some of the amount is
// left, from the prepayment that ends soonest. What earlier periods took is gone. What a prepayment cost falls on the
// charges that it pays, by amount, and on the period in which it ends for the rest. Pure.
#include <stdlib.h>
#include <string.h>

#include "rating/stage_money.h"

struct prepaid {
    const struct holding *holding;
    struct amount amount, price; // of all that are held
    int128 left;                 // of the amount
    int128 spread;               // of the price: what fell on charges, those of earlier periods, too
};

static int prepaid_order(const void *left, const void *right)
{
    const struct holding *a = ((const struct prepaid *)left)->holding, *b = ((const struct prepaid *)right)->holding;
    if (a->to != b->to) return a->to < b->to ? -1 : 1;
    return strcmp(a->id, b->id);
}

static enum err add_prepaid(const struct stage_work *work, const struct holding *holding, struct prepaid *prepaid)
{
    const struct prepayment_terms *terms = holding->offer->prepayment;
    const struct used_before *before = usage_used_before(work->usage, holding->number);
    *prepaid = (struct prepaid){.holding = holding};
    if (decimal_mul_div(terms->amount.pico, holding->quantity, 1, ROUND_DOWN, &prepaid->amount.pico) ||
        decimal_mul_div(terms->price.pico, holding->quantity, 1, ROUND_DOWN, &prepaid->price.pico))
        return fault_set(work->fault, ERR_LIMIT, "", "holding %s: its prepayments leave the range of exact amounts",
                         holding->id);
    prepaid->left = prepaid->amount.pico + before->billed.pico; // that is not above 0
    if (prepaid->left < 0) prepaid->left = 0;
    prepaid->spread = before->effective.pico - before->billed.pico;
    return ERR_OK;
}

// Those that are held at some time of the period, in their order.
static enum err find(const struct stage_work *work, struct prepaid **prepaid, size_t *count)
{
    size_t held;
    const struct holding *holdings = catalogue_holdings(work->catalogue, work->usage->account, &held);
    enum err err = ERR_OK;
    *prepaid = ARENA_ARRAY(work->arena, struct prepaid, held + 1);
    *count = 0;
    for (size_t i = 0; i < held && !err; i++)
        if (holdings[i].offer->kind == OFFER_PREPAYMENT && holdings[i].from < work->usage->period_end &&
            holdings[i].to > work->usage->period_start)
            err = add_prepaid(work, &holdings[i], &(*prepaid)[(*count)++]);
    if (*count > 1) qsort(*prepaid, *count, sizeof **prepaid, prepaid_order);
    return err;
}

// The charges that were appended since bear their part of the price, rounded down; what that leaves falls due at the end.
static enum err bear_price(const struct stage_work *work, struct prepaid *prepaid, size_t first)
{
    for (size_t i = first; i < work->charges->count; i++) {
        struct charge *charge = &work->charges->charges[i];
        int128 part;
        if (decimal_mul_div(prepaid->price.pico, -charge->billed_cost.pico, prepaid->amount.pico, ROUND_DOWN, &part))
            return charge_limit_fault(work->catalogue, charge->tenant, charge->sku, work->fault);
        charge->effective_cost.pico = part + charge->billed_cost.pico;
        prepaid->spread += part;
    }
    return ERR_OK;
}

static enum err pay(struct stage_work *work, struct prepaid *prepaid)
{
    const struct prepayment_terms *terms = prepaid->holding->offer->prepayment;
    const struct money_scope scope = {terms->skus, terms->sku_count, terms->services, terms->service_count};
    size_t first = work->charges->count;
    struct amount billed;
    enum err err = stage_billed(work, &scope, false, &billed);
    if (err || billed.pico <= 0) return err;
    const struct amount off = {billed.pico < prepaid->left ? billed.pico : prepaid->left};
    err = stage_take_off(work, &scope, off, STAGE_PREPAID, prepaid->holding->number);
    if (!err) err = bear_price(work, prepaid, first);
    prepaid->left -= off.pico;
    return err;
}

// Paid where it begins; what nothing was used for is a cost of the period in which it ends.
static void charge_price(struct stage_work *work, const struct prepaid *prepaid)
{
    const struct holding *holding = prepaid->holding;
    const struct account_usage *usage = work->usage;
    struct charge charge = {.sku = holding->offer->prepayment->booked->number, .deduction = holding->number};
    if (holding->from >= usage->period_start && holding->from < usage->due) {
        charge.stage = STAGE_PREPAYMENT;
        charge.quantity.nano = (int128)holding->quantity * 1000000000;
        charge.list_cost = charge.contracted_cost = charge.billed_cost = prepaid->price;
        *charge_list_add(work->charges) = charge;
    }
    if (holding->to > usage->due || prepaid->spread == prepaid->price.pico) return;
    *charge_list_add(work->charges) = (struct charge){.sku = charge.sku,
                                                      .stage = STAGE_LEFT,
                                                      .tier = 1,
                                                      .deduction = holding->number,
                                                      .quantity = {prepaid->left / 1000}, // 1e-12 as 1e-9
                                                      .effective_cost = {prepaid->price.pico - prepaid->spread}};
}

enum err stage_prepayment_run(struct stage_work *work)
{
    struct prepaid *prepaid;
    size_t count;
    enum err err = find(work, &prepaid, &count);
    for (size_t i = 0; i < count && !err; i++)
        err = pay(work, &prepaid[i]);
    for (size_t i = 0; i < count && !err; i++)
        charge_price(work, &prepaid[i]);
    return err;
}
