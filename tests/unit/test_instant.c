// SPDX-License-Identifier: Apache-2.0
// Instants: what is read as a time and what is refused, how it is written, floors, civil dates (against libc) and
// clocks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "common/instant.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void times_with_an_offset_are_read(void **state)
{
    (void)state;
    static const struct { const char *text; int64_t instant; } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00+00:00", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1970-01-01T00:00:01Z", 1000000},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.50Z", 500000},
        {"1970-01-01T00:00:00.123456789Z", 123456},            // cut off, not rounded
        {"1970-01-01T00:00:00.9999999999Z", 999999},           // ten digits
        {"1970-01-01T00:00:00.00000000000000000000000000000000000001Z", 0},
        {"2026-10-01T02:00:00+02:00", INT64_C(1790812800000000)},
        {"2026-10-01T00:00:00Z", INT64_C(1790812800000000)},
        {"2026-09-30T23:59:59.999999Z", INT64_C(1790812799999999)},
        {"2026-10-01T05:30:00+05:30", INT64_C(1790812800000000)},
        {"2026-10-01T05:45:00+05:45", INT64_C(1790812800000000)},
        {"2026-09-30T20:30:00-03:30", INT64_C(1790812800000000)},
        {"1970-01-02T23:59:00+23:59", INT64_C(86400000000)},
        {"1969-12-31T00:01:00-23:59", 0},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000000)},   // leap year
        {"2000-02-29T00:00:00Z", INT64_C(951782400000000)},    // a century that is one
        {"2016-12-31T23:59:60Z", INT64_C(1483228799999999)},   // leap second: the last microsecond of its month
        {"2016-12-31T23:59:60.7Z", INT64_C(1483228799999999)},
        {"2016-12-31T15:59:60-08:00", INT64_C(1483228799999999)},
        {"2016-12-31T23:59:59.999999Z", INT64_C(1483228799999999)},
        {"2017-01-01T00:00:00Z", INT64_C(1483228800000000)},
        {"0001-01-01T00:00:00Z", INSTANT_MIN},
        {"9999-12-31T23:59:59.999999Z", INSTANT_MAX},
        {"9999-12-31T23:59:60Z", INSTANT_MAX},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        instant_us instant = 77;
        struct fault fault = {0};
        enum err err = instant_parse(rows[i].text, strlen(rows[i].text), &instant, &fault);
        if (err) fail_msg("%s: %s", rows[i].text, fault.reason);
        if (instant != rows[i].instant) fail_msg("%s: got %lld", rows[i].text, (long long)instant);
    }
}

