// SPDX-License-Identifier: Apache-2.0
// Days of prices that count them, where clocks change, too.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/zone.h"
#include "rating/price.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static instant_us at(const char *text)
{
    instant_us instant = 0;
    assert_int_equal(instant_parse(text, strlen(text), &instant, NULL), ERR_OK);
    return instant;
}

static void a_day_begins_at_midnight_of_the_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *last, *first; // last quarter of a day, and the first of the next one
    } cases[] = {
        {"UTC", "2026-10-01T23:45:00Z", "2026-10-02T00:00:00Z"},
        {"UTC", "1969-12-31T23:45:00Z", "1970-01-01T00:00:00Z"},
        {"Europe/Berlin", "2026-10-24T21:45:00Z", "2026-10-24T22:00:00Z"},
        {"Europe/Berlin", "2026-10-25T22:45:00Z", "2026-10-25T23:00:00Z"}, // a day of 25 hours before
        {"Asia/Kathmandu", "2026-10-01T18:00:00Z", "2026-10-01T18:15:00Z"},
        {"America/Asuncion", "2023-10-01T03:45:00Z", "2023-10-01T04:00:00Z"}, // begins at 01:00
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct zone *zone;
        assert_int_equal(zone_open(cases[i].zone, &zone, NULL), ERR_OK);
        assert_int_equal(price_day(zone, at(cases[i].last)) + 1, price_day(zone, at(cases[i].first)));
    }
}

static void a_period_has_so_many_days(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int year, month, days;
    } cases[] = {{"UTC", 2026, 2, 28},           {"UTC", 2028, 2, 29},          {"Europe/Berlin", 2026, 3, 31},
                 {"Europe/Berlin", 2026, 10, 31}, {"America/Asuncion", 2023, 10, 31}, {"Asia/Kathmandu", 2026, 4, 30}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct zone *zone;
        instant_us start, end;
        assert_int_equal(zone_open(cases[i].zone, &zone, NULL), ERR_OK);
        zone_month(zone, cases[i].year, cases[i].month, &start, &end);
        assert_int_equal(price_period_days(zone, start, end), cases[i].days);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_day_begins_at_midnight_of_the_zone),
                                       cmocka_unit_test(a_period_has_so_many_days)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
