// SPDX-License-Identifier: Apache-2.0
// The calendar of a subscription: its intervals, and how many days, hours or microseconds of one have passed at an
// instant (docs/subscriptions.md). Pure.
#pragma once
#include "catalogue/catalogue.h"

struct fee_interval { instant_us begin, end; };

struct fee_calendar {
    const struct subscription_terms *terms;
    const struct zone *zone; // of civil days, weeks and months
    instant_us anchor;
    struct fee_interval period; // the billing period; the interval of terms without one of their own
};

// Of a holding of a subscription, as seen from one billing period. Its zone is that of the account's terms in force
// where the holding begins, so that a later zone moves no interval.
struct fee_calendar fee_calendar_of(const struct catalogue *catalogue, const struct holding *holding,
                                    instant_us period_start, instant_us period_end);
// The interval that contains an instant, which is not before the anchor; or the period, of terms without an interval.
struct fee_interval fee_interval_at(const struct fee_calendar *calendar, instant_us at);
// What counts of an interval up to an instant in it: 0 at its begin, never less at a later instant. The unit is that of
// the proration; only ratios to what counts up to its end have a meaning.
int64_t fee_passed(const struct fee_calendar *calendar, struct fee_interval interval, instant_us at);
// One past the last instant at which something of a holding (of any kind) falls due: its end, or one more where a
// subscription ends inside an interval and has its rest settled in the period in which that instant is.
instant_us fee_holding_end(const struct catalogue *catalogue, const struct holding *holding);