static void what_is_not_a_time_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "Z",
        "2026",
        "2026-10-01",
        "2026-10-01T00:00:00",
        "2026-10-01T00:00:00.5",
        "2026-10-01 00:00:00Z",
        "2026-10-01_00:00:00Z",
        "2026-10-01T00:00Z",
        "2026-10-01T00Z",
        "20261001T000000Z",
        "2026-10-01T000000+0000",
        "2026-10-01T00:00:00Z ",
        " 2026-10-01T00:00:00Z",
        "2026-10-01T00:00:00ZZ",
        "2026-10-01T00:00:00Z+00:00",
        "2026/10/01T00:00:00Z",
        "2026-10-01T00.00.00Z",
        "2026-10-01T00:00:00,5Z",
        "2026-10-01T00:00:00.Z",
        "2026-10-01T00:00:00.+02:00",
        "2026-10-01T00:00:00. 5Z",
        "2026-10-01T00:00:00.-5Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-10-00T00:00:00Z",
        "2026-10-32T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-10-01T24:00:00Z",
        "2026-10-01T00:60:00Z",
        "2026-10-01T00:00:61Z",
        "2026-10-01T-1:00:00Z",
        "2026-10-01T00:00:00+24:00",
        "2026-10-01T00:00:00+25:00",
        "2026-10-01T00:00:00+02:60",
        "2026-10-01T00:00:00+0200",
        "2026-10-01T00:00:00+02",
        "2026-10-01T00:00:00+2:00",
        "2026-10-01T00:00:00+02:00:00",
        "2026-10-01T00:00:00 02:00",
        "2026-10-01T00:00:00~02:00",
        "2026-10-01T00:00:00UTC",
        "2026-10-01T00:00:00[Europe/Berlin]",
        "0000-01-01T00:00:00Z",
        "-001-01-01T00:00:00Z",
        "+2026-10-01T00:00:00Z",
        "12026-10-01T00:00:00Z",
        "2O26-10-01T00:00:00Z",
        "2026-1/-01T00:00:00Z",
        "2026-10-0:T00:00:00Z",
        "2026-10-01T00:00:0\xb9Z",
        "\xd9\xa2\xd9\xa0-10-01T00:00:00Z",
        "now",
        "1790812800",
        "1790812800000000000000",
        "0001-01-01T00:00:00+00:01",        // one minute before INSTANT_MIN
        "9999-12-31T23:59:59.999999-00:01", // one minute after INSTANT_MAX
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        instant_us instant = 77;
        struct fault fault = {0};
        enum err err = instant_parse(rows[i], strlen(rows[i]), &instant, &fault);
        if (err != ERR_INVALID) fail_msg("\"%s\": %s", rows[i], err_name(err));
        assert_int_equal(instant, 77);
        assert_true(fault.reason[0] != 0);
    }
    // A NUL inside, and texts without one behind them: each shorter copy ends an allocation, so ASan sees an overrun.
    instant_us instant;
    assert_int_equal(instant_parse("2026-10-01T00:00:00Z\0", 21, &instant, NULL), ERR_INVALID);
    static const char full[] = "2026-10-01T00:00:00.123456+02:00";
    for (size_t length = 1; length < sizeof full - 1; length++) {
        char *part = malloc(length);
        assert_non_null(part);
        memcpy(part, full, length);
        assert_int_equal(instant_parse(part, length, &instant, NULL), ERR_INVALID);
        free(part);
    }
    assert_int_equal(instant_parse(full, sizeof full - 1, &instant, NULL), ERR_OK);
}

static void a_bare_date_is_midnight_where_that_is_allowed(void **state)
{
    (void)state;
    instant_us instant;
    assert_int_equal(instant_parse_loose("2026-10-01", 10, &instant, NULL), ERR_OK);
    assert_int_equal(instant, INT64_C(1790812800000000));
    assert_int_equal(instant_parse_loose("2026-10-01T00:00:01Z", 20, &instant, NULL), ERR_OK);
    assert_int_equal(instant, INT64_C(1790812801000000));
    assert_int_equal(instant_parse_loose("0001-01-01", 10, &instant, NULL), ERR_OK);
    assert_int_equal(instant, INSTANT_MIN);
    static const char *const refused[] = {"2026-10-1", "2026-02-30", "2026-10-01T00:00:00",
                                          "2026-10",   "0000-01-01", "yesterday!"};
    for (size_t i = 0; i < COUNT(refused); i++)
        assert_int_equal(instant_parse_loose(refused[i], strlen(refused[i]), &instant, NULL), ERR_INVALID);
}

