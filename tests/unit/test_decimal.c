// SPDX-License-Identifier: Apache-2.0
// Decimals: sums, products, roundings and shares. Texts are in test_decimal_text.c, random cases in test_decimal_gmp.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/decimal.h"
#include "common/decimal_wide.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define NINES_38 "99999999999999999999999999999999999999"
#define ONE_E38 "100000000000000000000000000000000000000"

// A whole number as int128, built digit by digit: independent of the code under test, any value of the type.
static int128 whole(const char *text)
{
    bool negative = *text == '-';
    int128 value = 0;
    for (const char *at = text + negative; *at; at++) value = value * 10 - (*at - '0'); // downwards: the minimum fits
    return negative ? value : -value;
}

static void assert_whole(int128 actual, const char *expected, const char *where)
{
    if (actual == whole(expected)) return;
    char text[DECIMAL_TEXT_MAX];
    decimal_print(actual, 0, text);
    fail_msg("%s: got %s, expected %s", where, text, expected);
}

static void assert_int128(int128 actual, int128 expected)
{
    if (actual == expected) return;
    char actual_text[DECIMAL_TEXT_MAX], expected_text[DECIMAL_TEXT_MAX];
    decimal_print(actual, 0, actual_text);
    decimal_print(expected, 0, expected_text);
    fail_msg("got %s, expected %s", actual_text, expected_text);
}

static void the_range_ends_one_below_a_power_of_ten(void **state)
{
    (void)state;
    assert_whole(DECIMAL_MAX, NINES_38, "DECIMAL_MAX");
    assert_whole(DECIMAL_MAX + 1, ONE_E38, "DECIMAL_MAX + 1");
}

static void sums_are_exact_and_stop_at_the_range(void **state)
{
    (void)state;
    struct quantity tenth, fifth, sum;
    assert_int_equal(quantity_parse("0.1", 3, &tenth, NULL), ERR_OK);
    assert_int_equal(quantity_parse("0.2", 3, &fifth, NULL), ERR_OK);
    assert_int_equal(quantity_add(tenth, fifth, &sum), ERR_OK);
    char text[DECIMAL_TEXT_MAX];
    quantity_print(sum, text);
    assert_string_equal(text, "0.3"); // 0.1 + 0.2

    int128 result = 77;
    assert_int_equal(decimal_add(DECIMAL_MAX - 1, 1, &result), ERR_OK);
    assert_int128(result, DECIMAL_MAX);
    assert_int_equal(decimal_sub(-DECIMAL_MAX + 1, 1, &result), ERR_OK);
    assert_int128(result, -DECIMAL_MAX);
    assert_int_equal(decimal_add(DECIMAL_MAX, -DECIMAL_MAX, &result), ERR_OK);
    assert_int128(result, 0);
    result = 77;
    assert_int_equal(decimal_add(DECIMAL_MAX, 1, &result), ERR_LIMIT);
    assert_int_equal(decimal_add(-DECIMAL_MAX, -1, &result), ERR_LIMIT);
    assert_int_equal(decimal_sub(DECIMAL_MAX, -1, &result), ERR_LIMIT);
    assert_int_equal(decimal_sub(-DECIMAL_MAX, 1, &result), ERR_LIMIT);
    assert_int_equal(decimal_add(DECIMAL_MAX, DECIMAL_MAX, &result), ERR_LIMIT);   // 2e38 wraps in 128 bits
    assert_int_equal(decimal_sub(-DECIMAL_MAX, DECIMAL_MAX, &result), ERR_LIMIT);
    assert_int128(result, 77);
}

