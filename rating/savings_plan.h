// SPDX-License-Identifier: Apache-2.0
// Savings plans: a promise to spend so much in every hour of a term; usage is drawn from the hour's amount at the
// plan's prices, that with the highest discount first, and what an hour does not use is paid all the same and stays
// visible. Pure: which usage is eligible, and its prices, are the caller's affair.
#pragma once
#include "rating/commitment.h"

struct savings_plan {
    struct commitment_fee fee; // hourly: what is promised; upfront_within
    int64_t owner;             // tenant that is served before the others; 0: none
    bool only_cheaper;         // usage whose own price is below the plan's is not drawn
    struct price exchange;     // from the prices' currency to that of the promise, at 1e-12; 0: they are the same
};

// A unit price of so many METER units.
struct savings_plan_price {
    struct price price;
    struct quantity per; // > 0
};

// A price less a discount (a fraction of 0 to 1 at 1e-12), rounded half-up to 1e-12. ERR_LIMIT.
enum err savings_plan_discounted(struct price price, struct price discount, struct price *discounted) MUST_USE;

// What one item used in one window (see reservation.h), after reservations.
struct savings_plan_use {
    size_t item;
    instant_us start, end;
    int64_t tenant;
    size_t rank;                         // order of uses that are equal in all else; no two are the same in a window
    struct savings_plan_price own, plan; // without and with the plan; usage whose own price is 0 is not drawn
    struct quantity quantity;            // METER units, >= 0
    // filled:
    int128 factor;           // plan's price / own price at 1e-12
    struct quantity covered; // METER units
    struct amount cost;      // drawn from the plan
};

// Draws the uses, which it sorts: windows in order of time; in a window the owner's first, then by the plan's price in
// parts of the own one (12 decimals, half-up), the lowest first, then by rank, until the window's amount is used. A use
// is drawn at quantity x price / per, rounded half-up to 1e-12; the one that crosses the amount takes all that is left
// of it, and its covered quantity, left x per / price, is rounded half-up to 1e-9; if that is 0 it takes nothing.
// *spent: what was drawn of all windows. ERR_LIMIT: *item is the use's at which a number left its range. O(n log n),
// nothing is allocated.
enum err savings_plan_draw(const struct savings_plan *plan, struct savings_plan_use *uses, size_t count,
                           struct amount *spent, size_t *item) MUST_USE;
