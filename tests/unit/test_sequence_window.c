// SPDX-License-Identifier: Apache-2.0
// The window of an incarnation says of every number what a list that keeps everything says, at its bounds and for random
// orders with gaps and repeats; its size does not grow with what is counted.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rating/dedup_index.h"
#include "rating/sequence_window.h"

enum { NUMBERS = 6000, ROUNDS = 60, STEPS = 3000 };

static uint64_t seed;

static int64_t pick(int64_t most)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (int64_t)(seed >> 33) % most;
}

static struct sequence_counted counted_of(int64_t number)
{
    return (struct sequence_counted){(uint64_t)number * 7, number * 3 % DEDUP_OFFSET_MAX,
                                     (int32_t)(number % DEDUP_EVENT_INDEX_MAX)};
}

static void count(struct sequence_window *window, int64_t number)
{
    struct sequence_counted counted = counted_of(number);
    sequence_window_count(window, number, &counted, number);
}

static void check(const struct sequence_window *window, int64_t number, enum sequence_state expected)
{
    struct sequence_counted found = {0}, wanted = counted_of(number);
    enum sequence_state state = sequence_window_find(window, number, &found);
    if (state != expected)
        fail_msg("seed %d: number %d is %d, not %d", (int)seed, (int)number, (int)state, (int)expected);
    if (state != SEQUENCE_COUNTED) return;
    assert_int_equal(found.content, wanted.content);
    assert_int_equal(found.offset, wanted.offset);
    assert_int_equal(found.event_index, wanted.event_index);
}

static void an_empty_window_knows_nothing(void **state)
{
    (void)state;
    struct sequence_window window = {0};
    struct sequence_cursor cursor = {0};
    struct sequence_counted counted;
    check(&window, 1, SEQUENCE_OPEN);
    check(&window, SEQUENCE_NUMBER_MAX, SEQUENCE_OPEN);
    assert_int_equal(sequence_window_mark(&window), 0);
    assert_false(sequence_window_next(&window, &cursor, &counted));
    sequence_window_free(&window);
}

static void the_mark_is_a_window_below_the_highest(void **state)
{
    (void)state;
    static const struct {
        int64_t highest, mark;
    } rows[] = {{1, 0},
                {SEQUENCE_WINDOW - 1, 0},
                {SEQUENCE_WINDOW, 0},
                {SEQUENCE_WINDOW + 1, 1},
                {2 * SEQUENCE_WINDOW, SEQUENCE_WINDOW},
                {SEQUENCE_NUMBER_MAX, SEQUENCE_NUMBER_MAX - SEQUENCE_WINDOW}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sequence_window window = {0};
        count(&window, rows[i].highest);
        assert_int_equal(sequence_window_mark(&window), rows[i].mark);
        if (rows[i].mark > 0) check(&window, rows[i].mark, SEQUENCE_BELOW);
        if (rows[i].mark + 1 < rows[i].highest) check(&window, rows[i].mark + 1, SEQUENCE_OPEN);
        check(&window, rows[i].highest, SEQUENCE_COUNTED);
        sequence_window_free(&window);
    }
}

static void a_gap_can_be_filled_until_the_window_is_past_it(void **state)
{
    (void)state;
    struct sequence_window window = {0};
    count(&window, 5);
    check(&window, 3, SEQUENCE_OPEN);
    count(&window, 3);
    check(&window, 3, SEQUENCE_COUNTED);
    check(&window, 4, SEQUENCE_OPEN);
    count(&window, 4 + SEQUENCE_WINDOW - 1);
    check(&window, 4, SEQUENCE_OPEN);
    check(&window, 3, SEQUENCE_BELOW);
    count(&window, 4 + SEQUENCE_WINDOW);
    check(&window, 4, SEQUENCE_BELOW); // it never came
    check(&window, 5, SEQUENCE_COUNTED);
    sequence_window_free(&window);
}

static void a_number_is_counted_once(void **state)
{
    (void)state;
    struct sequence_window window = {0};
    count(&window, 9);
    const struct sequence_counted other = {1, 2, 3};
    sequence_window_count(&window, 9, &other, 100);
    check(&window, 9, SEQUENCE_COUNTED); // with the first content
    assert_int_equal(window.latest, 100);
    count(&window, 9 + SEQUENCE_WINDOW);
    sequence_window_count(&window, 9, &other, -100); // below the mark: only its time is noted
    check(&window, 9, SEQUENCE_BELOW);
    assert_int_equal(window.earliest, -100);
    sequence_window_free(&window);
}

static void walk(const struct sequence_window *window, const bool *seen, int64_t highest)
{
    struct sequence_cursor cursor = {0};
    struct sequence_counted counted;
    int64_t number = sequence_window_mark(window);
    while (sequence_window_next(window, &cursor, &counted)) {
        while (++number < cursor.number)
            assert_false(seen[number]);
        assert_true(seen[number]);
        assert_int_equal(counted.content, counted_of(number).content);
    }
    assert_int_equal(number, highest);
}

static void random_orders_are_known_as_a_list_knows_them(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct sequence_window window = {0};
        bool seen[NUMBERS + 2 * SEQUENCE_WINDOW] = {false};
        int64_t highest = 0, spread = 1 + pick(3) * pick(SEQUENCE_WINDOW), sparse = 1 + pick(40);
        seed = (uint64_t)round;
        for (int step = 0; step < STEPS && highest < NUMBERS; step++) {
            int64_t number = highest + sparse - pick(spread);
            if (number < 1) number = 1;
            bool below = number <= highest - SEQUENCE_WINDOW;
            check(&window, number, below ? SEQUENCE_BELOW : seen[number] ? SEQUENCE_COUNTED : SEQUENCE_OPEN);
            if (below) continue;
            count(&window, number);
            seen[number] = true;
            if (number > highest) highest = number;
        }
        for (int64_t number = highest > 3000 ? highest - 3000 : 1; number <= highest; number++)
            check(&window, number,
                  number <= highest - SEQUENCE_WINDOW ? SEQUENCE_BELOW
                  : seen[number]                      ? SEQUENCE_COUNTED
                                                      : SEQUENCE_OPEN);
        walk(&window, seen, highest);
        sequence_window_free(&window);
    }
}

static void its_size_is_bounded(void **state)
{
    (void)state;
    struct sequence_window window = {0};
    for (int64_t number = 1; number < 40 * SEQUENCE_WINDOW; number++)
        count(&window, number);
    assert_int_equal(window.count, SEQUENCE_WINDOW);
    assert_true(sequence_window_bytes(&window) <= SEQUENCE_WINDOW * 16 * 5 / 4);
    sequence_window_free(&window);
    for (int64_t number = 1; number < 40 * SEQUENCE_WINDOW; number += 100)
        count(&window, number);
    assert_true(sequence_window_bytes(&window) <= 16 * 32); // few of the numbers: few bytes
    sequence_window_free(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_window_knows_nothing),
        cmocka_unit_test(the_mark_is_a_window_below_the_highest),
        cmocka_unit_test(a_gap_can_be_filled_until_the_window_is_past_it),
        cmocka_unit_test(a_number_is_counted_once),
        cmocka_unit_test(random_orders_are_known_as_a_list_knows_them),
        cmocka_unit_test(its_size_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
