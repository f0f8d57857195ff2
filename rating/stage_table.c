// SPDX-License-Identifier: Apache-2.0
// Which function is which stage of a contract, and their order.
#include "rating/stage.h"

stage_run *const stage_runs[CONTRACT_STAGE_COUNT] = {
    [CONTRACT_FREE] = stage_free_run,
    [CONTRACT_PACKAGES] = stage_package_run,
    [CONTRACT_RESERVATIONS] = stage_reservation_run,
    [CONTRACT_SAVINGS_PLANS] = stage_savings_plan_run,
    [CONTRACT_DISCOUNTS] = stage_discount_run,
    [CONTRACT_COUPONS] = stage_coupon_run,
    [CONTRACT_LIMITS] = stage_limit_run,
    [CONTRACT_PREPAYMENTS] = stage_prepayment_run,
};

enum err stages_run(struct stage_work *work, bool units)
{
    const struct contract *contract = work->agreement->contract;
    enum err err = ERR_OK;
    for (size_t i = 0; i < contract->stage_count && !err; i++) {
        enum contract_stage stage = contract->stages[i];
        if (contract_forms[stage].units == units && stage_runs[stage]) err = stage_runs[stage](work);
    }
    return err;
}
