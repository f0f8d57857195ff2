// SPDX-License-Identifier: Apache-2.0
// What reservations and savings plans have in common: the fees of a commitment and how they fall on time. Pure.
#pragma once
#include "common/decimal.h"
#include "common/instant.h"

// What a commitment costs over its term [from, to): once at its beginning, and for every hour. Amounts >= 0, for
// everything that was bought together. to is INSTANT_MAX for one without end, which has nothing upfront.
struct commitment_fee {
    instant_us from, to;
    struct amount upfront, hourly;
    bool upfront_within; // upfront is a part of the hours' amounts that is paid before; else it is added to them
};

// What falls on [start, end): billed_once, if the term begins there; billed_hourly; and cost, the amortized share of
// both, which is what usage and unused hours carry. Every figure is the difference of two values since the beginning
// of the term, each rounded half-up to 1e-12: over any division of the term the parts add up to the whole, and the
// cost of the term is what was billed. What lies outside of the term is none. ERR_LIMIT: an amount leaves the range.
struct commitment_share {
    struct amount billed_once, billed_hourly, cost;
};
enum err commitment_share_of(const struct commitment_fee *fee, instant_us start, instant_us end,
                             struct commitment_share *share) MUST_USE;

// round(rate per hour x (end - start)), half-up, as a difference of two values since `from`: for entitlements.
// from <= start <= end. ERR_LIMIT.
enum err commitment_accrue(int128 rate, instant_us from, instant_us start, instant_us end, int128 *accrued) MUST_USE;