static void typed_values_keep_their_scale(void **state)
{
    (void)state;
    struct quantity quantity;
    struct price price;
    struct amount amount, difference = AMOUNT_ZERO;
    assert_int_equal(quantity_parse("1.5", 3, &quantity, NULL), ERR_OK);
    assert_int128(quantity.nano, 1500000000);
    assert_int_equal(price_parse("0.000000000001", 14, &price, NULL), ERR_OK);
    assert_int128(price.pico, 1);
    assert_int_equal(amount_parse("-2.5", 4, &amount, NULL), ERR_OK);
    assert_int128(amount.pico, -2500000000000);
    assert_int_equal(quantity_parse("1e3", 3, &quantity, NULL), ERR_INVALID); // no exponent in typed texts
    assert_int_equal(price_parse("1e3", 3, &price, NULL), ERR_INVALID);
    assert_int_equal(amount_parse("1e3", 3, &amount, NULL), ERR_INVALID);
    assert_int_equal(price_parse("0.0000000000001", 15, &price, NULL), ERR_INVALID); // 13 places
    char text[DECIMAL_TEXT_MAX];
    price_print(price, text);
    assert_string_equal(text, "0.000000000001");
    assert_int_equal(amount_sub(AMOUNT_ZERO, amount, &difference), ERR_OK);
    amount_print(difference, text);
    assert_string_equal(text, "2.5");
    assert_int_equal(amount_add(difference, amount, &difference), ERR_OK);
    assert_int_equal(amount_compare(difference, AMOUNT_ZERO), 0);
    assert_true(amount_compare(amount, AMOUNT_ZERO) < 0);
    assert_true(quantity_compare(quantity, QUANTITY_ZERO) > 0);
    assert_int_equal(quantity_sub(quantity, quantity, &quantity), ERR_OK);
    assert_int_equal(quantity_compare(quantity, QUANTITY_ZERO), 0);
}

static void a_product_is_rounded_once(void **state)
{
    (void)state;
    // Expected per mode: half-up, half-even, down, up.
    static const struct { const char *a, *b, *divisor, *expected[4];
    } rows[] = {
        {"0", "5", "3", {"0", "0", "0", "0"}},
        {"1", "1", "1", {"1", "1", "1", "1"}},
        {"1", "1", "2", {"1", "0", "0", "1"}},      // 0.5
        {"3", "1", "2", {"2", "2", "1", "2"}},      // 1.5
        {"5", "1", "2", {"3", "2", "2", "3"}},      // 2.5
        {"-5", "1", "2", {"-3", "-2", "-2", "-3"}}, // -2.5: away from zero
        {"5", "-1", "2", {"-3", "-2", "-2", "-3"}},
        {"-5", "-1", "2", {"3", "2", "2", "3"}},
        {"1", "1", "3", {"0", "0", "0", "1"}}, // 0.33
        {"2", "1", "3", {"1", "1", "0", "1"}}, // 0.67
        {"-2", "1", "3", {"-1", "-1", "0", "-1"}},
        {"499999999999", "1", "1000000000000", {"0", "0", "0", "1"}}, // one below, at and one above a half
        {"500000000000", "1", "1000000000000", {"1", "0", "0", "1"}},
        {"500000000001", "1", "1000000000000", {"1", "1", "0", "1"}},
        // 1e24 x 1e18 / 1e9 = 1e33: the product needs 140 bits.
        {"1000000000000000000000000",
         "1000000000000000000",
         "1000000000",
         {"1000000000000000000000000000000000", "1000000000000000000000000000000000",
          "1000000000000000000000000000000000", "1000000000000000000000000000000000"}},
        // (1e38 - 1) x (1e38 - 1) / (1e38 - 1)
        {NINES_38, NINES_38, NINES_38, {NINES_38, NINES_38, NINES_38, NINES_38}},
        {NINES_38, "-" NINES_38, NINES_38, {"-" NINES_38, "-" NINES_38, "-" NINES_38, "-" NINES_38}},
        // 2^64 x 2^64 / 2^65 = 2^63, and the halves around it: (2^64 + 1) x 2^64 / 2^65 = 2^63 + 0.5
        {"18446744073709551616",
         "18446744073709551616",
         "36893488147419103232",
         {"9223372036854775808", "9223372036854775808", "9223372036854775808", "9223372036854775808"}},
        {"18446744073709551617",
         "18446744073709551616",
         "36893488147419103232",
         {"9223372036854775809", "9223372036854775808", "9223372036854775808", "9223372036854775809"}},
        // Largest divisor: (2^127 - 1 - 1) x 1 / (2^127 - 1) is just below 1; 2^127 / (2^127 - 1) just above 1.
        {"170141183460469231731687303715884105726",
         "1",
         "170141183460469231731687303715884105727",
         {"1", "1", "0", "1"}},
        {"-170141183460469231731687303715884105728",
         "1",
         "170141183460469231731687303715884105727",
         {"-1", "-1", "-1", "-2"}},
        // 1e37 x 1e37 / (2^127 - 1) = 587747175411143753984368268611122838.9...: both digits of the long division
        {"10000000000000000000000000000000000000",
         "10000000000000000000000000000000000000",
         "170141183460469231731687303715884105727",
         {"587747175411143753984368268611122839", "587747175411143753984368268611122839",
          "587747175411143753984368268611122838", "587747175411143753984368268611122839"}},
    };
    static const char *const modes[] = {"half-up", "half-even", "down", "up"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int mode = ROUND_HALF_UP; mode <= ROUND_UP; mode++) {
            int128 result = 77;
            enum err err = decimal_mul_div(whole(rows[i].a), whole(rows[i].b), whole(rows[i].divisor),
                                           (enum rounding)mode, &result);
            char where[160];
            snprintf(where, sizeof where, "row %zu %s", i, modes[mode]);
            if (err) fail_msg("%s: %s", where, err_name(err));
            assert_whole(result, rows[i].expected[mode], where);
        }
    }
}

