// SPDX-License-Identifier: Apache-2.0
// Which billing periods an apply prices anew (rules 6.3). Decides only; the rows come from apply.c. Private to
// catalogue/.
#pragma once
#include "catalogue/plan.h"

struct touch_period {
    int64_t agreement, account;
    instant_us start, end;
};

struct touch {
    const struct catalogue *catalogue; // as it will be
    struct plan_effect *prices;        // sorted by book, each effect once
    size_t price_count;
    struct plan_effect *rates; // sorted by currencies and time
    size_t rate_count;
    struct plan_effect *accounts; // member and term effects, one for every account concerned; sorted by account
    size_t account_count;
    bool *price_counted,
        *account_counted; // whether anything was ever counted that the effect is about; true until told
};
// Everything lives in the arena. An account's effects also concern the partners through which it buys.
void touch_prepare(struct touch *touch, struct arena *arena, const struct catalogue *catalogue,
                   const struct plan_effect *effects, size_t count);
// An effect that touches the period, prices first, rates last; NULL if there is none. only: NULL, or one mark per effect of
// touch->prices: of the prices those that are marked, and of the others those about which something was counted.
const struct plan_effect *touch_find(const struct touch *touch, const struct touch_period *period, const bool *only);
// The other rate at which the period's prices are converted; NULL if there is none. touch_find finds it, too, if `only`
// is NULL.
const struct plan_effect *touch_find_rate(const struct touch *touch, const struct touch_period *period);
// A change of terms that leaves the period without its own start or end: the zone in force at its start, by the
// catalogue as it will be, has no month of these instants. NULL if there is none.
const struct plan_effect *touch_find_zone(const struct touch *touch, const struct touch_period *period);
