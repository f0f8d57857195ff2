// SPDX-License-Identifier: Apache-2.0
// A row of charges to date as settlement and close read it.
#pragma once
#include "common/db.h"
#include "rating/charge.h"

// Columns of such a select, in this order; the first two are for the caller.
#define CHARGE_ROW_COLUMNS                                                                                             \
    "account, period_start, tenant, sku, price, tier, dimension_set, stage, deduction, quantity, list_cost, contracted_cost, effective_cost, billed_cost"
struct charge charge_row_read(const struct db_result *result, int row);
