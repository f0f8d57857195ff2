// SPDX-License-Identifier: Apache-2.0
// The least and the most that the account is billed for the period, over all or over some services. The maximum lowers
// the charges as they come; the minimum falls due when the period's time has passed. Pure.
#include "catalogue/contract_limit.h"
#include "rating/stage_money.h"

// Brings the account up to the minimum: its own, and no tenant's.
static void add_minimum(struct stage_work *work, const struct contract_limit *limit, struct amount missing, size_t place)
{
    *charge_list_add(work->charges) = (struct charge){.sku = limit->booked->number,
                                                      .stage = STAGE_ACCOUNT_MINIMUM,
                                                      .deduction = (int64_t)place,
                                                      .list_cost = missing,
                                                      .contracted_cost = missing,
                                                      .effective_cost = missing,
                                                      .billed_cost = missing};
}

static enum err apply(struct stage_work *work, const struct contract_limit *limit, size_t place)
{
    const struct money_scope scope = {.services = limit->services, .service_count = limit->service_count};
    struct amount billed, beyond;
    enum err err = stage_billed(work, &scope, false, &billed);
    if (err) return err;
    if (limit->has_maximum && amount_compare(billed, limit->maximum_spend) > 0) {
        beyond.pico = billed.pico - limit->maximum_spend.pico; // both are from 0 to the greatest amount
        return stage_take_off(work, &scope, beyond, STAGE_ACCOUNT_MAXIMUM, (int64_t)place);
    }
    if (amount_compare(billed, limit->minimum_spend) < 0 && work->usage->due >= work->usage->period_end)
        add_minimum(work, limit, (struct amount){limit->minimum_spend.pico - billed.pico}, place);
    return ERR_OK;
}

enum err stage_limit_run(struct stage_work *work)
{
    const struct contract *contract = work->agreement->contract;
    instant_us start = work->usage->period_start;
    enum err err = ERR_OK;
    for (size_t i = 0; i < contract->limit_count && !err; i++)
        if (start >= contract->limits[i].from && start < contract->limits[i].to)
            err = apply(work, &contract->limits[i], i + 1);
    return err;
}
