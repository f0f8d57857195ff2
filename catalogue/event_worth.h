// SPDX-License-Identifier: Apache-2.0
// What an event counts under a sum meter that multiplies two of its members or takes a fee of it. Such amounts are no
// function of a period's sum, so they are computed here, once per event, by whoever reads one: gateway, rater, quote.
#pragma once
#include "catalogue/catalogue.h"

// Whether an event counts something else than its value.
static inline bool event_worth_differs(const struct meter *meter)
{
    return meter->times_property || meter->fee;
}

// value x factor (only of a meter with times_property), exactly; of that, if the meter has one, the fee: rate x value
// rounded half-up at 1e-9, + fixed, within the bounds. Both at least 0. ERR_INVALID, with the reason: the product has
// more than 9 fraction digits, or the product or the fee is beyond what an event may count (1e15). Pure.
enum err event_worth(const struct meter *meter, struct quantity value, struct quantity factor, struct quantity *worth,
                     struct fault *fault) MUST_USE;
