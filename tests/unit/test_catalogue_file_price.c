// SPDX-License-Identifier: Apache-2.0
// Catalogue files: prices, tiers, versions and books; for what is refused, the exact place and reason. No database.
// '@' marks the place of an expected error, '$' a place that a reason names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/catalogue_files.h"

// --- prices

#define BOOK FRAME "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n  - id: eur\n    prices:\n      - "

static void prices_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"both", "@{sku: call, unit: call, price: \"1\", tiers: [{price: \"1\"}]}\n",
         "a price has either price or tiers\n"},
        {"neither", "@{sku: call, unit: call}\n", "a price has either price or tiers\n"},
        {"zero", "{sku: call, unit: call, price: \"0\"}\n", ""},
        {"negative", "{sku: call, unit: call, price: @\"-0.01\"}\n", "price -0.01 is negative\n"},
        {"12 places", "{sku: call, unit: call, price: \"0.000000000001\"}\n", ""},
        {"per 0", "{sku: call, unit: call, price: \"1\", per: @0}\n", "per 0 must be above zero\n"},
        {"no tiers", "{sku: call, unit: call, tiers: @[]}\n", "tiers is a list of 1 to 64 tiers\n"},
        {"one tier", "{sku: call, unit: call, tiers: [{price: \"1\"}]}\n", ""},
        {"last tier with a bound",
         "{sku: call, unit: call, tiers: [{up_to: 1, price: \"0\"}, {up_to: @2, price: \"1\"}]}\n",
         "the last tier has no up_to: what is above 2 would have no price\n"},
        {"gap", "{sku: call, unit: call, tiers: [{up_to: 1, price: \"0\"}, @{price: \"1\"}, {price: \"2\"}]}\n",
         "only the last tier has no up_to\n"},
        {"equal bounds",
         "{sku: call, unit: call, tiers: [{up_to: 1, price: \"0\"}, {up_to: @1, price: \"1\"}, {price: \"2\"}]}\n",
         "up_to 1 is not above the tier before\n"},
        {"decreasing bounds",
         "{sku: call, unit: call, tiers: [{up_to: 5, price: \"0\"}, {up_to: @4.9, price: \"1\"}, {price: \"2\"}]}\n",
         "up_to 4.9 is not above the tier before\n"},
        {"bound 0", "{sku: call, unit: call, tiers: [{up_to: @0, price: \"0\"}, {price: \"1\"}]}\n",
         "up_to 0 must be above zero\n"},
        {"negative tier", "{sku: call, unit: call, tiers: [{up_to: 1, price: @\"-1\"}, {price: \"1\"}]}\n",
         "price -1 is negative\n"},
        {"tier without price", "{sku: call, unit: call, tiers: [@{up_to: 1}, {price: \"1\"}]}\n",
         "a tier needs price\n"},
        {"unknown key of a tier", "{sku: call, unit: call, tiers: [{price: \"1\", @flat: 3}]}\n",
         "unknown key 'flat' of a tier; there are: up_to, price\n"},
        {"bound x per not exact",
         "{sku: call, unit: call, per: 0.5, tiers: [{up_to: @0.000000001, price: \"0\"}, {price: \"1\"}]}\n",
         "up_to x per is no quantity of up to 9 fraction digits in range\n"},
        {"bound x per beyond the range",
         "{sku: call, unit: call, per: 10000000000000000000, tiers: [{up_to: @10000000000, price: \"0\"}, {price: "
         "\"1\"}]}\n",
         "up_to x per is no quantity of up to 9 fraction digits in range\n"},
        {"minimum with tiers", "{sku: server, unit: hour, minimum_seconds: @60, tiers: [{price: \"1\"}]}\n",
         "minimum_seconds goes with price, not with tiers\n"},
        {"minimum of a count", "{sku: call, unit: call, price: \"1\", minimum_seconds: @60}\n",
         "minimum_seconds is for interval meters, and calls is none\n"},
        {"minimum 86400", "{sku: server, unit: hour, price: \"1\", minimum_seconds: 86400}\n", ""},
        {"minimum 86401", "{sku: server, unit: hour, price: \"1\", minimum_seconds: @86401}\n",
         "minimum_seconds '86401': a whole number from 0 to 86400\n"},
        {"unknown dimension", "{sku: server, match: {@colour: red, os: linux}, unit: hour, price: \"1\"}\n",
         "'colour' is no dimension of meter running, which SKU server prices\n"},
        {"null in a match", "{sku: server, match: {os: @~}, unit: hour, price: \"1\"}\n",
         "the value of os is a single text; \"\" for an empty one\n"},
        {"empty text in a match", "{sku: server, match: {os: \"\"}, unit: hour, price: \"1\"}\n", ""},
        {"unknown SKU", "{sku: @servr, unit: hour, price: \"1\"}\n", "there is no SKU 'servr'\n"},
        {"ends as it begins",
         "{sku: call, unit: call, price: \"1\", effective_from: 2026-02-01, effective_to: @2026-02-01}\n",
         "effective_to is not after effective_from\n"},
        {"ends off the grid", "{sku: call, unit: call, price: \"1\", effective_to: @2026-02-01T00:00:01Z}\n",
         "effective_to 2026-02-01T00:00:01Z is not on a 15-minute bound of UTC (:00, :15, :30, :45)\n"},
    };
    expect_each(BOOK, cases, COUNT(cases));
}

