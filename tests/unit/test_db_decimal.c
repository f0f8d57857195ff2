// SPDX-License-Identifier: Apache-2.0
// Binary numeric: exact bytes for chosen values, and a decoder of the documented form that must give back the same
// digits for every value. That PostgreSQL reads the same is shown by the integration tests.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/db_decimal.h"

#define P18 ((int128)1000000000000000000)

struct row {
    int128 scaled;
    int places;
    int count, weight, sign;
    int groups[10];
};

// value = sum of groups[i] * 10000^(weight - i)
static const struct row rows[] = {
    {0, 0, 0, 0, 0, {0}},
    {0, 12, 0, 0, 0, {0}},
    {1, 0, 1, 0, 0, {1}},
    {-1, 0, 1, 0, 0x4000, {1}},
    {9999, 0, 1, 0, 0, {9999}},
    {10000, 0, 1, 1, 0, {1}}, // trailing zero groups are left out
    {10001, 0, 2, 1, 0, {1, 1}},
    {100000000, 0, 1, 2, 0, {1}},
    {123456789, 2, 3, 1, 0, {123, 4567, 8900}}, // 1234567.89
    {-15, 1, 2, 0, 0x4000, {1, 5000}},          // -1.5
    {1, 9, 1, -3, 0, {1000}},                   // 0.0000 0000 1000
    {1, 12, 1, -3, 0, {1}},                     // 0.0000 0000 0001
    {500000000, 9, 1, -1, 0, {5000}},           // 0.5
    {1000000000, 9, 1, 0, 0, {1}},              // 1
    {1000000001, 9, 4, 0, 0, {1, 0, 0, 1000}},  // inner zero groups stay
    {1, 36, 1, -9, 0, {1}},
    {P18 * P18, 36, 1, 0, 0, {1}},
    {P18 * P18 * 100 - 1, 0, 10, 9, 0, {99, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999}}, // 1e38 - 1
};

static int get_16(const unsigned char *at)
{
    return (int16_t)(at[0] << 8 | at[1]);
}

static void chosen_values_have_the_documented_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        unsigned char out[DB_NUMERIC_BYTES_MAX];
        size_t length = db_numeric_encode(row->scaled, row->places, out);
        assert_int_equal(length, 8 + 2 * row->count);
        assert_int_equal(get_16(out), row->count);
        assert_int_equal(get_16(out + 2), row->weight);
        assert_int_equal(get_16(out + 4), row->sign);
        assert_int_equal(get_16(out + 6), row->places);
        for (int g = 0; g < row->count; g++) assert_int_equal(get_16(out + 8 + 2 * g), row->groups[g]);
    }
}

// Digits of the whole part (no leading zeros but one) and `places` digits of the fraction.
static void decode(const unsigned char *in, char text[128])
{
    int count = get_16(in), weight = get_16(in + 2), places = get_16(in + 6);
    char digits[96] = "";
    size_t at = 0;
    int top = weight > 0 ? weight : 0;
    for (int power = top; power >= -((places + 3) / 4); power--) {
        int index = weight - power;
        int group = index >= 0 && index < count ? get_16(in + 8 + 2 * index) : 0;
        at += (size_t)snprintf(digits + at, sizeof digits - at, "%04d", group);
    }
    size_t whole = 4 * (size_t)(top + 1), start = 0;
    while (start + 1 < whole && digits[start] == '0') start++;
    int length = snprintf(text, 128, "%s%.*s", get_16(in + 4) ? "-" : "", (int)(whole - start), digits + start);
    if (places) snprintf(text + length, 128 - (size_t)length, ".%.*s", places, digits + whole);
}

static void check_round_trip(int128 scaled, int places)
{
    unsigned char out[DB_NUMERIC_BYTES_MAX];
    char expected[DECIMAL_TEXT_MAX], got[128];
    size_t length = db_numeric_encode(scaled, places, out);
    assert_true(length <= sizeof out);
    int count = get_16(out);
    if (count) assert_true(get_16(out + 8) != 0 && get_16(out + 6 + 2 * count) != 0);
    decode(out, got);
    decimal_print_fixed(scaled, places, places, expected);
    assert_string_equal(got, expected);
}

static void every_magnitude_reads_back_at_every_scale(void **state)
{
    (void)state;
    for (int places = 0; places <= 18; places++) {
        for (int128 power = 1;; power *= 10) {
            for (int d = -1; d <= 1; d++) {
                check_round_trip(power + d, places);
                check_round_trip(-power - d, places);
                check_round_trip(power + power / 3 + d, places);
            }
            if (power == P18 * 10000000000000000000U) break; // 1e37
        }
        check_round_trip(DECIMAL_MAX, places);
        check_round_trip(-DECIMAL_MAX, places);
    }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed ^ *seed >> 29;
}

static void pseudo_random_values_read_back(void **state)
{
    (void)state;
    uint64_t seed = 20261001;
    for (int i = 0; i < 200000; i++) {
        int shift = (int)(next_random(&seed) % 127);
        uint128 bits = ((uint128)next_random(&seed) << 64 | next_random(&seed)) >> (shift + 1);
        int128 scaled = (int128)bits;
        if (scaled > DECIMAL_MAX) continue;
        check_round_trip(i % 2 ? scaled : -scaled, (int)(next_random(&seed) % 19));
    }
}

static void the_most_negative_integer_has_its_own_digits(void **state)
{
    (void)state;
    static const int groups[] = {170, 1411, 8346, 469, 2317, 3168, 7303, 7158, 8410, 5728}; // 2^127
    unsigned char out[DB_NUMERIC_BYTES_MAX];
    int128 least = -(int128)(~(uint128)0 >> 1) - 1;
    assert_int_equal(db_numeric_encode(least, 0, out), 28);
    assert_int_equal(get_16(out + 4), 0x4000);
    for (int g = 0; g < 10; g++) assert_int_equal(get_16(out + 8 + 2 * g), groups[g]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_values_have_the_documented_bytes),
        cmocka_unit_test(every_magnitude_reads_back_at_every_scale),
        cmocka_unit_test(pseudo_random_values_read_back),
        cmocka_unit_test(the_most_negative_integer_has_its_own_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
