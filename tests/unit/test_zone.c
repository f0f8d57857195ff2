// SPDX-License-Identifier: Apache-2.0
// Zones: probed dates with a gap or an overlap, months that leave no instant out, and libc as an independent oracle.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "common/zone.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// All continents; both hemispheres; 15, 30 and 45 minute offsets; zones that moved, stopped or reversed daylight time.
static const char *const zones[] = {
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Moscow", "Europe/Istanbul",
    "Europe/Chisinau", "America/New_York", "America/Chicago", "America/Los_Angeles", "America/Phoenix",
    "America/St_Johns", "America/Havana", "America/Asuncion", "America/Sao_Paulo", "America/Santiago",
    "America/Caracas", "America/Nuuk", "America/Scoresbysund", "America/Mexico_City", "Asia/Kolkata", "Asia/Kathmandu",
    "Asia/Tehran", "Asia/Kabul", "Asia/Jerusalem", "Asia/Gaza", "Asia/Beirut", "Asia/Amman", "Asia/Pyongyang",
    "Asia/Tokyo", "Asia/Shanghai", "Africa/Casablanca", "Africa/Cairo", "Africa/Windhoek", "Africa/Juba",
    "Australia/Lord_Howe", "Australia/Adelaide", "Australia/Sydney", "Pacific/Apia", "Pacific/Chatham",
    "Pacific/Kiritimati", "Pacific/Norfolk", "Pacific/Tongatapu", "Antarctica/Troll", "Asia/Yangon",
};

static const struct zone *open_zone(const char *name)
{
    const struct zone *zone = NULL;
    struct fault fault = {0};
    if (zone_open(name, &zone, &fault) != ERR_OK) fail_msg("%s: %s %s", name, fault.place, fault.reason);
    return zone;
}

static instant_us at(const char *text)
{
    instant_us instant = 0;
    if (instant_parse_loose(text, strlen(text), &instant, NULL) != ERR_OK) fail_msg("bad row: %s", text);
    return instant;
}

static void assert_instant(instant_us actual, const char *expected, const char *where)
{
    if (actual == at(expected)) return;
    char text[INSTANT_TEXT_MAX];
    instant_print(actual, text);
    fail_msg("%s: got %s, expected %s", where, text, expected);
}

static void offsets_of_probed_instants(void **state)
{
    (void)state;
    static const struct { const char *zone, *instant; int offset;
    } rows[] = {
        {"UTC", "2026-10-01", 0},
        {"Europe/Berlin", "2026-03-29T00:59:59.999999Z", 3600},
        {"Europe/Berlin", "2026-03-29T01:00:00Z", 7200},
        {"Europe/Berlin", "2026-10-25T00:59:59.999999Z", 7200},
        {"Europe/Berlin", "2026-10-25T01:00:00Z", 3600},
        {"Europe/Berlin", "2098-07-01", 7200}, // beyond the table: the footer
        {"Europe/Berlin", "2098-12-01", 3600},
        {"Europe/Berlin", "1900-01-01", 3600}, // before 1970
        {"Europe/Berlin", "1850-01-01", 3208}, // local mean time, before the first change
        {"Asia/Kolkata", "2026-10-01", 19800},
        {"Asia/Kathmandu", "2026-10-01", 20700},
        {"America/Asuncion", "2023-10-01T03:59:59.999999Z", -14400},
        {"America/Asuncion", "2023-10-01T04:00:00Z", -10800},
        {"America/Havana", "2020-11-01T04:59:59.999999Z", -14400},
        {"America/Havana", "2020-11-01T05:00:00Z", -18000},
        {"Pacific/Apia", "2011-12-30T09:59:59.999999Z", -36000},
        {"Pacific/Apia", "2011-12-30T10:00:00Z", 50400},
        {"Australia/Lord_Howe", "2026-04-04T14:59:59.999999Z", 39600}, // shifts by 30 minutes
        {"Australia/Lord_Howe", "2026-04-04T15:00:00Z", 37800},
        {"Australia/Lord_Howe", "2098-01-01", 39600}, // southern summer by the footer
        {"Australia/Lord_Howe", "2098-07-01", 37800},
        {"Europe/Dublin", "2098-01-01", 0}, // "IST-1GMT0": winter is the daylight time of the rule
        {"Europe/Dublin", "2098-07-01", 3600},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int offset = zone_offset_seconds(open_zone(rows[i].zone), at(rows[i].instant));
        if (offset != rows[i].offset) fail_msg("%s %s: %d", rows[i].zone, rows[i].instant, offset);
    }
}

