// SPDX-License-Identifier: Apache-2.0
// The reservations of a contract: hour by hour they cover usage of their SKU at per-unit prices. Pure.
#include <string.h>

#include "rating/reservation.h"
#include "rating/stage_commitment.h"

// What usage takes of an instance's units; 0: the reservation does not cover it.
static struct quantity units_of(const struct contract_reservation *terms, const struct dimension_set *set)
{
    const struct quantity one = {1000000000};
    for (size_t m = 0; m < terms->match_count; m++) {
        const char *value = dimension_set_value(set, terms->match[m].dimension);
        if (!value || strcmp(value, terms->match[m].value) != 0) return QUANTITY_ZERO;
    }
    if (!terms->size_dimension) return one;
    const char *size = dimension_set_value(set, terms->size_dimension);
    for (size_t s = 0; size && s < terms->size_count; s++)
        if (strcmp(size, terms->sizes[s].value) == 0) return terms->sizes[s].units;
    return QUANTITY_ZERO;
}

static size_t uses_of(const struct stage_commitment *commitment, const struct contract_reservation *terms,
                      struct reservation_use **uses)
{
    const struct stage_work *work = commitment->work;
    struct stage_candidate *candidates;
    size_t candidate_count = stage_commitment_candidates(commitment, &candidates), count = 0;
    *uses = ARENA_ARRAY(work->arena, struct reservation_use, candidate_count + 1);
    for (size_t i = 0; i < candidate_count; i++) {
        const struct price_item *item = &work->items[candidates[i].item];
        const struct quantity units = units_of(terms, candidates[i].dimensions);
        if (item->sku != commitment->sku || units.nano == 0) continue;
        (*uses)[count++] = (struct reservation_use){.item = candidates[i].item,
                                                    .start = candidates[i].start,
                                                    .end = candidates[i].end,
                                                    .tenant = item->tenant,
                                                    .rank = i,
                                                    .units = units,
                                                    .quantity = item->quantity};
    }
    return count;
}

static enum err run_one(struct stage_work *work, const struct contract_reservation *terms, size_t place)
{
    struct stage_commitment commitment;
    struct reservation_use *uses;
    struct reservation_sum sum;
    struct reservation_rest rest;
    size_t item = 0;
    enum err err = stage_commitment_init(work, &terms->base, terms->instances, false, place, &commitment);
    if (err) return err;
    const struct reservation reservation = {commitment.fee, terms->instances, terms->units, terms->per,
                                            commitment.owner};
    size_t count = uses_of(&commitment, terms, &uses);
    if (reservation_cover(&reservation, uses, count, &sum, &item))
        return charge_limit_fault(work->catalogue, work->items[item].tenant, work->items[item].sku, work->fault);
    if (reservation_rest_of(&reservation, work->usage->period_start, work->usage->period_end, &sum, &rest))
        return stage_commitment_limit(&commitment);
    struct stage_part *parts = ARENA_ARRAY(work->arena, struct stage_part, count + 1);
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct stage_part){uses[i].item, uses[i].covered, uses[i].cost};
    err = stage_commitment_take(&commitment, parts, count);
    return err ? err : stage_commitment_bill(&commitment, false, rest.unused, rest.unused_cost);
}

static const struct contract_commitment *base_of(const struct contract *contract, size_t place)
{
    return &contract->reservations[place].base;
}

enum err stage_reservation_run(struct stage_work *work)
{
    const struct contract *contract = work->agreement->contract;
    const size_t *order = stage_commitment_order(work, base_of, contract->reservation_count);
    enum err err = ERR_OK;
    for (size_t i = 0; i < contract->reservation_count && !err; i++) {
        const struct contract_reservation *terms = &contract->reservations[order[i]];
        if (terms->base.from >= work->usage->period_end || terms->base.to <= work->usage->period_start) continue;
        err = run_one(work, terms, order[i] + 1);
    }
    return err;
}
