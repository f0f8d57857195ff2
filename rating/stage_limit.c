// SPDX-License-Identifier: Apache-2.0
// The least and the most that the account is billed for the period, over all or over some services. The maximum lowers
// the charges as they come; the minimum falls due when the period's time has passed, that of a term in its last period,
// which is told what the earlier ones came to. Pure.
#include "catalogue/contract_limit.h"
#include "rating/stage_money.h"

// Brings the account up to the minimum, if it is below: its own charge, and no tenant's.
static enum err add_missing(struct stage_work *work, const struct contract_limit *limit, size_t place, struct amount billed)
{
    struct amount missing;
    if (limit->minimum_spend.pico == 0) return ERR_OK; // a maximum alone: what is paid back may leave a sum below 0
    if (amount_sub(limit->minimum_spend, billed, &missing))
        return charge_limit_fault(work->catalogue, 0, limit->booked->number, work->fault);
    if (missing.pico <= 0 || work->usage->due < work->usage->period_end) return ERR_OK;
    *charge_list_add(work->charges) = (struct charge){.sku = limit->booked->number,
                                                      .stage = limit->term ? STAGE_TRUE_UP : STAGE_ACCOUNT_MINIMUM,
                                                      .deduction = (int64_t)place,
                                                      .list_cost = missing,
                                                      .contracted_cost = missing,
                                                      .effective_cost = missing,
                                                      .billed_cost = missing};
    return ERR_OK;
}

static enum err apply(struct stage_work *work, const struct contract_limit *limit, size_t place)
{
    const struct money_scope scope = {.services = limit->services, .service_count = limit->service_count};
    struct amount billed, beyond;
    enum err err = stage_billed(work, &scope, false, &billed);
    if (err) return err;
    if (limit->has_maximum && amount_compare(billed, limit->maximum_spend) > 0) {
        beyond.pico = billed.pico - limit->maximum_spend.pico; // both are from 0 to the greatest amount: it is above
        return stage_take_off(work, &scope, beyond, STAGE_ACCOUNT_MAXIMUM, (int64_t)place);
    }
    return add_missing(work, limit, place, billed);
}

static enum err true_up(struct stage_work *work, const struct contract_limit *limit, size_t place)
{
    const struct money_scope scope = {.services = limit->services, .service_count = limit->service_count};
    struct amount billed;
    enum err err = stage_billed(work, &scope, false, &billed);
    if (err || !work->usage->earlier) return err;
    if (amount_add(billed, work->usage->earlier[place - 1], &billed))
        return charge_limit_fault(work->catalogue, 0, limit->booked->number, work->fault);
    return add_missing(work, limit, place, billed);
}

enum err stage_limit_run(struct stage_work *work)
{
    const struct contract *contract = work->agreement->contract;
    instant_us start = work->usage->period_start;
    enum err err = ERR_OK;
    for (size_t i = 0; i < contract->limit_count && !err; i++) {
        const struct contract_limit *limit = &contract->limits[i];
        if (contract_term_ends(limit, start, work->usage->period_end))
            err = true_up(work, limit, i + 1);
        else if (!limit->term && start >= limit->from && start < limit->to)
            err = apply(work, limit, i + 1);
    }
    return err;
}

bool charge_counts_for_term(const struct contract_limit *limit, const struct sku *sku, enum charge_stage stage)
{
    const struct money_scope scope = {.services = limit->services, .service_count = limit->service_count};
    bool counts = stage != STAGE_TRUE_UP && stage != STAGE_PREPAYMENT && stage != STAGE_PREPAID;
    return counts && money_scope_has(&scope, sku);
}
