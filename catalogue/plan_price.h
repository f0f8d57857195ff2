// SPDX-License-Identifier: Apache-2.0
// What the parts of planning prices share. Private to catalogue/plan_price*.c.
#pragma once
#include "catalogue/plan.h"

// A version of the files (node) or in force (no node).
struct plan_price {
    const struct price_row *row;
    const struct price_tier_row *tiers;
    size_t tier_count;
    const struct yaml_node *node;
    size_t index;  // of files->prices
    instant_us to; // where it ends, or the next version of the same book, SKU, match and hours begins
};

// Tells the windows that are in force together for one match and contradict each other: other zones, or hours of one
// rank that overlap. prices: all versions of one book, SKU and match.
void plan_price_windows(struct plan *plan, const struct plan_price *prices, size_t count);
