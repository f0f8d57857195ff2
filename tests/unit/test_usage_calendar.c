// SPDX-License-Identifier: Apache-2.0
// Hours, days and months of zones where that is not obvious.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/usage_calendar.h"

static instant_us at(const char *text)
{
    instant_us instant;
    assert_int_equal(instant_parse_loose(text, strlen(text), &instant, NULL), ERR_OK);
    return instant;
}

static void test_groups(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        enum usage_group group;
        const char *from, *to;
        size_t count;
        const char *first, *last;
    } rows[] = {
        {"UTC", USAGE_BY_DAY, "2026-10-01", "2026-11-01", 30, "2026-10-02", "2026-10-31"},
        {"UTC", USAGE_BY_DAY, "2026-10-01", "2026-10-02", 0, NULL, NULL},
        {"UTC", USAGE_BY_HOUR, "2026-10-01T00:15:00Z", "2026-10-01T02:15:00Z", 2, "2026-10-01T01:00:00Z",
         "2026-10-01T02:00:00Z"},
        {"UTC", USAGE_BY_MONTH, "2025-12-15", "2026-03-01", 2, "2026-01-01", "2026-02-01"},
        // five and three quarters ahead: a full hour there is a quarter past here
        {"Asia/Kathmandu", USAGE_BY_HOUR, "2026-10-01T00:00:00Z", "2026-10-01T02:00:00Z", 2, "2026-10-01T00:15:00Z",
         "2026-10-01T01:15:00Z"},
        {"Asia/Kathmandu", USAGE_BY_DAY, "2026-10-01T00:00:00Z", "2026-10-03T00:00:00Z", 2, "2026-10-01T18:15:00Z",
         "2026-10-02T18:15:00Z"},
        // 2026-10-25: the clock goes back at 01:00Z, the day has 25 hours
        {"Europe/Berlin", USAGE_BY_HOUR, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 24, "2026-10-24T23:00:00Z",
         "2026-10-25T22:00:00Z"},
        {"Europe/Berlin", USAGE_BY_DAY, "2026-10-24T22:00:00Z", "2026-10-26T23:00:00Z", 1, "2026-10-25T23:00:00Z",
         "2026-10-25T23:00:00Z"},
        // 2026-10-04 02:00 becomes 02:30: the hour from 02:00 has thirty minutes less
        {"Australia/Lord_Howe", USAGE_BY_HOUR, "2026-10-03T14:30:00Z", "2026-10-03T17:00:00Z", 2,
         "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"},
        // 2011-12-30 was left out
        {"Pacific/Apia", USAGE_BY_DAY, "2011-12-29T10:00:00Z", "2012-01-01T10:00:00Z", 2, "2011-12-30T10:00:00Z",
         "2011-12-31T10:00:00Z"},
        // no midnight on 2023-10-01
        {"America/Asuncion", USAGE_BY_MONTH, "2023-09-15", "2023-11-01", 1, "2023-10-01T04:00:00Z",
         "2023-10-01T04:00:00Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena = arena_new(1024);
        const struct zone *zone;
        instant_us *bounds;
        size_t count;
        assert_int_equal(zone_open(rows[i].zone, &zone, NULL), ERR_OK);
        assert_int_equal(
            usage_calendar(zone, at(rows[i].from), at(rows[i].to), rows[i].group, arena, &bounds, &count, NULL),
            ERR_OK);
        if (count != rows[i].count) fail_msg("row %zu: %zu groups", i, count);
        if (count && (bounds[0] != at(rows[i].first) || bounds[count - 1] != at(rows[i].last))) {
            char first[INSTANT_TEXT_MAX], last[INSTANT_TEXT_MAX];
            instant_print(bounds[0], first);
            instant_print(bounds[count - 1], last);
            fail_msg("row %zu: %s to %s", i, first, last);
        }
        for (size_t b = 1; b < count; b++)
            assert_true(bounds[b] > bounds[b - 1]);
        arena_free(arena);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024);
    const struct zone *utc;
    instant_us *bounds, from = at("2026-01-01");
    size_t count;
    assert_int_equal(zone_open("UTC", &utc, NULL), ERR_OK);
    assert_int_equal(
        usage_calendar(utc, from, from + USAGE_POINTS_MAX * HOUR_US, USAGE_BY_HOUR, arena, &bounds, &count, NULL),
        ERR_OK);
    assert_int_equal(count, USAGE_POINTS_MAX - 1); // with the first: as many groups as are allowed
    assert_int_equal(usage_calendar(utc, from, from + USAGE_POINTS_MAX * HOUR_US + SLOT_US, USAGE_BY_HOUR, arena,
                                    &bounds, &count, NULL),
                     ERR_LIMIT);
    assert_int_equal(
        usage_calendar(utc, at("1926-01-01"), at("2026-01-01"), USAGE_BY_DAY, arena, &bounds, &count, NULL), ERR_LIMIT);
    assert_int_equal(usage_calendar(utc, from, from, USAGE_BY_DAY, arena, &bounds, &count, NULL), ERR_INVALID);
    assert_int_equal(usage_calendar(utc, from, from - SLOT_US, USAGE_BY_DAY, arena, &bounds, &count, NULL),
                     ERR_INVALID);
    arena_free(arena);
}

static void test_bounds_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *text, *wanted; // NULL: refused
    } rows[] = {
        {"UTC", "2026-10-01", "2026-10-01T00:00:00Z"},
        {"Europe/Berlin", "2026-10-01", "2026-09-30T22:00:00Z"},
        {"Europe/Berlin", "2026-10-01T00:00:00Z", "2026-10-01T00:00:00Z"},
        {"Asia/Kathmandu", "2026-10-01", "2026-09-30T18:15:00Z"},
        {"America/Asuncion", "2023-10-01", "2023-10-01T04:00:00Z"},
        {"UTC", "1969-12-31", "1969-12-31T00:00:00Z"},
        {"UTC", "2026-10-01T00:15:00+02:00", "2026-09-30T22:15:00Z"},
        {"UTC", "2026-10-01T00:07:00Z", NULL},
        {"UTC", "2026-10-01T00:00:00.000001Z", NULL},
        {"UTC", "2026-02-30", NULL},
        {"UTC", "2026-10", NULL},
        {"UTC", "", NULL},
        {"UTC", "now", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct zone *zone;
        instant_us found = 0;
        assert_int_equal(zone_open(rows[i].zone, &zone, NULL), ERR_OK);
        enum err err = usage_bound_parse(rows[i].text, zone, &found, NULL);
        if ((err == ERR_OK) != (rows[i].wanted != NULL)) fail_msg("%s: %s", rows[i].text, err_name(err));
        if (rows[i].wanted && found != at(rows[i].wanted)) fail_msg("%s in %s", rows[i].text, rows[i].zone);
    }
}

static void test_words(void **state)
{
    (void)state;
    enum usage_group group;
    assert_int_equal(usage_group_parse("hour", &group, NULL), ERR_OK);
    assert_int_equal(group, USAGE_BY_HOUR);
    assert_string_equal(usage_group_name(USAGE_BY_MONTH), "month");
    assert_int_equal(usage_group_parse("Hour", &group, NULL), ERR_INVALID);
    assert_int_equal(usage_group_parse("", &group, NULL), ERR_INVALID);
    assert_int_equal(usage_group_parse("week", &group, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_bounds_are_read), cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