static void civil_times_become_the_first_instant_at_or_after_them(void **state)
{
    (void)state;
    static const struct { const char *zone; struct civil civil; const char *instant;
    } rows[] = {
        {"UTC", {2026, 10, 1, 12, 34, 56, 789}, "2026-10-01T12:34:56.000789Z"},
        {"Asia/Kolkata", {2026, 10, 1, 0, 0, 0, 0}, "2026-09-30T18:30:00Z"},
        {"Asia/Kathmandu", {2026, 10, 1, 0, 0, 0, 0}, "2026-09-30T18:15:00Z"},
        // A day without midnight: 00:00 -04:00 is followed by 01:00 -03:00.
        {"America/Asuncion", {2023, 9, 30, 23, 59, 59, 999999}, "2023-10-01T03:59:59.999999Z"},
        {"America/Asuncion", {2023, 10, 1, 0, 0, 0, 0}, "2023-10-01T04:00:00Z"},
        {"America/Asuncion", {2023, 10, 1, 0, 30, 0, 5}, "2023-10-01T04:00:00Z"},
        {"America/Asuncion", {2023, 10, 1, 1, 0, 0, 0}, "2023-10-01T04:00:00Z"},
        {"America/Asuncion", {2023, 10, 1, 1, 0, 0, 1}, "2023-10-01T04:00:00.000001Z"},
        {"America/Asuncion",
         {2024, 10, 6, 0, 0, 0, 0},
         "2024-10-06T04:00:00Z"}, // the last change: the footer holds from it
        // Two midnights: the first counts.
        {"America/Havana", {2020, 11, 1, 0, 0, 0, 0}, "2020-11-01T04:00:00Z"},
        {"America/Havana", {2020, 11, 1, 0, 59, 59, 999999}, "2020-11-01T04:59:59.999999Z"},
        {"America/Havana", {2020, 11, 1, 1, 0, 0, 0}, "2020-11-01T06:00:00Z"},
        // A day that does not exist: all of it is the start of the next one.
        {"Pacific/Apia", {2011, 12, 29, 23, 59, 59, 999999}, "2011-12-30T09:59:59.999999Z"},
        {"Pacific/Apia", {2011, 12, 30, 0, 0, 0, 0}, "2011-12-30T10:00:00Z"},
        {"Pacific/Apia", {2011, 12, 30, 23, 59, 59, 999999}, "2011-12-30T10:00:00Z"},
        {"Pacific/Apia", {2011, 12, 31, 0, 0, 0, 0}, "2011-12-30T10:00:00Z"},
        {"Pacific/Apia", {2011, 12, 31, 0, 0, 0, 1}, "2011-12-30T10:00:00.000001Z"},
        // Half an hour forth and back.
        {"Australia/Lord_Howe", {2026, 10, 4, 2, 0, 0, 0}, "2026-10-03T15:30:00Z"},
        {"Australia/Lord_Howe", {2026, 10, 4, 2, 30, 0, 0}, "2026-10-03T15:30:00Z"},
        {"Australia/Lord_Howe", {2026, 4, 5, 1, 30, 0, 0}, "2026-04-04T14:30:00Z"},
        {"Australia/Lord_Howe", {2026, 4, 5, 2, 0, 0, 0}, "2026-04-04T15:30:00Z"},
        // A gap and an overlap by the footer.
        {"Europe/Berlin", {2098, 3, 30, 2, 30, 0, 0}, "2098-03-30T01:00:00Z"},
        {"Europe/Berlin", {2098, 10, 26, 2, 30, 0, 0}, "2098-10-26T00:30:00Z"},
        // Fields that count on: November 31st is December 1st.
        {"Europe/Berlin", {2026, 11, 31, 0, 0, 0, 0}, "2026-11-30T23:00:00Z"},
        {"Europe/Berlin", {2026, 11, 30, 24, 0, 0, 0}, "2026-11-30T23:00:00Z"},
        // The ends of the range.
        {"UTC", {1, 1, 1, 0, 0, 0, 0}, "0001-01-01T00:00:00Z"},
        {"UTC", {9999, 12, 31, 23, 59, 59, 999999}, "9999-12-31T23:59:59.999999Z"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_instant(zone_instant(open_zone(rows[i].zone), &rows[i].civil), rows[i].instant, rows[i].zone);
}

static void civil_fields_of_an_instant(void **state)
{
    (void)state;
    static const struct { const char *zone, *instant; struct civil civil; } rows[] = {
        {"UTC", "1969-12-31T23:59:59.999999Z", {1969, 12, 31, 23, 59, 59, 999999}},
        {"Asia/Kathmandu", "2026-09-30T18:15:00.5Z", {2026, 10, 1, 0, 0, 0, 500000}},
        {"Pacific/Apia", "2011-12-30T09:59:59Z", {2011, 12, 29, 23, 59, 59, 0}},
        {"Pacific/Apia", "2011-12-30T10:00:00Z", {2011, 12, 31, 0, 0, 0, 0}},
        {"America/Havana", "2020-11-01T05:30:00Z", {2020, 11, 1, 0, 30, 0, 0}},
        {"America/New_York", "0001-01-01", {0, 12, 31, 19, 3, 58, 0}}, // local mean time -4:56:02
        {"Pacific/Kiritimati", "9999-12-31T23:59:59Z", {10000, 1, 1, 13, 59, 59, 0}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct civil civil;
        zone_civil(open_zone(rows[i].zone), at(rows[i].instant), &civil);
        if (memcmp(&civil, &rows[i].civil, sizeof civil) != 0)
            fail_msg("%s %s: %d-%02d-%02d %02d:%02d:%02d.%06d", rows[i].zone, rows[i].instant, civil.year, civil.month,
                     civil.day, civil.hour, civil.minute, civil.second, civil.micro);
    }
}

static void months_start_at_probed_instants(void **state)
{
    (void)state;
    static const struct { const char *zone; int year, month; const char *start, *end; } rows[] = {
        {"UTC", 2026, 2, "2026-02-01", "2026-03-01"},
        {"UTC", 2024, 12, "2024-12-01", "2025-01-01"},
        {"Europe/Berlin", 2026, 3, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"},   // 743 hours
        {"Europe/Berlin", 2026, 10, "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"},  // 745 hours
        {"Asia/Kolkata", 2026, 10, "2026-09-30T18:30:00Z", "2026-10-31T18:30:00Z"},
        {"Asia/Kathmandu", 2026, 10, "2026-09-30T18:15:00Z", "2026-10-31T18:15:00Z"},
        {"America/Asuncion", 2023, 10, "2023-10-01T04:00:00Z", "2023-11-01T03:00:00Z"},
        {"America/Havana", 2020, 11, "2020-11-01T04:00:00Z", "2020-12-01T05:00:00Z"},
        {"Pacific/Apia", 2011, 12, "2011-12-01T10:00:00Z", "2011-12-31T10:00:00Z"},   // 30 days, for it has no 30th
        {"Pacific/Apia", 2012, 1, "2011-12-31T10:00:00Z", "2012-01-31T10:00:00Z"},
        {"Australia/Lord_Howe", 2026, 4, "2026-03-31T13:00:00Z", "2026-04-30T13:30:00Z"},
        {"America/St_Johns", 2009, 11, "2009-11-01T02:30:00Z", "2009-12-01T03:30:00Z"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        instant_us start, end;
        zone_month(open_zone(rows[i].zone), rows[i].year, rows[i].month, &start, &end);
        assert_instant(start, rows[i].start, rows[i].zone);
        assert_instant(end, rows[i].end, rows[i].zone);
    }
}

static void a_month_that_is_shown_again_is_over(void **state)
{
    (void)state;
    // St John's, 2009: at 00:01 of November 1st (02:31Z) the clock goes back to 23:01 of October 31st.
    const struct zone *zone = open_zone("America/St_Johns");
    static const struct { const char *instant; int civil_month, month; } rows[] = {
        {"2009-11-01T02:29:59.999999Z", 10, 10},
        {"2009-11-01T02:30:00Z", 11, 11},
        {"2009-11-01T02:31:00Z", 10, 11}, // shows October, belongs to November
        {"2009-11-01T03:29:59.999999Z", 10, 11},
        {"2009-11-01T03:30:00Z", 11, 11},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct civil civil;
        int year, month;
        zone_civil(zone, at(rows[i].instant), &civil);
        zone_month_of(zone, at(rows[i].instant), &year, &month);
        assert_int_equal(civil.month, rows[i].civil_month);
        assert_int_equal(month, rows[i].month);
        assert_int_equal(year, 2009);
    }
}

// libc reads the same files by code of its own.
static void use_libc_zone(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}

static struct tm libc_civil(int64_t second)
{
    struct tm tm;
    time_t time = second;
    assert_non_null(localtime_r(&time, &tm));
    return tm;
}

// The second at which libc changes its offset, between two seconds with different ones.
static int64_t libc_change(int64_t before, int64_t after)
{
    long old = libc_civil(before).tm_gmtoff;
    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;
        if (libc_civil(middle).tm_gmtoff == old) before = middle;
        else after = middle;
    }
    return after;
}

static void assert_offset_of_libc(const struct zone *zone, instant_us instant, long expected)
{
    if (zone_offset_seconds(zone, instant) == expected) return;
    char text[INSTANT_TEXT_MAX];
    instant_print(instant, text);
    fail_msg("%s at %s: %d, libc %ld", zone_name(zone), text, zone_offset_seconds(zone, instant), expected);
}

// Compares once an hour and at the microseconds around each change; returns the number of changes.
static size_t compare_offsets(const struct zone *zone, instant_us from, instant_us to)
{
    enum { STEP = 3599 };
    size_t changes = 0;
    int64_t second = from / SECOND_US;
    long previous = libc_civil(second).tm_gmtoff;
    for (second += STEP; second < to / SECOND_US; second += STEP) {
        long offset = libc_civil(second).tm_gmtoff;
        assert_offset_of_libc(zone, second * SECOND_US, offset);
        if (offset == previous) continue;
        int64_t change = libc_change(second - STEP, second);
        assert_offset_of_libc(zone, change * SECOND_US - 1, previous);
        assert_offset_of_libc(zone, change * SECOND_US, libc_civil(change).tm_gmtoff);
        previous = offset;
        changes++;
    }
    return changes;
}

static void offsets_agree_with_libc_hour_by_hour(void **state)
{
    (void)state;
    size_t changes = 0;
    for (size_t i = 0; i < COUNT(zones); i++) {
        use_libc_zone(zones[i]);
        changes += compare_offsets(open_zone(zones[i]), at("2006-01-01"), at("2026-12-31"));
        changes +=
            compare_offsets(open_zone(zones[i]), at("2036-06-01"), at("2040-01-01")); // from the table to the footer
    }
    use_libc_zone("UTC");
    assert_true(changes > 1000); // else the oracle did not know the zones
}

static void civil_times_agree_with_libc_over_centuries(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(zones); i++) {
        const struct zone *zone = open_zone(zones[i]);
        use_libc_zone(zones[i]);
        for (int64_t second = at("1890-01-01") / SECOND_US; second < at("2500-01-01") / SECOND_US; second += 650007) {
            struct tm tm = libc_civil(second);
            struct civil civil;
            zone_civil(zone, second * SECOND_US, &civil);
            if (civil.year != tm.tm_year + 1900 || civil.month != tm.tm_mon + 1 || civil.day != tm.tm_mday ||
                civil.hour != tm.tm_hour || civil.minute != tm.tm_min || civil.second != tm.tm_sec)
                fail_msg("%s at %lld: %d-%02d-%02d %02d:%02d:%02d", zones[i], (long long)second, civil.year,
                         civil.month, civil.day, civil.hour, civil.minute, civil.second);
        }
    }
    use_libc_zone("UTC");
}

static int months_shown_by_libc(int64_t second)
{
    struct tm tm = libc_civil(second);
    return (tm.tm_year + 1900) * 12 + tm.tm_mon;
}

static void no_instant_is_in_two_months_or_in_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(zones); i++) {
        const struct zone *zone = open_zone(zones[i]);
        use_libc_zone(zones[i]);
        instant_us start, end, previous_end = INSTANT_NONE;
        for (int months = 2006 * 12; months < 2046 * 12; months++) {
            int year, month;
            zone_month(zone, months / 12, months % 12 + 1, &start, &end);
            assert_true(start < end);
            if (previous_end != INSTANT_NONE) assert_true(start == previous_end);
            previous_end = end;
            const instant_us inside[] = {start,         start + 1, start + HOUR_US, start + (end - start) / 2,
                                         end - HOUR_US, end - 1};
            for (size_t j = 0; j < COUNT(inside); j++) {
                zone_month_of(zone, inside[j], &year, &month);
                if (year * 12 + month - 1 != months) fail_msg("%s %d-%02d: instant %zu", zones[i], year, month, j);
            }
            // By libc: the month is shown at its start, and at no earlier second of the two days before it.
            assert_true(start % SECOND_US == 0);
            int64_t second = start / SECOND_US;
            assert_true(months_shown_by_libc(second) >= months);
            assert_true(months_shown_by_libc(second - 1) < months);
            for (int64_t before = second - 60; before > second - 2 * 86400; before -= 60 * 15)
                if (months_shown_by_libc(before) >= months) fail_msg("%s: %d begins earlier", zones[i], months);
        }
    }
    use_libc_zone("UTC");
}

static void bad_names_touch_no_file(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "/",
        "/etc/passwd",
        "../zoneinfo/UTC",
        "Europe/../UTC",
        "Europe/./Berlin",
        "Europe//Berlin",
        "Europe/Berlin/",
        "/Europe/Berlin",
        ".",
        "..",
        "zone.tab",
        "tzdata.zi",
        "+VERSION",
        "Europe/Berlin ",
        " UTC",
        "UTC\n",
        "Europe\\Berlin",
        "localtime",
        "posixrules",
        "Europe/K\xc3\xb6ln",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        ":UTC",
        "1/2",
        "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", // 66 letters
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct zone *zone = NULL;
        struct fault fault = {0};
        enum err err = zone_open(rows[i], &zone, &fault);
        if (err != ERR_INVALID) fail_msg("\"%s\": %s", rows[i], err_name(err));
        assert_null(zone);
        assert_string_equal(fault.place, ""); // a file that was looked for would be named here
    }
}

