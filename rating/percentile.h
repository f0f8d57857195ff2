// SPDX-License-Identifier: Apache-2.0
// The 95th percentile of the samples of a period, for levels whose window says so. A sample is the merged value of one
// slot; the same samples give the same figure in whatever order they came. Pure. docs/pricing.md has the rules.
#pragma once
#include "rating/usage.h"

enum { PERCENTILE_SLOT_MINUTES = 5, PERCENTILE_DAY_DROPPED = 4, PERCENTILE_DAYS = 5 };

struct percentile_sample {
    instant_us slot;
    struct quantity value; // never negative
};

// Whether a window is one of the percentiles.
bool percentile_window(enum evaluation_window window);

// Evaluates the samples of one record in a request's period, at most one per slot, sorted by slot; reorders them.
//   WINDOW_PERCENTILE        drops the greatest floor(5 %) of the samples there are, says the greatest of the rest
//   WINDOW_PERCENTILE_ALL    the same of all slots of the period: those without a sample are 0
//   WINDOW_PERCENTILE_DAILY  of each day (of the request's zone) the fifth greatest, 0 if there are fewer; says the mean
//                            of the five greatest of these days, or of the days with samples if they are fewer, half-up
//   WINDOW_PERCENTILE_DAYS   as WINDOW_PERCENTILE; the figure counts on each of the request's days with samples
// count > 0. ERR_LIMIT: a sum leaves the range of exact numbers.
enum err percentile_evaluate(enum evaluation_window window, const struct usage_request *request,
                             struct percentile_sample *samples, size_t count, struct quantity *value) MUST_USE;
