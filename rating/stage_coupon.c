// SPDX-License-Identifier: Apache-2.0
// Coupons that the account holds: each takes an amount, or a rate of what is left, off the period's charges that it is
// for; the one that ends soonest first. What earlier periods took of one that lasts is gone. Each charge keeps its costs: what was taken off it is a charge of its own. Pure.
#include <stdlib.h>
#include <string.h>

#include "rating/stage_money.h"

static int coupon_order(const void *left, const void *right)
{
    const struct holding *a = *(const struct holding *const *)left, *b = *(const struct holding *const *)right;
    if (a->to != b->to) return a->to < b->to ? -1 : 1;
    return strcmp(a->id, b->id);
}

// The coupons that are held at some time of the period, in their order.
static size_t find_coupons(const struct stage_work *work, const struct holding ***coupons)
{
    size_t held, count = 0;
    const struct holding *holdings = catalogue_holdings(work->catalogue, work->usage->account, &held);
    *coupons = ARENA_ARRAY(work->arena, const struct holding *, held + 1);
    for (size_t i = 0; i < held; i++)
        if (holdings[i].offer->kind == OFFER_COUPON && holdings[i].from < work->usage->period_end &&
            holdings[i].to > work->usage->period_start)
            (*coupons)[count++] = &holdings[i];
    if (count > 1) qsort(*coupons, count, sizeof **coupons, coupon_order);
    return count;
}

// An amount of each that is held.
static enum err times_held(const struct holding *holding, struct amount each, int128 *product)
{
    return decimal_mul_div(each.pico, holding->quantity, 1, ROUND_DOWN, product);
}

// What a coupon takes off charges that come to `left`, after `before` in earlier periods; not below 0.
static enum err coupon_off(const struct holding *holding, struct amount left, int128 before, struct amount *off)
{
    const struct coupon_terms *terms = holding->offer->coupon;
    const int128 one = INT64_C(1000000000000);
    int128 wanted, most = 0;
    enum err err = times_held(holding, terms->amount, &wanted);
    if (!err && terms->rate.pico) err = decimal_mul_div(left.pico, terms->rate.pico, one, ROUND_HALF_UP, &wanted);
    if (!err) err = times_held(holding, terms->maximum, &most);
    if (err) return err;
    if (!most) most = wanted;
    most = most > before ? most - before : 0;
    if (wanted > most) wanted = most;
    off->pico = wanted < left.pico ? wanted : left.pico;
    return ERR_OK;
}

static enum err use_coupon(struct stage_work *work, const struct holding *holding)
{
    const struct coupon_terms *terms = holding->offer->coupon;
    const struct money_scope scope = {terms->skus, terms->sku_count, terms->services, terms->service_count};
    struct amount spent, left, off;
    enum err err = stage_billed(work, &scope, true, &spent);
    if (!err) err = stage_billed(work, &scope, false, &left);
    if (err || left.pico <= 0 || amount_compare(spent, terms->minimum_spend) < 0) return err;
    int128 before = terms->lasts ? -usage_used_before(work->usage, holding->number)->billed.pico : 0;
    if (coupon_off(holding, left, before, &off))
        return fault_set(work->fault, ERR_LIMIT, "", "holding %s: its coupons leave the range of exact amounts",
                         holding->id);
    return stage_take_off(work, &scope, off, STAGE_COUPON, holding->number);
}

enum err stage_coupon_run(struct stage_work *work)
{
    const struct holding **coupons;
    size_t count = find_coupons(work, &coupons);
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++)
        err = use_coupon(work, coupons[i]);
    return err;
}
