// SPDX-License-Identifier: Apache-2.0
// What of random contracts did something: so that a test of them fails when it no longer tries what it is there for.
#pragma once
#include "rating/charge.h"

enum random_play {
    // charges by stage come first: enum charge_stage
    PLAY_DISCOUNT_ALL = STAGE_COUNT, // the one that won
    PLAY_DISCOUNT_SERVICE,
    PLAY_DISCOUNT_SKU,
    PLAY_DISCOUNT_LEVELS, // another one was for the same SKU
    PLAY_PER_EVENT,       // a percentage of every event
    PLAY_PACKAGE_FREE,    // of charge
    PLAY_COUPON_AMOUNT,
    PLAY_COUPON_RATE,
    PLAY_COUPON_MAXIMUM,
    PLAY_COUPON_MINIMUM_SPEND,
    PLAY_COUPON_SKUS,
    PLAY_COUPON_SERVICES,
    PLAY_COUPON_ENDED,   // within the period
    PLAY_COUPON_OF_FEE,  // or of something else at no price
    PLAY_COUPON_LIMITED, // by stages with the limits first
    PLAY_MINIMUM_ALL,    // limits of a period
    PLAY_MINIMUM_SERVICE,
    PLAY_MAXIMUM_ALL,
    PLAY_MAXIMUM_SERVICE,
    PLAY_TRUE_UP_ALL,
    PLAY_TRUE_UP_SERVICE,
    PLAY_TRUE_UP_MONTHS, // earlier ones had come to something
    PLAY_FEE_PERIOD,
    PLAY_FEE_WEEK,
    PLAY_FEE_MONTH,
    PLAY_FEE_QUARTER,
    PLAY_FEE_YEAR,
    PLAY_FEE_IN_ADVANCE,
    PLAY_FEE_IN_ARREARS,
    PLAY_FEE_EARLIER,        // paid in an earlier period
    PLAY_FEE_IN_ADVANCE_PART, // of an interval
    PLAY_FEE_IN_ARREARS_PART,
    PLAY_FEE_PRORATION, // the first of enum fee_proration
    PLAY_FEE_STARTED_OLD = PLAY_FEE_PRORATION + FEE_WHOLE + 1,
    PLAY_LASTING_PACKAGE, // of which earlier periods had used something
    PLAY_LASTING_COUPON,
    PLAY_LASTING_PREPAYMENT,
    PLAY_RESERVATION,
    PLAY_SAVINGS_PLAN,
    PLAY_COUNT
};
const char *random_play_name(int play); // an enum random_play

// In how many months of accounts each was in play.
struct random_plays { size_t months[PLAY_COUNT]; };
// Counts what made charges of more than nothing in an account's month.
void random_play_take(struct random_plays *plays, const struct catalogue *catalogue, const struct agreement *terms,
                      const struct account_usage *usage, const struct rated *rated);