static void a_product_beyond_the_range_is_an_error(void **state)
{
    (void)state;
    static const struct { const char *a, *b, *divisor; enum rounding mode; enum err err; } rows[] = {
        {NINES_38, "1", "1", ROUND_UP, ERR_OK},
        {ONE_E38, "1", "1", ROUND_DOWN, ERR_LIMIT},
        {"-" ONE_E38, "1", "1", ROUND_DOWN, ERR_LIMIT},
        {NINES_38, "2", "1", ROUND_DOWN, ERR_LIMIT},
        {NINES_38, NINES_38, "1", ROUND_DOWN, ERR_LIMIT},
        // Around the end of the range; between 1e38 - 1 and 1e38 the mode decides.
        {"66666666666666666666666666666666666667", "3", "2", ROUND_DOWN, ERR_LIMIT},  // 1e38 + 0.5
        {"66666666666666666666666666666666666666", "3", "2", ROUND_UP, ERR_OK},       // 1e38 - 1
        {"28571428571428571428571428571428571428", "7", "2", ROUND_UP, ERR_OK},       // 1e38 - 2
        {"15384615384615384615384615384615384615", "13", "2", ROUND_DOWN, ERR_OK},    // 1e38 - 2.5
        {"133333333333333333333333333333333333332", "3", "4", ROUND_UP, ERR_OK},      // 1e38 - 1
        {"133333333333333333333333333333333333333", "3", "4", ROUND_DOWN, ERR_OK},    // 1e38 - 0.25
        {"133333333333333333333333333333333333333", "3", "4", ROUND_HALF_UP, ERR_LIMIT},
        {"133333333333333333333333333333333333333", "3", "4", ROUND_HALF_EVEN, ERR_LIMIT},
        {"133333333333333333333333333333333333333", "3", "4", ROUND_UP, ERR_LIMIT},
        {"1", "1", "0", ROUND_DOWN, ERR_BUG},
        {"0", "0", "-1", ROUND_DOWN, ERR_BUG},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int128 result = 77;
        enum err err =
            decimal_mul_div(whole(rows[i].a), whole(rows[i].b), whole(rows[i].divisor), rows[i].mode, &result);
        if (err != rows[i].err) fail_msg("row %zu: %s, expected %s", i, err_name(err), err_name(rows[i].err));
        if (err) assert_int128(result, 77);
    }
}

