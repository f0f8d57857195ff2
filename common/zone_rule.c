// SPDX-License-Identifier: Apache-2.0
// The rule in the footer of a zone file, which holds after the last change in its table: text to rule, rule to offset.
// Source: POSIX.1-2017 section 8.3 (TZ) with the extensions of RFC 8536 section 3.3.1.
#include "common/zone_file.h"

enum { DAY_SECONDS = 86400, HOUR_SECONDS = 3600, HOURS_MAX = 167, NAME_MIN = 3 };

struct reader { const char *at, *end; };

static bool take(struct reader *reader, char character)
{
    if (reader->at == reader->end || *reader->at != character) return false;
    reader->at++;
    return true;
}

static bool take_number(struct reader *reader, int least, int most, int *value)
{
    const char *start = reader->at;
    *value = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        *value = *value * 10 + (*reader->at - '0');
        if (*value > most) return false;
    }
    return reader->at > start && *value >= least;
}

// A name is skipped: "CET", or in angle brackets with digits and signs, "<+0545>".
static bool take_name(struct reader *reader)
{
    bool quoted = take(reader, '<');
    const char *start = reader->at;
    for (; reader->at < reader->end; reader->at++) {
        char lower = (char)(*reader->at | 0x20);
        bool letter = lower >= 'a' && lower <= 'z';
        bool sign_or_digit = *reader->at == '+' || *reader->at == '-' || (*reader->at >= '0' && *reader->at <= '9');
        if (!letter && !(quoted && sign_or_digit)) break;
    }
    return reader->at - start >= NAME_MIN && (!quoted || take(reader, '>'));
}

// [+-]hh[:mm[:ss]]
static bool take_time(struct reader *reader, int *second)
{
    int hours, minutes = 0, seconds = 0;
    bool negative = take(reader, '-');
    if (!negative && take(reader, '+')) negative = false;
    if (!take_number(reader, 0, HOURS_MAX, &hours)) return false;
    if (take(reader, ':') && !take_number(reader, 0, 59, &minutes)) return false;
    if (take(reader, ':') && !take_number(reader, 0, 59, &seconds)) return false;
    *second = hours * HOUR_SECONDS + minutes * 60 + seconds;
    if (negative) *second = -*second;
    return true;
}

// Written as what must be added to local time to get UTC: the other way round than everywhere else.
static bool take_offset(struct reader *reader, int *offset)
{
    if (!take_time(reader, offset)) return false;
    *offset = -*offset;
    return *offset >= ZONE_OFFSET_MIN && *offset <= ZONE_OFFSET_MAX;
}

static bool take_day(struct reader *reader, struct zone_change *change)
{
    if (take(reader, 'M')) {
        change->kind = CHANGE_MONTH_WEEK_DAY;
        return take_number(reader, 1, 12, &change->month) && take(reader, '.') &&
               take_number(reader, 1, 5, &change->week) && take(reader, '.') && take_number(reader, 0, 6, &change->day);
    }
    if (take(reader, 'J')) {
        change->kind = CHANGE_DAY_WITHOUT_LEAP;
        return take_number(reader, 1, 365, &change->day);
    }
    change->kind = CHANGE_DAY_OF_YEAR;
    return take_number(reader, 0, 365, &change->day);
}

static bool take_change(struct reader *reader, struct zone_change *change)
{
    change->second = 2 * HOUR_SECONDS;
    return take(reader, ',') && take_day(reader, change) && (!take(reader, '/') || take_time(reader, &change->second));
}

bool zone_rule_parse(const char *text, size_t length, struct zone_rule *rule)
{
    struct reader reader = {text, text + length};
    *rule = (struct zone_rule){.known = true};
    if (!take_name(&reader) || !take_offset(&reader, &rule->standard_offset)) return false;
    if (reader.at == reader.end) return true;
    rule->daylight = true;
    rule->daylight_offset = rule->standard_offset + HOUR_SECONDS;
    if (!take_name(&reader)) return false;
    if (reader.at < reader.end && *reader.at != ',' && !take_offset(&reader, &rule->daylight_offset)) return false;
    return take_change(&reader, &rule->start) && take_change(&reader, &rule->end) && reader.at == reader.end;
}

static int64_t month_week_day(int year, const struct zone_change *change)
{
    int64_t first = civil_days(year, change->month, 1);
    int64_t next = change->month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, change->month + 1, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; // day 0 was a Thursday
    int64_t day = first + (change->day - weekday + 7) % 7 + (int64_t)7 * (change->week - 1);
    return day < next ? day : day - 7;
}

// The UTC second of a change in a year; offset: the one that holds before it.
static int64_t change_second(int year, const struct zone_change *change, int offset)
{
    int64_t first = civil_days(year, 1, 1), day = 0;
    switch (change->kind) {
    case CHANGE_MONTH_WEEK_DAY: day = month_week_day(year, change); break;
    case CHANGE_DAY_WITHOUT_LEAP: {
        bool leap = civil_days(year, 3, 1) - first == 60;
        day = first + change->day - 1 + (leap && change->day >= 60); // day 60 is always March 1st
        break;
    }
    case CHANGE_DAY_OF_YEAR: day = first + change->day; break;
    }
    return day * DAY_SECONDS + change->second - offset;
}

static void consider(struct zone_stretch *stretch, int64_t second, int64_t change, int offset)
{
    if (change > second) {
        if (change < stretch->end) stretch->end = change;
    } else if (change >= stretch->start) {
        stretch->start = change;
        stretch->offset = offset;
    }
}

struct zone_stretch zone_rule_stretch(const struct zone_rule *rule, int64_t second)
{
    struct zone_stretch stretch = {INT64_MIN, INT64_MAX, rule->standard_offset};
    if (!rule->daylight) return stretch;
    int64_t local = second + rule->standard_offset;
    int64_t days = local / DAY_SECONDS - (local % DAY_SECONDS < 0);
    int middle, month, day;
    civil_from_days(days, &middle, &month, &day);
    // A change may lie up to a week outside its year. The start comes second, so that it wins where daylight time ends
    // and starts at the same second: that is how a file says "all year".
    for (int year = middle - 1; year <= middle + 1; year++) {
        consider(&stretch, second, change_second(year, &rule->end, rule->daylight_offset), rule->standard_offset);
        consider(&stretch, second, change_second(year, &rule->start, rule->standard_offset), rule->daylight_offset);
    }
    return stretch;
}
