// SPDX-License-Identifier: Apache-2.0
// The 95th percentile of samples of five minutes: how many are dropped, what is missing, days of other lengths.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/arena.h"
#include "rating/percentile.h"

enum { SAMPLES_MAX = 9000 };
static const int64_t STEP = PERCENTILE_SLOT_MINUTES * MINUTE_US;
static struct percentile_sample samples[SAMPLES_MAX];

static instant_us at(const char *text)
{
    instant_us instant;
    struct fault fault;
    if (instant_parse_loose(text, strlen(text), &instant, &fault) != ERR_OK) fail_msg("%s: %s", text, fault.reason);
    return instant;
}

static struct usage_request month(const char *zone_name, int year, int number)
{
    struct usage_request request = {0};
    struct fault fault;
    if (zone_open(zone_name, &request.zone, &fault) != ERR_OK) fail_msg("%s", fault.reason);
    zone_month(request.zone, year, number, &request.period_start, &request.period_end);
    return request;
}

// Samples 1, 2, ... count (scaled as whole units) in slots from `start` on, but in a scattered order of values.
static void fill(instant_us start, size_t count)
{
    size_t stride = 1;
    for (size_t candidate = count / 3 + 1; candidate < count; candidate++) // one that has no common divisor with count
        for (size_t a = candidate, b = count;; ) {
            size_t rest = b % a;
            if (rest == 0) {
                if (a == 1) stride = candidate;
                break;
            }
            b = a;
            a = rest;
        }
    assert_true(count <= SAMPLES_MAX);
    for (size_t i = 0; i < count; i++)
        samples[i] = (struct percentile_sample){start + (int64_t)i * STEP,
                                                {(int128)(1 + i * stride % count) * 1000000000}};
}

static int64_t whole(enum evaluation_window window, const struct usage_request *request, size_t count)
{
    struct quantity value = {-1};
    assert_int_equal(percentile_evaluate(window, request, samples, count, &value), ERR_OK);
    assert_true(value.nano % 1000000000 == 0);
    return (int64_t)(value.nano / 1000000000);
}

static void one_in_twenty_of_the_samples_is_dropped(void **state)
{
    (void)state;
    const struct usage_request june = month("UTC", 2026, 6);
    static const struct {
        size_t count;
        int64_t value;
    } rows[] = {{1, 1}, {2, 2}, {19, 19}, {20, 19}, {21, 20}, {39, 38}, {40, 38}, {41, 39}, {100, 95},
              {8639, 8208}, {8640, 8208}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fill(june.period_start, rows[i].count);
        assert_int_equal(whole(WINDOW_PERCENTILE, &june, rows[i].count), rows[i].value);
    }
}

// 30 days have 8640 slots: 432 are dropped, whether there was a sample or not.
static void of_all_slots_the_missing_are_nothing(void **state)
{
    (void)state;
    const struct usage_request june = month("UTC", 2026, 6);
    static const struct {
        size_t count;
        int64_t value;
    } rows[] = {{1, 0}, {431, 0}, {432, 0}, {433, 1}, {1000, 568}, {8640, 8208}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fill(june.period_start, rows[i].count);
        assert_int_equal(whole(WINDOW_PERCENTILE_ALL, &june, rows[i].count), rows[i].value);
    }
}

// March in Berlin has 743 hours, 8916 slots: 445 dropped; October 745 hours, 8940: 447.
static void months_with_other_hours_have_other_grids(void **state)
{
    (void)state;
    const struct usage_request march = month("Europe/Berlin", 2026, 3), october = month("Europe/Berlin", 2026, 10);
    fill(march.period_start, 8916);
    assert_int_equal(whole(WINDOW_PERCENTILE_ALL, &march, 8916), 8916 - 445);
    fill(october.period_start, 8940);
    assert_int_equal(whole(WINDOW_PERCENTILE_ALL, &october, 8940), 8940 - 447);
}

// Of a day of n samples 1 to n it is n - 4.
static void the_fifth_of_a_day_counts(void **state)
{
    (void)state;
    const struct usage_request march = month("Europe/Berlin", 2026, 3), october = month("Europe/Berlin", 2026, 10);
    const struct {
        const struct usage_request *month;
        const char *start;
        size_t count;
        int64_t value;
    } rows[] = {
        {&march, "2026-03-09T23:00:00Z", 1, 0},     {&march, "2026-03-09T23:00:00Z", 4, 0},
        {&march, "2026-03-09T23:00:00Z", 5, 1},     {&march, "2026-03-09T23:00:00Z", 288, 284},
        {&march, "2026-03-28T23:00:00Z", 276, 272}, // clocks go forward: 23 hours
        {&october, "2026-10-24T22:00:00Z", 300, 296}, // and back: 25
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fill(at(rows[i].start), rows[i].count);
        assert_int_equal(whole(WINDOW_PERCENTILE_DAILY, rows[i].month, rows[i].count), rows[i].value);
    }
}

// Days of 5 equal samples of the given values; the mean of the five greatest.
static void the_mean_of_the_five_greatest_days_counts(void **state)
{
    (void)state;
    const struct usage_request june = month("Asia/Tokyo", 2026, 6);
    static const struct {
        int days[8];
        size_t count;
        const char *mean;
    } rows[] = {
        {{7}, 1, "7"},
        {{7, 8}, 2, "7.5"},
        {{1, 2, 2}, 3, "1.666666667"},
        {{50, 51, 52, 53, 54}, 5, "52"},
        {{50, 51, 52, 53, 54, 6}, 6, "52"},
        {{6, 54, 53, 52, 51, 50}, 6, "52"},
        {{9, 1, 9, 1, 9, 1, 9, 8}, 8, "8.8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct quantity value;
        char text[DECIMAL_TEXT_MAX];
        for (size_t day = 0; day < rows[i].count; day++)
            for (size_t s = 0; s < 5; s++)
                samples[day * 5 + s] = (struct percentile_sample){
                    june.period_start + (int64_t)day * DAY_US + DAY_US - (int64_t)(5 - s) * STEP, // up to the last slot
                    {(int128)rows[i].days[day] * 1000000000}};
        assert_int_equal(percentile_evaluate(WINDOW_PERCENTILE_DAILY, &june, samples, rows[i].count * 5, &value),
                         ERR_OK);
        quantity_print(value, text);
        assert_string_equal(text, rows[i].mean);
    }
}

static void a_sum_beyond_the_range_is_an_error(void **state)
{
    (void)state;
    const struct usage_request june = month("UTC", 2026, 6);
    struct quantity value;
    for (size_t i = 0; i < 10; i++)
        samples[i] = (struct percentile_sample){june.period_start + (int64_t)(i / 5) * DAY_US + (int64_t)(i % 5) * STEP,
                                                {DECIMAL_MAX}};
    assert_int_equal(percentile_evaluate(WINDOW_PERCENTILE_DAILY, &june, samples, 10, &value), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_in_twenty_of_the_samples_is_dropped),
        cmocka_unit_test(of_all_slots_the_missing_are_nothing),
        cmocka_unit_test(months_with_other_hours_have_other_grids),
        cmocka_unit_test(the_fifth_of_a_day_counts),
        cmocka_unit_test(the_mean_of_the_five_greatest_days_counts),
        cmocka_unit_test(a_sum_beyond_the_range_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
