// SPDX-License-Identifier: Apache-2.0
// F by what one price may have, and by what takes something off many charges: usage by the day of a few tenants, under
// prices per unit or in tiers, alone and with one thing more each.
#pragma once
#include "tests/bench/price_world.h"

enum { KIND_TENANTS = 5, KIND_DAYS = 31 };

struct price_kind {
    const char *name;
    enum price_model model;   // per unit, or in three tiers
    bool matrix;              // prices of every flavour, of every region, of some of both, and of the rest
    enum price_daily daily;
    struct quantity block;    // of every tier
    struct quantity round_to; // rounded up
    const char *deductions;   // of the account
    const char *coupon;       // that it holds
    enum charge_stage stage;  // of which it must make charges
};
extern const struct price_kind price_kinds[];
extern const size_t price_kinds_count;

// Usage of January 1970, a line for each dimension set, tenant and day (31,000). Returns the terms.
const struct agreement *price_kinds_world(const struct price_kind *kind, struct arena *arena, struct price_world *world,
                                          struct account_usage *usage);
