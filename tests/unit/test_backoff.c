// SPDX-License-Identifier: Apache-2.0
// Back-off: every wait lies between half and the whole of its step, steps double up to the bound, a stop ends a wait.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/backoff.h"
#include "common/hash.h"
#include "common/instant.h"

enum { ROUNDS = 200 };

static void steps_double_up_to_the_bound_and_stay_there(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {100, 200, 400, 800, 1000, 1000, 1000};
    for (int round = 0; round < ROUNDS; round++) {
        struct backoff backoff = BACKOFF(100, 1000);
        for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
            int64_t wait_ms = backoff_next_ms(&backoff);
            assert_in_range(wait_ms, steps_ms[i] / 2, steps_ms[i]);
        }
    }
}

static void waits_are_spread_over_the_upper_half(void **state)
{
    (void)state;
    int low = 0, high = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct backoff backoff = BACKOFF(1000, 1000);
        if (backoff_next_ms(&backoff) < 750)
            low++;
        else
            high++;
    }
    assert_true(low > ROUNDS / 10 && high > ROUNDS / 10);
}

static void a_reset_starts_again_at_the_least_step(void **state)
{
    (void)state;
    struct backoff backoff = BACKOFF(10, 10000);
    for (int i = 0; i < 8; i++) (void)backoff_next_ms(&backoff);
    assert_true(backoff_next_ms(&backoff) >= 1280);
    backoff_reset(&backoff);
    assert_in_range(backoff_next_ms(&backoff), 5, 10);
}

static void the_largest_bound_does_not_overflow(void **state)
{
    (void)state;
    struct backoff backoff = BACKOFF(INT64_MAX / 2 + 1, INT64_MAX);
    for (int i = 0; i < 4; i++) assert_true(backoff_next_ms(&backoff) >= INT64_MAX / 4);
}

static void a_step_of_one_millisecond_is_allowed(void **state)
{
    (void)state;
    struct backoff backoff = BACKOFF(1, 1);
    for (int i = 0; i < 10; i++) assert_int_equal(backoff_next_ms(&backoff), 1);
}

static void a_stop_ends_the_wait_at_once(void **state)
{
    (void)state;
    volatile bool stop = true;
    struct backoff backoff = BACKOFF(60000, 60000);
    int64_t before_us = clock_monotonic_us();
    assert_false(backoff_wait(&backoff, &stop));
    assert_true(clock_monotonic_us() - before_us < 10 * SECOND_US);
}

static void a_wait_lasts_as_long_as_was_said(void **state)
{
    (void)state;
    volatile bool stop = false;
    int64_t before_us = clock_monotonic_us();
    assert_true(backoff_sleep(20, &stop));
    assert_true(clock_monotonic_us() - before_us >= 20000);
    assert_true(backoff_sleep(0, NULL));
}

int main(void)
{
    hash_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_double_up_to_the_bound_and_stay_there),
        cmocka_unit_test(waits_are_spread_over_the_upper_half),
        cmocka_unit_test(a_reset_starts_again_at_the_least_step),
        cmocka_unit_test(the_largest_bound_does_not_overflow),
        cmocka_unit_test(a_step_of_one_millisecond_is_allowed),
        cmocka_unit_test(a_stop_ends_the_wait_at_once),
        cmocka_unit_test(a_wait_lasts_as_long_as_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