static void values_are_rounded_to_an_increment(void **state)
{
    (void)state;
    static const struct { const char *value, *increment, *expected[4];
    } rows[] = {
        {"0", "100", {"0", "0", "0", "0"}},
        {"49", "100", {"0", "0", "0", "100"}},   // 0.49
        {"50", "100", {"100", "0", "0", "100"}}, // a half, even below
        {"51", "100", {"100", "100", "0", "100"}},
        {"149", "100", {"100", "100", "100", "200"}},
        {"150", "100", {"200", "200", "100", "200"}}, // a half, even above
        {"-150", "100", {"-200", "-200", "-100", "-200"}},
        {"250", "100", {"300", "200", "200", "300"}},
        {"-250", "100", {"-300", "-200", "-200", "-300"}},
        {"100", "100", {"100", "100", "100", "100"}},
        {"7", "1", {"7", "7", "7", "7"}},
        {"8", "3", {"9", "9", "6", "9"}},                                        // an odd increment has no half
        {"1", "170141183460469231731687303715884105727", {"0", "0", "0", NULL}}, // up leaves the range
        {NINES_38, "1", {NINES_38, NINES_38, NINES_38, NINES_38}},
        {NINES_38, "10", {NULL, NULL, "99999999999999999999999999999999999990", NULL}},
        {"-" NINES_38, "10", {NULL, NULL, "-99999999999999999999999999999999999990", NULL}},
        {"-170141183460469231731687303715884105728",
         "170141183460469231731687303715884105727",
         {NULL, NULL, NULL, NULL}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int mode = ROUND_HALF_UP; mode <= ROUND_UP; mode++) {
            int128 result = 77;
            enum err err =
                decimal_round_to(whole(rows[i].value), whole(rows[i].increment), (enum rounding)mode, &result);
            assert_int_equal(err, rows[i].expected[mode] ? ERR_OK : ERR_LIMIT);
            assert_whole(result, rows[i].expected[mode] ? rows[i].expected[mode] : "77", rows[i].value);
        }
    }
    int128 result;
    assert_int_equal(decimal_round_to(5, 0, ROUND_DOWN, &result), ERR_BUG);
    assert_int_equal(decimal_round_to(5, -5, ROUND_DOWN, &result), ERR_BUG);
}

