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

// The interval is the billing period itself.
static bool is_period(const struct subscription_terms *terms)
{
    return terms->months == 0 && terms->days == 0;
}

static int64_t months_since_year_0(const struct civil *civil)
{
    return (int64_t)civil->year * 12 + civil->month - 1;
}

static void add_months(struct civil *civil, int64_t count)
{
    int64_t months = months_since_year_0(civil) + count;
    civil->year = (int)(months / 12);
    civil->month = (int)(months % 12) + 1;
    int last = civil_month_days(civil->year, civil->month);
    if (civil->day > last) civil->day = last;
}

static void add_days(struct civil *civil, int64_t count)
{
    civil_from_days(civil_days(civil->year, civil->month, civil->day) + count, &civil->year, &civil->month, &civil->day);
}

// Where the interval of an index begins: so many days after the anchor, or so many months, then on its day or the last
// one of a shorter month; at the anchor's time of day.
static instant_us bound(const struct fee_calendar *calendar, int64_t index)
{
    struct civil civil;
    if (index == 0) return calendar->anchor; // also where its civil time is there twice
    zone_civil(calendar->zone, calendar->anchor, &civil);
    if (calendar->terms->days)
        add_days(&civil, index * calendar->terms->days);
    else
        add_months(&civil, index * calendar->terms->months);
    return zone_instant(calendar->zone, &civil);
}

// The index of the interval that contains an instant, or nearly so.
static int64_t index_near(const struct fee_calendar *calendar, instant_us at)
{
    struct civil from, to;
    zone_civil(calendar->zone, calendar->anchor, &from);
    zone_civil(calendar->zone, at, &to);
    if (calendar->terms->days)
        return (civil_days(to.year, to.month, to.day) - civil_days(from.year, from.month, from.day)) / calendar->terms->days;
    return (months_since_year_0(&to) - months_since_year_0(&from)) / calendar->terms->months;
}

struct fee_interval fee_interval_at(const struct fee_calendar *calendar, instant_us at)
{
    if (is_period(calendar->terms)) return calendar->period;
    int64_t index = index_near(calendar, at);
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
    if (is_period(holding->offer->subscription)) return holding->to;
    const struct fee_calendar calendar = fee_calendar_of(catalogue, holding, 0, 0);
    return fee_interval_at(&calendar, holding->to).begin == holding->to ? holding->to : holding->to + 1;
}