static void instants_are_written_in_utc(void **state)
{
    (void)state;
    static const struct { int64_t instant; const char *text; } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.000001Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {500000, "1970-01-01T00:00:00.5Z"},
        {100, "1970-01-01T00:00:00.0001Z"},
        {INT64_C(1790812800000000), "2026-10-01T00:00:00Z"},
        {INSTANT_MIN, "0001-01-01T00:00:00Z"},
        {INSTANT_MAX, "9999-12-31T23:59:59.999999Z"},
        {INSTANT_MAX + 1, "+10000-01-01T00:00:00Z"},
        {INSTANT_MIN - 1, "0000-12-31T23:59:59.999999Z"},
        {INSTANT_NONE, "none"},
        {INT64_MIN + 1, "-290308-12-21T19:59:05.224193Z"},
        {INT64_MAX, "+294247-01-10T04:00:54.775807Z"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[INSTANT_TEXT_MAX];
        size_t length = instant_print(rows[i].instant, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(length, strlen(text));
    }
}

static void every_day_agrees_with_libc_and_is_read_back(void **state)
{
    (void)state;
    int64_t first = civil_days(1, 1, 1), last = civil_days(9999, 12, 31);
    assert_int_equal(first * DAY_US, INSTANT_MIN);
    assert_int_equal((last + 1) * DAY_US - 1, INSTANT_MAX);
    for (int64_t days = first; days <= last; days++) {
        int year, month, day;
        civil_from_days(days, &year, &month, &day);
        struct tm tm;
        time_t second = days * 86400;
        assert_non_null(gmtime_r(&second, &tm));
        if (year != tm.tm_year + 1900 || month != tm.tm_mon + 1 || day != tm.tm_mday ||
            civil_days(year, month, day) != days)
            fail_msg("day %lld: %d-%d-%d", (long long)days, year, month, day);
        char text[INSTANT_TEXT_MAX];
        // A different time of day, to the microsecond, on each day.
        instant_us instant = days * DAY_US + ((days - first) * INT64_C(7919000001)) % DAY_US, again = 0;
        size_t length = instant_print(instant, text);
        if (instant_parse(text, length, &again, NULL) != ERR_OK || again != instant)
            fail_msg("%s is not read back", text);
    }
    assert_int_equal(civil_days(2026, 1, 32), civil_days(2026, 2, 1)); // a day beyond its month counts on
    assert_int_equal(civil_days(-400, 3, 1), civil_days(0, 3, 1) - 146097);
}

static void floors_go_down_on_both_sides_of_1970(void **state)
{
    (void)state;
    static const struct { int64_t instant, grain, floor; } rows[] = {
        {0, SLOT_US, 0},
        {1, SLOT_US, 0},
        {SLOT_US - 1, SLOT_US, 0},
        {SLOT_US, SLOT_US, SLOT_US},
        {SLOT_US + 1, SLOT_US, SLOT_US},
        {-1, SLOT_US, -SLOT_US},
        {-SLOT_US, SLOT_US, -SLOT_US},
        {-SLOT_US - 1, SLOT_US, -2 * SLOT_US},
        {12345, 1, 12345},
        {INSTANT_MIN, DAY_US, INSTANT_MIN},
        {INSTANT_MAX, DAY_US, INSTANT_MAX - DAY_US + 1},
        {INSTANT_NONE, SLOT_US, INSTANT_NONE},
        {INSTANT_NONE + 1, SLOT_US, INSTANT_NONE}, // below it there is no other instant
        {INT64_MAX, INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(instant_floor(rows[i].instant, rows[i].grain), rows[i].floor);
}

static void a_simulated_clock_shows_what_it_was_set_to(void **state)
{
    (void)state;
    struct clock *clock = clock_simulated(42);
    assert_int_equal(clock_now(clock), 42);
    clock_set(clock, 43);
    assert_int_equal(clock_now(clock), 43);
    clock_set(clock, 41); // may go back
    assert_int_equal(clock_now(clock), 41);
    clock_free(clock);
    clock_free(NULL);
}

static void the_system_clock_is_the_machines(void **state)
{
    (void)state;
    struct clock *clock = clock_system();
    int64_t before_s = time(NULL), monotonic_before = clock_monotonic_us();
    instant_us now = clock_now(clock);
    int64_t after_s = time(NULL), monotonic_after = clock_monotonic_us();
    // time() may be read from a coarser tick that is behind by a few milliseconds.
    assert_true(now >= (before_s - 1) * SECOND_US && now <= (after_s + 2) * SECOND_US);
    assert_true(monotonic_after >= monotonic_before);
    clock_free(clock); // does nothing
    assert_true(clock_now(clock_system()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_with_an_offset_are_read),
        cmocka_unit_test(what_is_not_a_time_is_refused),
        cmocka_unit_test(a_bare_date_is_midnight_where_that_is_allowed),
        cmocka_unit_test(instants_are_written_in_utc),
        cmocka_unit_test(every_day_agrees_with_libc_and_is_read_back),
        cmocka_unit_test(floors_go_down_on_both_sides_of_1970),
        cmocka_unit_test(a_simulated_clock_shows_what_it_was_set_to),
        cmocka_unit_test(the_system_clock_is_the_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
