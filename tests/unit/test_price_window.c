// SPDX-License-Identifier: Apache-2.0
// Times at which a price holds: their text, quarters of an hour around their bounds and where clocks change, overlaps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "catalogue/price_window.h"
#include "tests/support/catalogue_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct arena *arena;
static int begin(void **state) { (void)state; arena = arena_new(4096); return 0; }
static int end(void **state) { (void)state; arena_free(arena); return 0; }

static struct price_window window_of(const char *text)
{
    struct price_window window;
    struct fault fault = {0};
    if (price_window_read(arena, text, &window, &fault)) fail_msg("%s: %s", text, fault.reason);
    return window;
}

static void only_the_canonical_text_is_read(void **state)
{
    (void)state;
    static const char *const good[] = {
        "UTC daily 00:00-00:15", "UTC daily 23:45-24:00", "Europe/Berlin mon,sun 18:00-08:00", "UTC daily 08:15-08:00",
        "UTC 2024-02-29 00:00-24:00", "Asia/Kathmandu 2026-10-01,2026-10-02 05:45-06:00"};
    static const char *const bad[] = {
        "", "UTC", "UTC daily", "UTC daily 00:00-00:00", "UTC daily 08:00-08:00", "UTC daily 24:00-01:00",
        "UTC daily 01:00-00:00", "UTC daily 01:10-02:00", "UTC daily 01:00-02:60", "UTC daily 1:00-2:00",
        "UTC daily 01:00-24:15", "UTC daily 01:00-02:00 ", "UTC  daily 01:00-02:00", "UTC mon,mon 01:00-02:00",
        "UTC sun,mon 01:00-02:00", "UTC mon,tue,wed,thu,fri,sat,sun 01:00-02:00", "UTC , 01:00-02:00",
        "UTC mon, 01:00-02:00", "UTC mo 01:00-02:00", "UTC 2026-02-29 01:00-02:00", "UTC 2026-2-3 01:00-02:00",
        "UTC 2026-10-02,2026-10-01 01:00-02:00", "UTC 2026-10-01,2026-10-01 01:00-02:00",
        "UTC mon,2026-10-01 01:00-02:00", "Mars/Olympus daily 01:00-02:00", "../etc daily 01:00-02:00"};
    for (size_t i = 0; i < COUNT(good); i++) {
        char text[WINDOW_TEXT_MAX];
        struct price_window window = window_of(good[i]);
        price_window_print(&window, text);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct price_window window;
        struct fault fault = {0};
        if (price_window_read(arena, bad[i], &window, &fault) != ERR_INVALID) fail_msg("'%s' is read", bad[i]);
    }
}

static void the_longest_text_fits(void **state)
{
    (void)state;
    int64_t dates[WINDOW_DATES_MAX];
    char text[WINDOW_TEXT_MAX];
    struct price_window window = window_of("America/Argentina/ComodRivadavia 2026-01-01 00:00-24:00"), again;
    for (size_t i = 0; i < WINDOW_DATES_MAX; i++) dates[i] = window.dates[0] + (int64_t)i;
    window.dates = dates;
    window.count = WINDOW_DATES_MAX;
    price_window_print(&window, text);
    assert_int_equal(price_window_read(arena, text, &again, NULL), ERR_OK);
    assert_int_equal(again.count, WINDOW_DATES_MAX);
}

