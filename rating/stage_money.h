// SPDX-License-Identifier: Apache-2.0
// What stages that take money off several charges share: which charges, what these come to, and who bears how much. Pure.
#pragma once
#include "rating/stage.h"

// The SKUs, and those of the services; both empty: all.
struct money_scope {
    const struct sku *const *skus; size_t sku_count;
    const struct service *const *services; size_t service_count;
};

bool money_scope_has(const struct money_scope *scope, const struct sku *sku);

// Sum of the billed costs in the scope so far, but what makes up for terms; `gross`: before coupons. ERR_LIMIT names tenant and meter.
enum err stage_billed(const struct stage_work *work, const struct money_scope *scope, bool gross,
                      struct amount *sum) MUST_USE;

// Takes `off`, from 0 to what stage_billed says, off the charges in the scope: by what the charges of one tenant, SKU,
// price, tier and dimension set come to (those that come to less than 0 bear nothing), largest remainder at 1e-12, ties
// by SKU, tenant, price (match, hours, begin, book), tier and dimensions. So none of them falls below 0. Appends a charge
// of the stage and deduction for each part.
enum err stage_take_off(struct stage_work *work, const struct money_scope *scope, struct amount off,
                        enum charge_stage stage, int64_t deduction) MUST_USE;