static void unknown_zones_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"Europe/Atlantis", "europe/berlin", "Europe",
                                       "leapseconds",     "UTC/Berlin",    "right/UTC"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct zone *zone = NULL;
        struct fault fault = {0};
        enum err err = zone_open(rows[i], &zone, &fault);
        if (err != ERR_INVALID) fail_msg("\"%s\": %s", rows[i], err_name(err));
        assert_null(zone);
        assert_true(fault.place[0] != 0 && fault.reason[0] != 0);
    }
}

static void a_zone_is_opened_once(void **state)
{
    (void)state;
    const struct zone *zone = open_zone("Europe/Berlin");
    assert_ptr_equal(zone, open_zone("Europe/Berlin"));
    assert_ptr_not_equal(zone, open_zone("Europe/London"));
    assert_string_equal(zone_name(zone), "Europe/Berlin");
}

static void the_version_of_the_data_is_known(void **state)
{
    (void)state;
    const char *version = zone_data_version(); // "2025b"
    assert_ptr_equal(version, zone_data_version());
    assert_true(strlen(version) >= 5 && strncmp(version, "20", 2) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_of_probed_instants),
        cmocka_unit_test(civil_times_become_the_first_instant_at_or_after_them),
        cmocka_unit_test(civil_fields_of_an_instant),
        cmocka_unit_test(months_start_at_probed_instants),
        cmocka_unit_test(a_month_that_is_shown_again_is_over),
        cmocka_unit_test(offsets_agree_with_libc_hour_by_hour),
        cmocka_unit_test(civil_times_agree_with_libc_over_centuries),
        cmocka_unit_test(no_instant_is_in_two_months_or_in_none),
        cmocka_unit_test(bad_names_touch_no_file),
        cmocka_unit_test(unknown_zones_are_refused),
        cmocka_unit_test(a_zone_is_opened_once),
        cmocka_unit_test(the_version_of_the_data_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
