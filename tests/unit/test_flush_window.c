// SPDX-License-Identifier: Apache-2.0
// How long a batch is filled, and how the load is taken.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rating/flush_window.h"

static void the_window_grows_with_the_load(void **state)
{
    (void)state;
    static const struct {
        int load;
        int64_t least_us, most_us, window_us;
    } rows[] = {
        {0, 150000, 5000000, 150000},     {250, 150000, 5000000, 150000},
        {251, 150000, 5000000, 153400},                                    // 150000 + 850000 * 1 / 250
        {500, 150000, 5000000, 1000000},                                   // a second at half load
        {700, 150000, 5000000, 1000000},  {701, 150000, 5000000, 1020000}, // 1000000 + 4000000 * 1 / 200
        {800, 150000, 5000000, 3000000},                                   // 1000000 + 4000000 * 100 / 200
        {900, 150000, 5000000, 5000000},  {1000, 150000, 5000000, 5000000},
        {500, 2000000, 5000000, 2000000}, // least above a second
        {800, 2000000, 5000000, 3500000}, // 2000000 + 3000000 * 100 / 200
        {500, 50000, 300000, 300000},     // most below a second
        {1000, 50000, 20000, 50000},      // most below least
        {0, 50000, 20000, 50000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (flush_window_us(rows[i].load, rows[i].least_us, rows[i].most_us) != rows[i].window_us)
            fail_msg("row %d: %lld", (int)i,
                     (long long)flush_window_us(rows[i].load, rows[i].least_us, rows[i].most_us));
}

static void the_load_is_the_time_without_waiting(void **state)
{
    (void)state;
    struct flush_load load = {0};
    int64_t now = 1000;
    flush_load_look(&load, now); // begins
    for (int i = 0; i < 20; i++) {
        flush_load_waited(&load, 25000);
        flush_load_look(&load, now + 50000); // too early
        flush_load_look(&load, now += 100000);
    }
    assert_in_range(load.permille, 748, 750); // 75 of 100 ms, smoothed
    for (int i = 0; i < 20; i++)
        flush_load_look(&load, now += 100000);
    assert_in_range(load.permille, 998, 1000);
    for (int i = 0; i < 20; i++) {
        flush_load_waited(&load, 900000); // more than the period: it began before
        flush_load_look(&load, now += 100000);
    }
    assert_int_equal(load.permille, 0);
}

static void few_events_beside_the_busiest_are_small(void **state)
{
    (void)state;
    struct flush_load load = {0};
    assert_false(flush_load_is_small(&load, 10, 200000)); // alone: 50 a second are the most there are
    assert_false(flush_load_is_small(&load, 16000, 1000000));
    assert_false(flush_load_is_small(&load, 200, 200000)); // 1000 a second: a sixteenth
    assert_true(flush_load_is_small(&load, 199, 200000));
    assert_true(flush_load_is_small(&load, 0, 0));
    assert_int_equal(load.busiest, 16000);
    int64_t now = 1000;
    flush_load_look(&load, now);
    for (int i = 0; i < 12; i++) // the busy one has ended: 16000 * (7/8)^12 = 3222
        flush_load_look(&load, now += 100000);
    assert_in_range(load.busiest, 3200, 3240);
    assert_false(flush_load_is_small(&load, 203, 1000000));
    assert_true(flush_load_is_small(&load, 199, 1000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_grows_with_the_load),
        cmocka_unit_test(the_load_is_the_time_without_waiting),
        cmocka_unit_test(few_events_beside_the_busiest_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
