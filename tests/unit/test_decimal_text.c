// SPDX-License-Identifier: Apache-2.0
// Decimals as text: what is read, what is refused and how, what is written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/decimal.h"

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

static void plain_decimals_are_read_exactly(void **state)
{
    (void)state;
    static const struct { const char *text; int places; bool exponent; const char *scaled; } rows[] = {
        {"0", 9, false, "0"},
        {"-0", 9, false, "0"},
        {"0.000000000", 9, false, "0"},
        {"-0.0", 9, false, "0"},
        {"1", 9, false, "1000000000"},
        {"-1", 9, false, "-1000000000"},
        {"0.1", 9, false, "100000000"},
        {"0.000000001", 9, false, "1"},                       // the smallest quantity
        {"0.0000000010000000", 9, false, "1"},                // trailing zeros need no place
        {"10.50", 9, false, "10500000000"},
        {"9007199254740993", 9, false, "9007199254740993000000000"}, // 2^53 + 1: no double on the way
        {"0.00000000000000000000000000000000000001", 38, false, "1"},
        {"18446744073709551615", 0, false, "18446744073709551615"},  // 2^64 - 1
        {"18446744073709551616", 0, false, "18446744073709551616"},  // 2^64
        {"18446744073709551617", 0, false, "18446744073709551617"},  // 2^64 + 1
        {NINES_38, 0, false, NINES_38},
        {"-" NINES_38, 0, false, "-" NINES_38},
        {NINES_38 ".000", 0, false, NINES_38},
        {"99999999999999999999999999999.999999999", 9, false, NINES_38},
        {"0.99999999999999999999999999999999999999", 38, false, NINES_38},
        {"1e3", 9, true, "1000000000000"},
        {"1E+3", 9, true, "1000000000000"},
        {"1e-9", 9, true, "1"},
        {"1000e-12", 9, true, "1"},                           // 1000 x 1e-12 = 1e-9
        {"1e-12", 12, true, "1"},
        {"0.001e3", 0, true, "1"},
        {"123.456e2", 1, true, "123456"},
        {"0e30", 9, true, "0"},
        {"0.0e-30", 9, true, "0"},
        {"1e28", 9, true, "10000000000000000000000000000000000000"},
        {"1e030", 0, true, "1000000000000000000000000000000"},
        {"1000000000000000000000000000000e-30", 0, true, "1"}, // -30 is still allowed
        {"100000000000000000000000000000000000000000e-5", 0, true, "1000000000000000000000000000000000000"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int128 scaled = 77;
        struct fault fault = {0};
        enum err err =
            decimal_parse(rows[i].text, strlen(rows[i].text), rows[i].places, rows[i].exponent, &scaled, &fault);
        if (err) fail_msg("%s: %s: %s", rows[i].text, err_name(err), fault.reason);
        assert_whole(scaled, rows[i].scaled, rows[i].text);
    }
}

static void what_is_not_a_plain_decimal_is_refused(void **state)
{
    (void)state;
    static const struct { const char *text; int places; bool exponent; enum err err;
    } rows[] = {
        {"", 9, true, ERR_INVALID},
        {" ", 9, true, ERR_INVALID},
        {" 1", 9, true, ERR_INVALID},
        {"1 ", 9, true, ERR_INVALID},
        {"+1", 9, true, ERR_INVALID},
        {"-", 9, true, ERR_INVALID},
        {"--1", 9, true, ERR_INVALID},
        {"01", 9, true, ERR_INVALID},
        {"00", 9, true, ERR_INVALID},
        {"-01.5", 9, true, ERR_INVALID},
        {".", 9, true, ERR_INVALID},
        {".5", 9, true, ERR_INVALID},
        {"5.", 9, true, ERR_INVALID},
        {"-.5", 9, true, ERR_INVALID},
        {"1.2.3", 9, true, ERR_INVALID},
        {"1,000", 9, true, ERR_INVALID},
        {"1_000", 9, true, ERR_INVALID},
        {"NaN", 9, true, ERR_INVALID},
        {"Infinity", 9, true, ERR_INVALID},
        {"-inf", 9, true, ERR_INVALID},
        {"0x10", 9, true, ERR_INVALID},
        {"1f", 9, true, ERR_INVALID},
        {"true", 9, true, ERR_INVALID},
        {"\"1\"", 9, true, ERR_INVALID},
        {"\xd9\xa1\xd9\xa2", 9, true, ERR_INVALID}, // Arabic-Indic 12
        {"1\xc2\xa0", 9, true, ERR_INVALID},
        {"\xe2\x88\x92"
         "1",
         9, true, ERR_INVALID}, // no-break space, minus sign U+2212
        // The exponent: only where it is allowed, only with digits, only within -30..30.
        {"1e3", 9, false, ERR_INVALID},
        {"1e", 9, true, ERR_INVALID},
        {"1e+", 9, true, ERR_INVALID},
        {"1e-", 9, true, ERR_INVALID},
        {"1e+-1", 9, true, ERR_INVALID},
        {"1e1.0", 9, true, ERR_INVALID},
        {"e5", 9, true, ERR_INVALID},
        {"1e31", 0, true, ERR_INVALID},
        {"1e-31", 38, true, ERR_INVALID},
        {"1e400", 9, true, ERR_INVALID},
        {"1e-400", 9, true, ERR_INVALID},
        {"0e99999999999999999999999999", 9, true, ERR_INVALID},
        // One digit too many is refused, never rounded.
        {"0.0000000001", 9, true, ERR_INVALID},
        {"1.0000000001", 9, true, ERR_INVALID},
        {"1e-10", 9, true, ERR_INVALID},
        {"0.5", 0, true, ERR_INVALID},
        {"1.0000000000000000000000000000000000000000001", 9, true, ERR_INVALID},
        {NINES_38 NINES_38 ".5", 0, true, ERR_INVALID}, // both too precise and too large
        // Beyond the range.
        {ONE_E38, 0, true, ERR_LIMIT},
        {"-" ONE_E38, 0, true, ERR_LIMIT},
        {"100000000000000000000000000000", 9, true, ERR_LIMIT}, // 1e29 at 1e-9 = 1e38
        {"1e29", 9, true, ERR_LIMIT},
        {"1e30", 38, true, ERR_LIMIT},
        {NINES_38 "9", 0, true, ERR_LIMIT},
        {NINES_38 NINES_38, 0, true, ERR_LIMIT},
        {NINES_38 NINES_38 "." NINES_38, 38, true, ERR_LIMIT},
        {"340282366920938463463374607431768211456", 0, true, ERR_LIMIT}, // 2^128: would wrap to 0
        {"340282366920938463463374607431768211457", 0, true, ERR_LIMIT},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int128 scaled = 77;
        struct fault fault = {0};
        enum err err =
            decimal_parse(rows[i].text, strlen(rows[i].text), rows[i].places, rows[i].exponent, &scaled, &fault);
        if (err != rows[i].err) fail_msg("\"%s\": %s, expected %s", rows[i].text, err_name(err), err_name(rows[i].err));
        assert_true(scaled == 77);
        assert_int_equal(fault.err, err);
        assert_true(fault.reason[0] != 0);
    }
}

static void only_the_given_length_is_read(void **state)
{
    (void)state;
    int128 scaled;
    assert_int_equal(decimal_parse("12x", 2, 0, false, &scaled, NULL), ERR_OK);
    assert_int128(scaled, 12);
    assert_int_equal(decimal_parse("1\0002", 3, 0, false, &scaled, NULL),
                     ERR_INVALID); // a NUL is a character like any other
    assert_int_equal(decimal_parse("1.5", 2, 0, false, &scaled, NULL), ERR_INVALID);    // "1."
    // No NUL behind the text, at the end of an allocation: ASan sees one byte too many.
    char *exact = malloc(3);
    assert_non_null(exact);
    memcpy(exact, "1.5", 3);
    assert_int_equal(decimal_parse(exact, 3, 1, true, &scaled, NULL), ERR_OK);
    assert_int128(scaled, 15);
    free(exact);
}

static void a_long_text_is_read_in_full(void **state)
{
    (void)state;
    enum { LENGTH = 100000 };
    char *text = malloc(LENGTH);
    assert_non_null(text);
    memset(text, '0', LENGTH);
    memcpy(text, "1.5", 3);
    int128 scaled;
    assert_int_equal(decimal_parse(text, LENGTH, 9, false, &scaled, NULL), ERR_OK);
    assert_int128(scaled, 1500000000);
    text[LENGTH - 1] = '1'; // the last of a hundred thousand digits counts
    assert_int_equal(decimal_parse(text, LENGTH, 9, false, &scaled, NULL), ERR_INVALID);
    text[1] = '0';
    assert_int_equal(decimal_parse(text, LENGTH, 9, false, &scaled, NULL), ERR_LIMIT);
    free(text);
}

static void decimals_are_written_in_their_shortest_form(void **state)
{
    (void)state;
    static const struct { const char *scaled; int places; const char *text; } rows[] = {
        {"0", 9, "0"},
        {"1", 9, "0.000000001"},
        {"-1", 9, "-0.000000001"},
        {"100000000", 9, "0.1"},
        {"-12000000000", 9, "-12"},
        {"12", 0, "12"},
        {"1000000000000", 12, "1"},
        {"1000000000001", 12, "1.000000000001"},
        {"9999999999999999999", 0, "9999999999999999999"},   // 19 digits: one chunk of the writer
        {"10000000000000000000", 0, "10000000000000000000"}, // 20 digits: two
        {"10000000000000000001", 19, "1.0000000000000000001"},
        {NINES_38, 12, "99999999999999999999999999.999999999999"},
        {"-" NINES_38, 0, "-" NINES_38},
        {"-" NINES_38, 38, "-0." NINES_38},
        {ONE_E38, 38, "1"},
        {"170141183460469231731687303715884105727", 9, "170141183460469231731687303715.884105727"}, // 2^127 - 1
        {"-170141183460469231731687303715884105728", 38, "-1.70141183460469231731687303715884105728"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[DECIMAL_TEXT_MAX];
        size_t length = decimal_print(whole(rows[i].scaled), rows[i].places, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(length, strlen(text));
    }
}

static void documents_show_a_fixed_number_of_digits(void **state)
{
    (void)state;
    static const struct { const char *scaled; int places, shown; const char *text; } rows[] = {
        {"12300000000000", 12, 2, "12.30"}, {"500000000000000", 12, 0, "500"},    {"0", 12, 2, "0.00"},
        {"-10000000000", 12, 2, "-0.01"},   {"1", 12, 12, "0.000000000001"},      {"1234000000000", 12, 3, "1.234"},
        {NINES_38, 2, 2, "999999999999999999999999999999999999.99"}, {"-7", 0, 0, "-7"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[DECIMAL_TEXT_MAX];
        size_t length = decimal_print_fixed(whole(rows[i].scaled), rows[i].places, rows[i].shown, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(length, strlen(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_decimals_are_read_exactly),
        cmocka_unit_test(what_is_not_a_plain_decimal_is_refused),
        cmocka_unit_test(only_the_given_length_is_read),
        cmocka_unit_test(a_long_text_is_read_in_full),
        cmocka_unit_test(decimals_are_written_in_their_shortest_form),
        cmocka_unit_test(documents_show_a_fixed_number_of_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
