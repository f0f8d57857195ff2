// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "rating/stage_money.h"

#include <stdlib.h>
#include <string.h>

bool money_scope_has(const struct money_scope *scope, const struct sku *sku)
{
    for (size_t i = 0; i < scope->sku_count; i++)
        if (scope->skus[i] == sku) return true;
    for (size_t i = 0; i < scope->service_count; i++)
        if (sku && scope->services[i] == sku->service) return true;
    return scope->sku_count == 0 && scope->service_count == 0;
}

static bool in_scope(const struct stage_work *work, const struct money_scope *scope, const struct charge *charge)
{
    return charge->stage != STAGE_TRUE_UP && charge->stage != STAGE_PREPAYMENT &&
           money_scope_has(scope, catalogue_sku_number(work->catalogue, charge->sku));
}

enum err stage_billed(const struct stage_work *work, const struct money_scope *scope, bool gross, struct amount *sum)
{
    *sum = AMOUNT_ZERO;
    for (size_t i = 0; i < work->charges->count; i++) {
        const struct charge *charge = &work->charges->charges[i];
        if ((gross && charge->stage == STAGE_COUPON) || !in_scope(work, scope, charge)) continue;
        if (amount_add(*sum, charge->billed_cost, sum))
            return charge_limit_fault(work->catalogue, charge->tenant, charge->sku, work->fault);
    }
    return ERR_OK;
}

// --- what bears a part: charges of one key but for stage and deduction, with the texts that order them

struct bearer {
    const char *sku, *tenant, *match, *hours, *book, *dimensions;
    instant_us from;
    struct charge key;
    int128 net;
};

static const char *book_id(const struct agreement *agreement, int32_t number)
{
    for (const struct price_book *book = agreement->book; book; book = book->parent)
        if (book->number == number) return book->id;
    return ""; // of no price
}

static struct bearer bearer_of(const struct stage_work *work, const struct charge *charge)
{
    const struct sku *sku = catalogue_sku_number(work->catalogue, charge->sku);
    const struct tenant *tenant = catalogue_tenant_number(work->catalogue, charge->tenant);
    const struct price_version *price = catalogue_price_number(work->catalogue, charge->price);
    const struct usage_dimension *set = usage_dimension_find(work->usage, charge->dimension_set);
    ENSURE(sku && price); // it was rated with this catalogue
    return (struct bearer){.sku = sku->id,
                           .tenant = tenant ? tenant->id : "",
                           .match = price->match_text,
                           .hours = price->hours,
                           .book = book_id(work->agreement, price->book),
                           .dimensions = set ? set->text : "{}",
                           .from = price->effective_from,
                           .key = *charge,
                           .net = charge->billed_cost.pico};
}

static int bearer_order(const void *left, const void *right)
{
    const struct bearer *a = left, *b = right;
    int order = strcmp(a->sku, b->sku);
    if (!order) order = strcmp(a->tenant, b->tenant);
    if (!order) order = strcmp(a->match, b->match);
    if (!order) order = strcmp(a->hours, b->hours);
    if (!order) order = (a->from > b->from) - (a->from < b->from);
    if (!order) order = strcmp(a->book, b->book);
    if (!order) order = (a->key.tier > b->key.tier) - (a->key.tier < b->key.tier);
    if (!order) order = strcmp(a->dimensions, b->dimensions);
    return order ? order : hash128_compare(a->key.dimension_set, b->key.dimension_set);
}

// Their sum of all charges of one key, and not less than 0.
static enum err merge(struct bearer *bearers, size_t *count)
{
    size_t kept = 0;
    if (*count) qsort(bearers, *count, sizeof *bearers, bearer_order);
    for (size_t i = 0; i < *count; i++) {
        if (!kept || bearer_order(&bearers[kept - 1], &bearers[i]) != 0)
            bearers[kept++] = bearers[i];
        else if (decimal_add(bearers[kept - 1].net, bearers[i].net, &bearers[kept - 1].net))
            return ERR_LIMIT;
    }
    *count = kept;
    for (size_t i = 0; i < kept; i++)
        if (bearers[i].net < 0) bearers[i].net = 0;
    return ERR_OK;
}

static void add_part(struct stage_work *work, const struct bearer *bearer, int128 part, enum charge_stage stage,
                     int64_t deduction)
{
    const struct charge *key = &bearer->key;
    if (part == 0) return;
    *charge_list_add(work->charges) = (struct charge){.tenant = key->tenant,
                                                      .sku = key->sku,
                                                      .price = key->price,
                                                      .tier = key->tier,
                                                      .dimension_set = key->dimension_set,
                                                      .stage = stage,
                                                      .deduction = deduction,
                                                      .effective_cost = {-part},
                                                      .billed_cost = {-part}};
}

enum err stage_take_off(struct stage_work *work, const struct money_scope *scope, struct amount off,
                        enum charge_stage stage, int64_t deduction)
{
    struct bearer *bearers = ARENA_ARRAY(work->arena, struct bearer, work->charges->count + 1);
    size_t count = 0;
    if (off.pico == 0) return ERR_OK;
    for (size_t i = 0; i < work->charges->count; i++)
        if (in_scope(work, scope, &work->charges->charges[i]))
            bearers[count++] = bearer_of(work, &work->charges->charges[i]);
    enum err err = merge(bearers, &count);
    int128 *weights = ARENA_ARRAY(work->arena, int128, 2 * count + 1), *parts = weights + count;
    for (size_t i = 0; i < count; i++)
        weights[i] = bearers[i].net;
    if (!err) err = decimal_allocate(off.pico, 1, weights, count, parts);
    if (err) return charge_limit_fault(work->catalogue, bearers[0].key.tenant, bearers[0].key.sku, work->fault);
    for (size_t i = 0; i < count; i++)
        add_part(work, &bearers[i], parts[i], stage, deduction);
    return ERR_OK;
}
