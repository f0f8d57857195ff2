// SPDX-License-Identifier: Apache-2.0
// Amounts in another currency: rounded once, at every edge. Against GMP: test_decimal_gmp.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/decimal.h"

static const struct quantity one_unit = {1000000000};
static const struct price one = {INT64_C(1000000000000)};

static int128 number(const char *text, int places)
{
    int128 value = 0;
    assert_int_equal(decimal_parse(text, strlen(text), places, false, &value, NULL), ERR_OK);
    return value;
}

static void a_product_is_converted_before_it_is_divided_and_rounded_once(void **state)
{
    (void)state;
    static const struct {
        const char *quantity, *price, *per, *flat, *rate, *amount; // NULL: beyond the range
    } cases[] = {
        {"1500", "0.12", "1", "0", "106.56", "19180.8"},
        {"1", "1", "3", "0", "3", "1"},                   // a third would be rounded before
        {"1", "0.000000000001", "2", "0", "1", "0.000000000001"}, // half goes up
        {"1", "0.000000000001", "2", "0", "0.999999999999", "0"}, // just below half
        {"1", "0.000000000001", "3", "0", "1.5", "0.000000000001"}, // half again, in another way
        {"0.000000001", "0.000000000001", "1", "0.000000000001", "0.5", "0.000000000001"}, // above half
        {"0", "0", "1", "0.000000000001", "0.5", "0.000000000001"},
        {"0", "0", "7", "5", "0.9", "4.5"},
        {"10", "0.1", "1", "5", "0.9", "5.4"},
        {"-1", "0.000000000001", "2", "0", "1", "-0.000000000001"}, // half goes away from zero
        {"-10", "0.5", "1", "5", "1", "0"},
        {"1", "1", "1", "0", "0", "0"},
        {"1", "99999999999999999999999999.999999999999", "1", "0", "1", "99999999999999999999999999.999999999999"},
        {"1", "99999999999999999999999999.999999999999", "1", "0.000000000001", "1", NULL},
        {"1", "99999999999999999999999999.999999999999", "1", "0", "1.000000000001", NULL},
        // all three as great as they can be, over the greatest: 381 bits between
        {"99999999999999999999999999999.999999999", "99999999999999999999999999.999999999999",
         "99999999999999999999999999999.999999999", "0", "1", "99999999999999999999999999.999999999999"},
        {"99999999999999999999999999999.999999999", "1", "99999999999999999999999999999.999999999", "0",
         "99999999999999999999999999.999999999999", "99999999999999999999999999.999999999999"},
        {"99999999999999999999999999999.999999999", "99999999999999999999999999.999999999999", "0.000000001", "0",
         "99999999999999999999999999.999999999999", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct amount amount = {-7};
        enum err err = amount_converted((struct quantity){number(cases[i].quantity, QUANTITY_PLACES)},
                                        (struct price){number(cases[i].price, PRICE_PLACES)},
                                        (struct quantity){number(cases[i].per, QUANTITY_PLACES)},
                                        (struct amount){number(cases[i].flat, AMOUNT_PLACES)},
                                        (struct price){number(cases[i].rate, PRICE_PLACES)}, &amount);
        if (err != (cases[i].amount ? ERR_OK : ERR_LIMIT)) fail_msg("case %zu: %s", i, err_name(err));
        int128 wanted = cases[i].amount ? number(cases[i].amount, AMOUNT_PLACES) : -7; // left as it was
        if (amount.pico != wanted) fail_msg("case %zu", i);
    }
}

static void divisors_of_zero_are_the_callers_mistake(void **state)
{
    (void)state;
    struct amount amount;
    struct quantity quantity;
    assert_int_equal(amount_converted(one_unit, one, QUANTITY_ZERO, AMOUNT_ZERO, one, &amount), ERR_BUG);
    assert_int_equal(amount_converted(one_unit, one, one_unit, AMOUNT_ZERO, (struct price){-1}, &amount), ERR_BUG);
    assert_int_equal(quantity_for((struct amount){1}, PRICE_ZERO, one_unit, one, &quantity), ERR_BUG);
    assert_int_equal(quantity_for((struct amount){1}, one, one_unit, PRICE_ZERO, &quantity), ERR_BUG);
    assert_int_equal(quantity_for((struct amount){one.pico}, one, one_unit, (struct price){3}, &quantity), ERR_OK);
    assert_true(quantity.nano == number("333333333333.333333333", QUANTITY_PLACES)); // 1 / 0.000000000003
}

static void an_amount_is_told_back_from_what_it_was_converted_to(void **state)
{
    (void)state;
    static const struct {
        const char *converted, *rate, *amount; // NULL: beyond the range
    } cases[] = {
        {"490", "2", "245"},
        {"0", "2", "0"},
        {"-490", "2", "-245"},
        {"5.4", "0.9", "6"},
        {"36.875571428469", "0.307142857142", "120.06"}, // 36.87557142846852: the quotient has 12 places, ...00001...
        {"1", "3", "0.333333333333"},                    // 0.999999999999: none is converted to it
        {"2", "3", "0.666666666667"},
        {"0.000000000001", "1", "0.000000000001"},
        {"0.000000000001", "2", "0.000000000001"},       // half of it, rounded up
        {"0.000000000001", "2.000000000001", "0"},
        {"0.000000000001", "0.000000000001", "1"},
        {"0.000000000001", "0.000000000003", "0.3"},     // 0.16 to 0.49, and 0.3 is the nearest of one place
        {"123456789012.345678901234", "1", "123456789012.345678901234"},
        {"99999999999999999999999999.999999999999", "1", "99999999999999999999999999.999999999999"},
        {"99999999999999999999999999.999999999999", "0.999999999999", NULL},
        {"99999999999999999999999999.999999999999", "0.000000000001", NULL},
        {"-99999999999999999999999999.999999999999", "0.1", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct amount amount = {-7};
        const struct price rate = {number(cases[i].rate, PRICE_PLACES)};
        enum err err = amount_unconverted((struct amount){number(cases[i].converted, AMOUNT_PLACES)}, rate, &amount);
        if (err != (cases[i].amount ? ERR_OK : ERR_LIMIT)) fail_msg("case %zu: %s", i, err_name(err));
        if (cases[i].amount && amount.pico != number(cases[i].amount, AMOUNT_PLACES)) fail_msg("case %zu", i);
    }
    struct amount amount;
    assert_int_equal(amount_unconverted((struct amount){1}, PRICE_ZERO, &amount), ERR_BUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amount_is_told_back_from_what_it_was_converted_to),
        cmocka_unit_test(a_product_is_converted_before_it_is_divided_and_rounded_once),
        cmocka_unit_test(divisors_of_zero_are_the_callers_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
