// SPDX-License-Identifier: Apache-2.0
// What a zone file says, as zone.c uses it: a table of changes of the offset and the rule that holds after it.
// For zone*.c only; everybody else takes zone.h.
#pragma once
#include "common/zone.h"

// Offsets that a file may hold. Source: RFC 8536 section 3.2 (utoff), about a day in both directions.
enum { ZONE_OFFSET_MIN = -89999, ZONE_OFFSET_MAX = 93599 };

// A day of the year and a time on it. Source: POSIX TZ, as extended by RFC 8536 section 3.3.1.
struct zone_change {
    enum { CHANGE_MONTH_WEEK_DAY, CHANGE_DAY_WITHOUT_LEAP, CHANGE_DAY_OF_YEAR } kind;
    int month, week; // 1..12, 1..5 (5 = the last one)
    int day;         // of the week 0..6 from Sunday; without leap days 1..365; of the year 0..365
    int second;      // after midnight of that day, -167..167 hours, in the offset before the change
};

struct zone_rule {
    bool known, daylight; // daylight: the offset changes twice a year
    int standard_offset, daylight_offset;
    struct zone_change start, end; // of daylight time
};

// Seconds [start, end) in which the offset does not change.
struct zone_stretch { int64_t start, end; int offset; };

struct zone_table {
    size_t count;
    int64_t *changes; // seconds since 1970, ascending
    int *offsets;     // from changes[i] on
    int first_offset; // before changes[0]
    struct zone_rule rule;
};

// Reads a compiled zone file (TZif version 2 and later). Memory of *table belongs to the caller, who never frees it.
// ERR_INVALID: no file there or no zone file, ERR_RETRY: the file cannot be read, ERR_BUG: it is broken.
enum err zone_file_read(const char *path, struct zone_table *table, struct fault *fault) MUST_USE;

// Parses the footer ("CET-1CEST,M3.5.0,M10.5.0/3"); false if it is none.
bool zone_rule_parse(const char *text, size_t length, struct zone_rule *rule);
// The stretch of a known rule that contains `second`.
struct zone_stretch zone_rule_stretch(const struct zone_rule *rule, int64_t second);