static void a_quarter_belongs_by_its_local_time(void **state)
{
    (void)state;
    static const struct { const char *window, *slot; bool holds; } cases[] = {
        {"UTC daily 18:00-20:00", "2026-10-01T17:45:00Z", false},
        {"UTC daily 18:00-20:00", "2026-10-01T18:00:00Z", true},
        {"UTC daily 18:00-20:00", "2026-10-01T19:45:00Z", true},
        {"UTC daily 18:00-20:00", "2026-10-01T20:00:00Z", false},
        {"Europe/Berlin daily 18:00-20:00", "2026-10-01T16:00:00Z", true},  // +02:00
        {"Europe/Berlin daily 18:00-20:00", "2026-11-01T16:00:00Z", false}, // +01:00
        {"Europe/Berlin daily 18:00-20:00", "2026-11-01T17:00:00Z", true},
        // over midnight: the night belongs to the day on which it begins; 2026-10-02 is a Friday
        {"UTC fri 22:00-06:00", "2026-10-02T05:45:00Z", false},
        {"UTC fri 22:00-06:00", "2026-10-02T22:00:00Z", true},
        {"UTC fri 22:00-06:00", "2026-10-03T05:45:00Z", true},
        {"UTC fri 22:00-06:00", "2026-10-03T06:00:00Z", false},
        {"UTC fri 22:00-06:00", "2026-10-03T22:00:00Z", false},
        {"UTC 2026-12-31 12:15-12:00", "2027-01-01T11:45:00Z", true},
        {"UTC 2026-12-31 12:15-12:00", "2027-01-01T12:00:00Z", false},
        // local days: Saturday in Kathmandu (+05:45) begins on Friday
        {"Asia/Kathmandu sat 00:00-24:00", "2026-10-02T18:00:00Z", false},
        {"Asia/Kathmandu sat 00:00-24:00", "2026-10-02T18:15:00Z", true},
        {"Asia/Kathmandu sat 00:00-24:00", "2026-10-03T18:15:00Z", false},
        // clocks go back at 2026-10-25T01:00Z from 03:00 to 02:00: 02:30 comes twice
        {"Europe/Berlin sun 02:30-02:45", "2026-10-25T00:30:00Z", true},
        {"Europe/Berlin sun 02:30-02:45", "2026-10-25T00:45:00Z", false},
        {"Europe/Berlin sun 02:30-02:45", "2026-10-25T01:30:00Z", true},
        // and forward at 2026-03-29T01:00Z from 02:00 to 03:00: there is no 02:30
        {"Europe/Berlin sun 02:30-02:45", "2026-03-29T00:30:00Z", false},
        {"Europe/Berlin sun 02:30-02:45", "2026-03-29T01:30:00Z", false},
        {"Europe/Berlin sun 02:30-03:15", "2026-03-29T01:00:00Z", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct price_window window = window_of(cases[i].window);
        if (price_window_holds(&window, catalogue_fixture_instant(cases[i].slot)) != cases[i].holds)
            fail_msg("%s at %s", cases[i].window, cases[i].slot);
    }
}

// By asking at every quarter of an hour of years with all kinds of changes of clocks.
static void changes_are_those_of_every_quarter(void **state)
{
    (void)state;
    static const char *const windows[] = {
        "UTC daily 18:00-08:00", "Europe/Berlin mon,tue,wed,thu,fri 08:00-20:00", "Europe/Berlin sun 02:30-02:45",
        "Australia/Lord_Howe daily 01:45-02:15", "America/Havana sun 00:00-24:00", "Asia/Kathmandu sat 23:45-00:15",
        "Africa/Casablanca daily 02:00-03:00", "Pacific/Apia 2011-12-29,2011-12-31 22:00-01:00",
        "America/Asuncion 2023-10-01 00:00-24:00"};
    static const struct { const char *start, *end; } spans[] = {
        {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"}, {"2011-12-15T00:00:00Z", "2012-01-15T00:00:00Z"},
        {"2023-09-30T12:15:00Z", "2023-10-02T00:45:00Z"}, {"2026-10-01T06:00:00Z", "2026-10-01T06:15:00Z"}};
    for (size_t w = 0; w < COUNT(windows); w++) {
        struct price_window window = window_of(windows[w]);
        for (size_t s = 0; s < COUNT(spans); s++) {
            instant_us from = catalogue_fixture_instant(spans[s].start), to = catalogue_fixture_instant(spans[s].end);
            size_t count = price_window_changes(&window, from, to, NULL), at = 0;
            instant_us *changes = ARENA_ARRAY(arena, instant_us, count + 1);
            assert_int_equal(price_window_changes(&window, from, to, changes), count);
            for (instant_us slot = from + SLOT_US; slot < to; slot += SLOT_US) {
                if (price_window_holds(&window, slot) == price_window_holds(&window, slot - SLOT_US)) continue;
                if (at >= count || changes[at] != slot) fail_msg("%s: change %zu of %s", windows[w], at, spans[s].start);
                at++;
            }
            assert_int_equal(at, count);
        }
    }
}

static void overlaps_are_found(void **state)
{
    (void)state;
    static const struct { const char *a, *b; bool overlap; } cases[] = {
        {"UTC daily 08:00-18:00", "UTC daily 18:00-08:00", false},
        {"UTC daily 08:00-18:15", "UTC daily 18:00-08:00", true},
        {"UTC daily 08:00-18:00", "UTC daily 18:00-08:15", true},
        {"UTC fri 20:00-08:00", "UTC sat,sun 00:00-24:00", true}, // Friday's night is in Saturday
        {"UTC fri 20:00-08:00", "UTC sat 08:00-24:00", false},
        {"UTC sun 20:00-08:00", "UTC mon 07:45-09:00", true}, // the week goes round
        {"UTC mon 20:00-08:00", "UTC sun 20:00-24:00", false},
        {"UTC daily 00:00-24:00", "UTC 2026-10-01 00:00-24:00", false}, // of another rank
        {"UTC 2026-10-01 20:00-08:00", "UTC 2026-10-02 00:00-24:00", true},
        {"UTC 2026-10-01 20:00-08:00", "UTC 2026-10-02 08:00-24:00", false},
        {"UTC 2026-10-02 20:00-08:00", "UTC 2026-10-02,2026-10-05 19:00-20:15", true},
        {"UTC daily 08:00-18:00", "Europe/Berlin daily 08:00-18:00", false}, // zones are compared elsewhere
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct price_window a = window_of(cases[i].a), b = window_of(cases[i].b);
        if (price_windows_overlap(&a, &b) != cases[i].overlap || price_windows_overlap(&b, &a) != cases[i].overlap)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_canonical_text_is_read, begin, end),
        cmocka_unit_test_setup_teardown(the_longest_text_fits, begin, end),
        cmocka_unit_test_setup_teardown(a_quarter_belongs_by_its_local_time, begin, end),
        cmocka_unit_test_setup_teardown(changes_are_those_of_every_quarter, begin, end),
        cmocka_unit_test_setup_teardown(overlaps_are_found, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
