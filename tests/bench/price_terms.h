// SPDX-License-Identifier: Apache-2.0
// F by what terms add to it: usage by the hour of a few tenants and flavours under a price per unit, alone and with one
// thing more each.
#pragma once
#include "tests/bench/price_world.h"

enum { TERMS_TENANTS = 5, TERMS_FLAVOURS = 4, TERMS_HOURS = 744 };

struct price_terms {
    const char *name;
    const char *hours, *times;      // of the price
    int minimum_seconds;            // and whole minutes
    const char *deductions, *offer; // of the account
    enum offer_kind kind;           // of the offer
    enum charge_stage stage;        // of which it must make charges
};
extern const struct price_terms price_terms[];
extern const size_t price_terms_count;

// Usage of January 1970, a line for each tenant, flavour and hour (14,880), every second one a run that has ended.
// Returns the terms.
const struct agreement *price_terms_world(const struct price_terms *kind, struct arena *arena,
                                          struct price_world *world, struct account_usage *usage);