// What decimals may be is the decimals' own affair (test_decimal_text.c); here, that they are asked.
static void prices_are_exact_decimals_in_range(void **state)
{
    (void)state;
    static const char *const prices[] = {
        "0.0000000000001", "1e3", "1,5", "+1", "0x10", "01", "NaN", "12345678901234567890123456789"};
    for (size_t i = 0; i < COUNT(prices); i++) {
        struct text file = {0}, told = {0};
        text_print(&file, "%s{sku: call, unit: call, price: \"%s\"}\n", BOOK, prices[i]);
        assert_null(read_files(&file, NULL, &told));
        text_clear(&file);
        text_print(&file, "f.yaml:14:40: price '%s': ", prices[i]);
        if (strncmp(told.data, file.data, file.length) != 0) fail_msg("%s: %s", prices[i], told.data);
        assert_ptr_equal(strchr(told.data, '\n'), told.data + told.length - 1); // one error
        text_free(&file);
        text_free(&told);
    }
}

#define CALL "sku: call, unit: call, price: \"1\""

static void versions_of_a_price_do_not_overlap(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"one after another", "{" CALL "}\n      - {" CALL ", effective_from: 2026-02-01}\n", ""},
        {"in any order", "{" CALL ", effective_from: 2026-02-01}\n      - {" CALL "}\n", ""},
        {"touching", "{" CALL ", effective_to: 2026-02-01}\n      - {" CALL ", effective_from: 2026-02-01}\n", ""},
        {"a gap", "{" CALL ", effective_to: 2026-02-01}\n      - {" CALL ", effective_from: 2026-03-01}\n", ""},
        {"another match",
         "{sku: server, unit: h, price: \"1\"}\n      - {sku: server, match: {os: a}, unit: h, price: \"1\"}\n", ""},
        {"the same again", "${" CALL "}\n      - @{" CALL "}\n",
         "this price is there twice: the same book, SKU, match and effective_from (the beginning) at $\n"},
        {"the same match, written otherwise",
         "${sku: server, match: {os: a, flavour: b}, unit: h, price: \"1\"}\n"
         "      - @{sku: server, match: {flavour: \"b\", os: a}, unit: h, price: \"2\"}\n",
         "this price is there twice: the same book, SKU, match and effective_from (the beginning) at $\n"},
        {"overlap", "${" CALL ", effective_to: 2026-03-01}\n      - @{" CALL ", effective_from: 2026-02-01}\n",
         "two versions of this price overlap from 2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z: the other is at $\n"},
        {"overlap, the later one first",
         "${" CALL ", effective_from: 2026-02-01}\n      - @{" CALL ", effective_to: 2026-03-01}\n",
         "two versions of this price overlap from 2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z: the other is at $\n"},
    };
    expect_each(BOOK, cases, COUNT(cases));
    expect("in another file", BOOK "${" CALL "}\n", "", "price_books:\n  - id: eur\n    prices: [@{" CALL "}]\n",
           "this price is there twice: the same book, SKU, match and effective_from (the beginning) at $\n");
}

static void books_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"new without currency", "  - @{id: b, name: B}\n", "price book 'b' is new: it needs name and currency\n"},
        {"unknown parent", "  - {id: b, name: B, currency: EUR, parent: @c}\n", "there is no price book 'c'\n"},
        {"parent in another currency", "  - {id: b, name: B, currency: USD, parent: @eur}\n",
         "price book 'b' is in USD, its parent 'eur' in EUR\n"},
        {"own parent", "  - {id: b, name: B, currency: EUR, parent: @b}\n",
         "the parents of price book 'b' lead in a circle\n"},
        {"circle", "  - {id: b, name: B, currency: EUR, parent: @c}\n  - {id: c, name: C, currency: EUR, parent: @b}\n",
         "the parents of price book 'b' lead in a circle\nthe parents of price book 'c' lead in a circle\n"},
        {"two currencies", "  - ${id: b, name: B, currency: EUR}\n  - @{id: b, currency: USD}\n",
         "price book 'b' has the currency 'USD' here and 'EUR' at $\n"},
        {"name elsewhere", "  - {id: b, currency: EUR}\n  - {id: b, name: B}\n", ""},
        {"a parent that comes later",
         "  - {id: b, name: B, currency: EUR, parent: c}\n  - {id: c, name: C, currency: EUR}\n", ""},
    };
    expect_each(FRAME "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n", cases, COUNT(cases));
    for (size_t i = 0; i < 3; i++) {
        static const char *const codes[] = {"ZZZ", "eur", "XXX"};
        struct text file = {0}, told = {0}, expected = {0};
        text_print(&file, "price_books: [{id: b, name: B, currency: %s}]\n", codes[i]);
        text_print(&expected, "f.yaml:1:42: currency '%s': ", codes[i]);
        assert_null(read_files(&file, NULL, &told));
        assert_memory_equal(told.data, expected.data, expected.length);
        text_free(&file);
        text_free(&told);
        text_free(&expected);
    }
    expect("KWD and CLF", "", "price_books: [{id: b, name: B, currency: KWD}, {id: c, name: C, currency: CLF}]\n", NULL,
           "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_are_checked),
        cmocka_unit_test(prices_are_exact_decimals_in_range),
        cmocka_unit_test(versions_of_a_price_do_not_overlap),
        cmocka_unit_test(books_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
