// SPDX-License-Identifier: Apache-2.0
// See the header. The usage comes split at clock hours where an account has commitments (charge_boundaries).
#include "rating/stage_commitment.h"

#include <stdlib.h>
#include <string.h>

enum err stage_commitment_limit(const struct stage_commitment *commitment)
{
    return charge_limit_fault(commitment->work->catalogue, commitment->owner, commitment->sku, commitment->work->fault);
}

enum err stage_commitment_init(struct stage_work *work, const struct contract_commitment *terms, int64_t instances,
                               bool upfront_within, size_t place, struct stage_commitment *commitment)
{
    const struct tenant *owner = catalogue_tenant(work->catalogue, slice_of(terms->tenant));
    if (!owner)
        return fault_set(work->fault, ERR_BUG, "", "commitment %s is owned by tenant %s, which is not in the catalogue",
                         terms->id, terms->tenant);
    *commitment =
        (struct stage_commitment){.work = work,
                                  .terms = terms,
                                  .fee = {.from = terms->from, .to = terms->to, .upfront_within = upfront_within},
                                  .deduction = (int64_t)place,
                                  .owner = owner->number,
                                  .sku = terms->sku->number};
    if (decimal_mul_div(terms->upfront.pico, instances, 1, ROUND_DOWN, &commitment->fee.upfront.pico) ||
        decimal_mul_div(terms->hourly.pico, instances, 1, ROUND_DOWN, &commitment->fee.hourly.pico))
        return stage_commitment_limit(commitment);
    return ERR_OK;
}

// --- usage

static int candidate_order(const void *left, const void *right)
{
    const struct stage_candidate *a = left, *b = right;
    int order = strcmp(a->sku, b->sku);
    if (!order) order = strcmp(a->tenant, b->tenant);
    if (!order) order = strcmp(a->text, b->text);
    if (!order) order = (a->start > b->start) - (a->start < b->start);
    return order ? order : (a->item > b->item) - (a->item < b->item);
}

// The candidate that an item is; false: it is none.
static bool candidate_of(const struct stage_commitment *commitment, size_t index, struct stage_candidate *candidate)
{
    const struct stage_work *work = commitment->work;
    const struct price_item *item = &work->items[index];
    const struct commitment_fee *fee = &commitment->fee;
    if (item->stage != STAGE_USAGE || item->price->model != PRICE_PER_UNIT || item->price->times ||
        item->quantity.nano <= 0)
        return false;
    if (item->segment < fee->from || item->segment >= fee->to) return false;
    const struct usage_dimension *dimension = usage_dimension_find(work->usage, item->dimension_set);
    const struct tenant *tenant = catalogue_tenant_number(work->catalogue, item->tenant);
    const struct sku *sku = catalogue_sku_number(work->catalogue, item->sku);
    if (!dimension || !tenant || !sku) return false;
    instant_us hour = instant_floor(item->segment, HOUR_US), end = hour + HOUR_US;
    *candidate = (struct stage_candidate){index, hour, end, &dimension->set, sku->id, tenant->id, dimension->text};
    if (candidate->start < fee->from) candidate->start = fee->from;
    if (candidate->start < work->usage->period_start) candidate->start = work->usage->period_start;
    if (candidate->end > fee->to) candidate->end = fee->to;
    if (candidate->end > work->usage->period_end) candidate->end = work->usage->period_end;
    return true;
}

size_t stage_commitment_candidates(const struct stage_commitment *commitment, struct stage_candidate **list)
{
    const struct stage_work *work = commitment->work;
    size_t count = 0;
    *list = ARENA_ARRAY(work->arena, struct stage_candidate, work->item_count + 1);
    for (size_t i = 0; i < work->item_count; i++)
        count += candidate_of(commitment, i, &(*list)[count]);
    if (count) qsort(*list, count, sizeof **list, candidate_order);
    return count;
}

// --- charges

static struct charge *find_charge(struct charge_list *list, size_t first, const struct price_item *item,
                                  int64_t deduction)
{
    const struct charge key = {.tenant = item->tenant,
                               .sku = item->sku,
                               .price = item->price->number,
                               .dimension_set = item->dimension_set,
                               .stage = STAGE_COVERED,
                               .deduction = deduction};
    return bsearch(&key, list->charges + first, list->count - first, sizeof key, charge_order);
}

enum err stage_commitment_take(const struct stage_commitment *commitment, const struct stage_part *parts, size_t count)
{
    struct stage_work *work = commitment->work;
    struct charge_list *list = work->charges;
    struct price_item *covered = ARENA_ARRAY(work->arena, struct price_item, count + 1);
    size_t first = list->count, kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].covered.nano == 0) continue;
        struct price_item *item = &work->items[parts[i].item];
        covered[kept] = *item;
        covered[kept].stage = STAGE_COVERED;
        covered[kept++].quantity = parts[i].covered;
        item->quantity.nano -= parts[i].covered.nano;
    }
    enum err err = price_per_unit_rate(covered, kept, list);
    if (err) return err;
    for (size_t i = first; i < list->count; i++) {
        list->charges[i].deduction = commitment->deduction;
        list->charges[i].effective_cost = list->charges[i].billed_cost = AMOUNT_ZERO;
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].covered.nano == 0) continue;
        struct charge *charge = find_charge(list, first, &work->items[parts[i].item], commitment->deduction);
        ENSURE(charge != NULL); // quantities above 0 do not add up to 0
        if (amount_add(charge->effective_cost, parts[i].cost, &charge->effective_cost))
            return charge_limit_fault(work->catalogue, charge->tenant, charge->sku, work->fault);
    }
    return ERR_OK;
}

static void add(const struct stage_commitment *commitment, enum charge_stage stage, int tier, struct quantity quantity,
                struct amount billed, struct amount effective)
{
    if (quantity.nano == 0 && billed.pico == 0 && effective.pico == 0) return;
    *charge_list_add(commitment->work->charges) = (struct charge){
        .tenant = commitment->owner,
        .sku = commitment->sku,
        .tier = tier,
        .stage = stage,
        .deduction = commitment->deduction,
        .quantity = quantity,
        .list_cost = billed,
        .contracted_cost = billed,
        .effective_cost = effective,
        .billed_cost = billed,
    };
}

enum err stage_commitment_bill(const struct stage_commitment *commitment, bool plan, struct quantity unused,
                               struct amount unused_cost)
{
    const struct account_usage *usage = commitment->work->usage;
    struct commitment_share share;
    if (commitment_share_of(&commitment->fee, usage->period_start, usage->period_end, &share))
        return stage_commitment_limit(commitment);
    add(commitment, STAGE_PURCHASE, 0, QUANTITY_ZERO, share.billed_once, AMOUNT_ZERO);
    add(commitment, STAGE_PURCHASE, 1, QUANTITY_ZERO, share.billed_hourly, AMOUNT_ZERO);
    add(commitment, STAGE_UNUSED, plan, unused, AMOUNT_ZERO, unused_cost);
    return ERR_OK;
}

const size_t *stage_commitment_order(struct stage_work *work,
                                     const struct contract_commitment *(*of)(const struct contract *, size_t),
                                     size_t count)
{
    const struct contract *contract = work->agreement->contract;
    size_t *order = ARENA_ARRAY(work->arena, size_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct contract_commitment *terms = of(contract, i);
        size_t at = i;
        for (; at > 0; at--) {
            const struct contract_commitment *before = of(contract, order[at - 1]);
            if (before->to < terms->to || (before->to == terms->to && strcmp(before->id, terms->id) < 0)) break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return order;
}
