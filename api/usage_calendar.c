// SPDX-License-Identifier: Apache-2.0
// Hours, days and months of a zone. An hour begins where the clock on the wall shows a full hour, a day and a month at
// the first instant of theirs; so a day may have 23 or 25 hours, and in some zones one is half as long.
#include "api/usage_calendar.h"

#include <string.h>

enum { DATE_LENGTH = 10 };

static const char *const group_names[] = {"hour", "day", "month"};

enum err usage_group_parse(const char *word, enum usage_group *group, struct fault *fault)
{
    for (int i = USAGE_BY_HOUR; i <= USAGE_BY_MONTH; i++) {
        if (strcmp(word, group_names[i]) != 0) continue;
        *group = (enum usage_group)i;
        return ERR_OK;
    }
    return fault_set(fault, ERR_INVALID, "group", "must be hour, day or month");
}

const char *usage_group_name(enum usage_group group)
{
    return group_names[group];
}

enum err usage_bound_parse(const char *text, const struct zone *zone, instant_us *bound, struct fault *fault)
{
    instant_us instant;
    size_t length = strlen(text);
    enum err err = instant_parse_loose(text, length, &instant, fault);
    if (err) return err;
    if (length == DATE_LENGTH) {
        struct civil civil = {0};
        civil_from_days(instant / DAY_US - (instant % DAY_US < 0), &civil.year, &civil.month, &civil.day);
        instant = zone_instant(zone, &civil);
    }
    if (instant != instant_floor(instant, SLOT_US))
        return fault_set(fault, ERR_INVALID, "", "must be a multiple of 15 minutes, the grain of usage");
    *bound = instant;
    return ERR_OK;
}

static instant_us next_hour(const struct zone *zone, instant_us at)
{
    int64_t local = at + zone_offset_seconds(zone, at) * SECOND_US;
    return at + HOUR_US - (local - instant_floor(local, HOUR_US));
}

static instant_us next_day(const struct zone *zone, instant_us at)
{
    struct civil civil;
    instant_us next = at;
    zone_civil(zone, at, &civil);
    // where a day is left out, or its start comes twice, the next one that is later counts
    for (int days = 1; next <= at; days++) {
        const struct civil start = {.year = civil.year, .month = civil.month, .day = civil.day + days};
        next = zone_instant(zone, &start);
    }
    return next;
}

static instant_us next_month(const struct zone *zone, instant_us at)
{
    int year, month;
    instant_us start, end;
    zone_month_of(zone, at, &year, &month);
    zone_month(zone, year, month, &start, &end);
    return end;
}

static instant_us next_bound(const struct zone *zone, instant_us at, enum usage_group group)
{
    switch (group) {
    case USAGE_BY_HOUR:
        return next_hour(zone, at);
    case USAGE_BY_DAY:
        return next_day(zone, at);
    case USAGE_BY_MONTH:
        return next_month(zone, at);
    }
    return at;
}

enum err usage_calendar(const struct zone *zone, instant_us from, instant_us to, enum usage_group group,
                        struct arena *arena, instant_us **bounds, size_t *count, struct fault *fault)
{
    instant_us *list = ARENA_ARRAY(arena, instant_us, USAGE_POINTS_MAX);
    *bounds = list;
    *count = 0;
    if (from >= to) return fault_set(fault, ERR_INVALID, "to", "must be after from");
    for (instant_us at = next_bound(zone, from, group); at < to; at = next_bound(zone, at, group)) {
        if (*count + 1 == USAGE_POINTS_MAX)
            return fault_set(fault, ERR_LIMIT, "from",
                             "the range has more than %d groups: ask for less, or for longer groups", USAGE_POINTS_MAX);
        list[(*count)++] = at;
    }
    return ERR_OK;
}
