// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "rating/fee.h"

struct fee_calendar fee_calendar_of(const struct catalogue *catalogue, const struct holding *holding,
                                    instant_us period_start, instant_us period_end)
{
    const struct agreement *terms = catalogue_agreement(catalogue, holding->account, holding->from);
    ENSURE(terms); // the catalogue was built with it
    return (struct fee_calendar){holding->offer->subscription, terms->zone, holding->anchor,
                                 {period_start, period_end}};
}

// --- intervals

static int days_in_month(int year, int month)
{
    return (int)(civil_days(year + month / 12, month % 12 + 1, 1) - civil_days(year, month, 1));
}

static int64_t months_since_year_0(const struct civil *civil)
{
    return (int64_t)civil->year * 12 + civil->month - 1;
}

// Where the interval of an index begins: so many months after the anchor, on its day or the last one of a shorter month.
static instant_us bound(const struct fee_calendar *calendar, int64_t index)
{
    struct civil civil;
    if (index == 0) return calendar->anchor; // also where its civil time is there twice
    zone_civil(calendar->zone, calendar->anchor, &civil);
    int64_t months = months_since_year_0(&civil) + index * calendar->terms->months;
    civil.year = (int)(months / 12);
    civil.month = (int)(months % 12) + 1;
    int last = days_in_month(civil.year, civil.month);
    if (civil.day > last) civil.day = last;
    return zone_instant(calendar->zone, &civil);
}

struct fee_interval fee_interval_at(const struct fee_calendar *calendar, instant_us at)
{
    struct civil anchor, civil;
    if (calendar->terms->months == 0) return calendar->period;
    zone_civil(calendar->zone, calendar->anchor, &anchor);
    zone_civil(calendar->zone, at, &civil);
    int64_t index = (months_since_year_0(&civil) - months_since_year_0(&anchor)) / calendar->terms->months;
    while (index > 0 && bound(calendar, index) > at)
        index--;
    while (bound(calendar, index + 1) <= at)
        index++;
    return (struct fee_interval){bound(calendar, index), bound(calendar, index + 1)};
}

// --- proration

// Days since 1970 that have begun at an instant, or that have ended.
static int64_t day_of(const struct fee_calendar *calendar, instant_us at)
{
    struct civil civil;
    zone_civil(calendar->zone, at, &civil);
    int64_t day = civil_days(civil.year, civil.month, civil.day);
    const struct civil midnight = {.year = civil.year, .month = civil.month, .day = civil.day};
    const struct civil next = {.year = civil.year, .month = civil.month, .day = civil.day + 1};
    instant_us begin = zone_instant(calendar->zone, &midnight);
    if (zone_instant(calendar->zone, &next) <= at) // the clock went back over midnight
        day++, begin = zone_instant(calendar->zone, &next);
    return calendar->terms->started_is_old && begin < at ? day + 1 : day;
}

static int64_t hour_of(const struct fee_calendar *calendar, instant_us at)
{
    instant_us begin = instant_floor(at, HOUR_US);
    return begin / HOUR_US + (calendar->terms->started_is_old && begin < at);
}

static int64_t passed_of_30_days(const struct fee_calendar *calendar, struct fee_interval interval, instant_us at)
{
    const int64_t all = 30 * (calendar->terms->months ? calendar->terms->months : 1);
    int64_t days = day_of(calendar, at) - day_of(calendar, interval.begin);
    return at >= interval.end || days > all ? all : days;
}

int64_t fee_passed(const struct fee_calendar *calendar, struct fee_interval interval, instant_us at)
{
    switch (calendar->terms->proration) {
    case FEE_ACTUAL_DAYS:
        return day_of(calendar, at) - day_of(calendar, interval.begin);
    case FEE_FIXED_30_DAYS:
        return passed_of_30_days(calendar, interval, at);
    case FEE_HOURS:
        return hour_of(calendar, at) - hour_of(calendar, interval.begin);
    case FEE_SECONDS:
    case FEE_WHOLE:
        break;
    }
    return at - interval.begin;
}

instant_us fee_holding_end(const struct catalogue *catalogue, const struct holding *holding)
{
    if (holding->offer->kind != OFFER_SUBSCRIPTION || holding->to == INSTANT_MAX) return holding->to;
    if (holding->offer->subscription->months == 0) return holding->to;
    const struct fee_calendar calendar = fee_calendar_of(catalogue, holding, 0, 0);
    return fee_interval_at(&calendar, holding->to).begin == holding->to ? holding->to : holding->to + 1;
}