static void an_amount_is_quantity_times_price_per_unit(void **state)
{
    (void)state;
    static const struct { const char *quantity, *price, *per, *amount; } rows[] = {
        {"500", "0.002", "1", "1"},                                // (1500 - 1000) x 0.002
        {"10", "0.002", "1", "0.02"},
        {"-10", "0.002", "1", "-0.02"},
        {"5400", "0.096", "3600", "0.144"},                        // 1.5 h x 0.096
        {"1", "0.10", "3600", "0.000027777778"},                   // 0.1 / 3600 = 0.0000277...
        {"1234567", "3", "1000000", "3.703701"},                   // tokens at 3 per million
        {"0.000000001", "0.001", "2", "0.000000000001"},           // 5e-13, half-up
        {"0.000000001", "0.000999999999", "2", "0"},               // one below the half
        {"-0.000000001", "0.001", "2", "-0.000000000001"},         // the half goes away from zero
        {"1000000000000000", "1000000", "1", "1000000000000000000000"}, // 1e15 x 1e6: 1e24 x 1e18 when scaled
        {"0", "99", "1", "0"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct quantity quantity, per;
        struct price price;
        struct amount amount;
        assert_int_equal(quantity_parse(rows[i].quantity, strlen(rows[i].quantity), &quantity, NULL), ERR_OK);
        assert_int_equal(price_parse(rows[i].price, strlen(rows[i].price), &price, NULL), ERR_OK);
        assert_int_equal(quantity_parse(rows[i].per, strlen(rows[i].per), &per, NULL), ERR_OK);
        assert_int_equal(amount_of(quantity, price, per, &amount), ERR_OK);
        char text[DECIMAL_TEXT_MAX];
        amount_print(amount, text);
        assert_string_equal(text, rows[i].amount);
    }
    struct amount amount;
    struct quantity one = {1000000000};
    assert_int_equal(amount_of((struct quantity){DECIMAL_MAX}, (struct price){2000000000}, one, &amount), ERR_LIMIT);
    assert_int_equal(amount_of(one, (struct price){1}, QUANTITY_ZERO, &amount), ERR_BUG);
}

static void a_level_accrues_over_time(void **state)
{
    (void)state;
    static const struct { const char *value; int64_t duration_us; const char *accrued; } rows[] = {
        {"1", 1000000, "1"},
        {"1", 0, "0"},
        {"8", INT64_C(3600000000), "28800"},          // 8 for an hour, in unit seconds
        {"0.5", 1, "0.000000500"},
        {"0.000000001", 499999, "0"},                 // 0.499999e-9
        {"0.000000001", 500000, "0.000000001"},       // a half
        {"0.000000001", 1500000, "0.000000002"},
        {"1000000000000000", INT64_C(2678400000000), "2678400000000000000000"}, // 1e15 for 31 days
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct quantity value, accrued, expected;
        assert_int_equal(quantity_parse(rows[i].value, strlen(rows[i].value), &value, NULL), ERR_OK);
        assert_int_equal(quantity_parse(rows[i].accrued, strlen(rows[i].accrued), &expected, NULL), ERR_OK);
        assert_int_equal(quantity_over_time(value, rows[i].duration_us, &accrued), ERR_OK);
        assert_int128(accrued.nano, expected.nano);
    }
    struct quantity accrued;
    assert_int_equal(quantity_over_time((struct quantity){DECIMAL_MAX}, 1000001, &accrued), ERR_LIMIT);
}

static void shares_add_up_to_the_total(void **state)
{
    (void)state;
    enum { PARTS_MAX = 6 };
    static const struct {
        int64_t total, increment;
        size_t count;
        int64_t weights[PARTS_MAX], parts[PARTS_MAX];
    } rows[] = {
        {100, 1, 3, {1, 1, 1}, {34, 33, 33}}, // a tie goes to the lower index
        {101, 1, 3, {1, 1, 1}, {34, 34, 33}},
        {-100, 1, 3, {1, 1, 1}, {-34, -33, -33}}, // the sign is kept
        {100, 10, 3, {1, 1, 1}, {40, 30, 30}},    // 10 units of 10
        {0, 1, 3, {1, 2, 3}, {0, 0, 0}},
        {10, 1, 4, {0, 1, 0, 1}, {0, 5, 0, 5}}, // no weight, no share
        {1, 1, 4, {0, 0, 0, 7}, {0, 0, 0, 1}},
        {7, 1, 1, {3}, {7}},
        {5, 1, 4, {1, 2, 3, 4}, {1, 1, 1, 2}}, // 0.5 1.0 1.5 2.0: the first half wins
        {6, 1, 4, {1, 2, 3, 4}, {1, 1, 2, 2}}, // 0.6 1.2 1.8 2.4: 0.8 and 0.6 win
        {10, 1, 4, {3, 3, 3, 1}, {3, 3, 3, 1}},
        {3, 1, 6, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 0, 0, 0}},
        {1000, 1, 3, {333, 333, 334}, {333, 333, 334}},
        {100, 1, 3, {2, 1, 1}, {50, 25, 25}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int128 weights[PARTS_MAX], parts[PARTS_MAX];
        for (size_t j = 0; j < rows[i].count; j++) weights[j] = rows[i].weights[j];
        assert_int_equal(decimal_allocate(rows[i].total, rows[i].increment, weights, rows[i].count, parts), ERR_OK);
        for (size_t j = 0; j < rows[i].count; j++) assert_int128(parts[j], rows[i].parts[j]);
    }
}

static void shares_at_the_edge_of_the_range(void **state)
{
    (void)state;
    int128 weights[] = {DECIMAL_MAX - 1, 1}, parts[2];
    assert_int_equal(decimal_allocate(DECIMAL_MAX, 1, weights, 2, parts), ERR_OK);
    assert_int128(parts[0], DECIMAL_MAX - 1);
    assert_int128(parts[1], 1);
    assert_int_equal(decimal_allocate(-DECIMAL_MAX, DECIMAL_MAX, weights, 2, parts), ERR_OK); // one unit, to the larger
    assert_int128(parts[0], -DECIMAL_MAX);
    assert_int128(parts[1], 0);
    weights[1] = 2;
    assert_int_equal(decimal_allocate(1, 1, weights, 2, parts), ERR_LIMIT); // the weights add up to 1e38
    weights[0] = 1;
    assert_int_equal(decimal_allocate(DECIMAL_MAX + 1, 1, weights, 2, parts), ERR_LIMIT);
    assert_int_equal(decimal_allocate(-DECIMAL_MAX - 1, 1, weights, 2, parts), ERR_LIMIT);
}

static void bad_weights_and_increments_are_refused(void **state)
{
    (void)state;
    const int128 zero[] = {0, 0}, negative[] = {3, -1}, good[] = {1, 1};
    int128 parts[2];
    assert_int_equal(decimal_allocate(10, 1, zero, 2, parts), ERR_INVALID);
    assert_int_equal(decimal_allocate(10, 1, negative, 2, parts), ERR_INVALID);
    assert_int_equal(decimal_allocate(10, 1, good, 0, parts), ERR_INVALID);
    assert_int_equal(decimal_allocate(10, 0, good, 2, parts), ERR_INVALID);
    assert_int_equal(decimal_allocate(10, -1, good, 2, parts), ERR_INVALID);
    assert_int_equal(decimal_allocate(10, 3, good, 2, parts), ERR_INVALID); // 10 is no multiple of 3
}

static void wide_products_and_quotients(void **state)
{
    (void)state;
    const uint128 all = ~(uint128)0;
    struct wide square = wide_multiply(all, all); // (2^128 - 1)^2 = (2^128 - 2) x 2^128 + 1
    assert_true(square.high == all - 1 && square.low == 1);
    uint128 remainder;
    assert_true(wide_divide(square, all, &remainder) == all);
    assert_true(remainder == 0);
    // The largest dividend of a divisor: quotient 2^128 - 1, remainder divisor - 1.
    static const uint64_t high[] = {1, 2, UINT64_MAX, UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1};
    static const uint64_t low[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63};
    for (size_t i = 0; i < COUNT(high); i++) {
        for (size_t j = 0; j < COUNT(low); j++) {
            uint128 divisor = ((uint128)high[i] << 64) | low[j];
            assert_true(wide_divide((struct wide){divisor - 1, all}, divisor, &remainder) == all);
            assert_true(remainder == divisor - 1); // divisor x (2^128 - 1) + divisor - 1 = divisor x 2^128 - 1
        }
    }
    uint128 quotient;
    assert_false(wide_mul_div(all, all, all - 1, &quotient, &remainder));
    assert_false(wide_mul_div(1, 1, 0, &quotient, &remainder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_range_ends_one_below_a_power_of_ten),
        cmocka_unit_test(sums_are_exact_and_stop_at_the_range),
        cmocka_unit_test(typed_values_keep_their_scale),
        cmocka_unit_test(a_product_is_rounded_once),
        cmocka_unit_test(a_product_beyond_the_range_is_an_error),
        cmocka_unit_test(values_are_rounded_to_an_increment),
        cmocka_unit_test(an_amount_is_quantity_times_price_per_unit),
        cmocka_unit_test(a_level_accrues_over_time),
        cmocka_unit_test(shares_add_up_to_the_total),
        cmocka_unit_test(shares_at_the_edge_of_the_range),
        cmocka_unit_test(bad_weights_and_increments_are_refused),
        cmocka_unit_test(wide_products_and_quotients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
