// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "rating/percentile.h"

#include <stdlib.h>

enum { DROPPED_OF = 20 }; // one in twenty: 5 %

bool percentile_window(enum evaluation_window window)
{
    switch (window) {
    case WINDOW_SLOT:
    case WINDOW_DAY:
    case WINDOW_PERIOD:
        return false;
    case WINDOW_PERCENTILE:
    case WINDOW_PERCENTILE_ALL:
    case WINDOW_PERCENTILE_DAILY:
    case WINDOW_PERCENTILE_DAYS:
        return true;
    case WINDOW_COUNT:
        break;
    }
    return false;
}

static int greatest_first(const void *left, const void *right)
{
    const struct percentile_sample *a = left, *b = right;
    return quantity_compare(b->value, a->value);
}

// The sample after the `dropped` greatest; 0 if there is none.
static struct quantity sample_after(struct percentile_sample *samples, size_t count, size_t dropped)
{
    if (dropped >= count) return QUANTITY_ZERO;
    qsort(samples, count, sizeof *samples, greatest_first);
    return samples[dropped].value;
}

static bool same_day(const struct zone *zone, instant_us a, instant_us b)
{
    struct civil left, right;
    zone_civil(zone, a, &left);
    zone_civil(zone, b, &right);
    return left.year == right.year && left.month == right.month && left.day == right.day;
}

// Keeps the greatest values of days seen so far, greatest first.
static void keep_greatest(struct quantity *greatest, size_t *count, struct quantity value)
{
    size_t at = *count;
    while (at > 0 && quantity_compare(greatest[at - 1], value) < 0)
        at--;
    if (at == PERCENTILE_DAYS) return;
    if (*count < PERCENTILE_DAYS) ++*count;
    for (size_t i = *count - 1; i > at; i--)
        greatest[i] = greatest[i - 1];
    greatest[at] = value;
}

static enum err mean_of_days(const struct zone *zone, struct percentile_sample *samples, size_t count,
                             struct quantity *value)
{
    struct quantity days[PERCENTILE_DAYS], sum = QUANTITY_ZERO;
    size_t day_count = 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && same_day(zone, samples[from].slot, samples[to].slot);)
            to++;
        keep_greatest(days, &day_count, sample_after(samples + from, to - from, PERCENTILE_DAY_DROPPED));
    }
    for (size_t i = 0; i < day_count; i++)
        if (quantity_add(sum, days[i], &sum)) return ERR_LIMIT;
    return decimal_mul_div(sum.nano, 1, (int128)day_count, ROUND_HALF_UP, &value->nano);
}

enum err percentile_evaluate(enum evaluation_window window, const struct usage_request *request,
                             struct percentile_sample *samples, size_t count, struct quantity *value)
{
    const int64_t slots = (request->period_end - request->period_start) / (PERCENTILE_SLOT_MINUTES * MINUTE_US);
    ENSURE(count > 0 && percentile_window(window));
    if (window == WINDOW_PERCENTILE_DAILY) return mean_of_days(request->zone, samples, count, value);
    const size_t grid = window == WINDOW_PERCENTILE_ALL ? (size_t)slots : count;
    *value = sample_after(samples, count, grid / DROPPED_OF);
    return ERR_OK;
}
