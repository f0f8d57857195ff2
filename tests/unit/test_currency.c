// SPDX-License-Identifier: Apache-2.0
// Currencies: every code with its minor unit, what is no currency, and amounts at their minor units.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/currency.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct currency currency_of(const char *code)
{
    struct currency currency = {{0}, -1};
    struct fault fault = {0};
    if (currency_find(code, &currency, &fault) != ERR_OK) fail_msg("%s: %s", code, fault.reason);
    return currency;
}

static struct amount amount(const char *text)
{
    struct amount amount = AMOUNT_ZERO;
    if (amount_parse(text, strlen(text), &amount, NULL) != ERR_OK) fail_msg("bad row: %s", text);
    return amount;
}

// ISO 4217, by minor unit.
static const struct { int places; const char *codes; } minor_units[] = {
    {0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"},
    {3, "BHD IQD JOD KWD LYD OMR TND"},
    {4, "CLF UYW"},
    {2, "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
        "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
        "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
        "MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP "
        "SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG "
        "YER ZAR ZMW ZWG"},
};

// All 26^3 codes: each one of the list has its minor unit, every other is refused.
static void exactly_the_codes_of_the_list_are_known(void **state)
{
    (void)state;
    int places[26][26][26];
    memset(places, -1, sizeof places);
    for (size_t i = 0; i < COUNT(minor_units); i++)
        for (const char *at = minor_units[i].codes; *at; at += at[3] == ' ' ? 4 : 3)
            places[at[0] - 'A'][at[1] - 'A'][at[2] - 'A'] = minor_units[i].places;
    int known = 0;
    for (int i = 0; i < 26 * 26 * 26; i++) {
        const char code[4] = {(char)('A' + i / 676), (char)('A' + i / 26 % 26), (char)('A' + i % 26), 0};
        int expected = places[i / 676][i / 26 % 26][i % 26];
        struct currency currency = {{0}, -1};
        enum err err = currency_find(code, &currency, NULL);
        enum err wanted = expected < 0 ? ERR_INVALID : ERR_OK;
        if (err != wanted || currency.minor_places != expected)
            fail_msg("%s: %s, %d places, expected %d", code, err_name(err), currency.minor_places, expected);
        if (err) continue;
        assert_string_equal(currency.code, code);
        known++;
    }
    assert_int_equal(known, 165);
}

static void what_is_no_currency_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "", "E", "EU", "EURO", "eur", "Eur", "EUR ", " EUR", "EU1", "E\xc3\x9c", "\xe2\x82\xac", "$", "978",
        "XXX", "XTS", "XAU", "XAG", "XPT", "XPD", "XDR", "XSU", "XUA", "XBA", "XBB", "XBC", "XBD", // no minor unit
        "DEM", "HRK", "BGN", "ANG", "CUC", "SLL", "ZWL", "VEF", "MRO", "STD", "BYR",               // withdrawn
        "BTC", "USDT", "AAA", "ZZZ",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct currency currency = {{0}, -1};
        struct fault fault = {0};
        if (currency_find(rows[i], &currency, &fault) != ERR_INVALID) fail_msg("\"%s\" is found", rows[i]);
        assert_int_equal(currency.minor_places, -1);
        assert_true(fault.reason[0] != 0);
    }
}

// Of ISO 4217, in use or not yet or no more, are all codes of three capitals.
static void a_virtual_code_is_none_of_iso_4217(void **state)
{
    (void)state;
    static const char *const good[] = {"TK1", "T00", "AB1", "EUR1", "TOKEN", "TOKN", "A1B2C3D4E5F6G7H8",
                                      "ABCDEFGHIJKLMNOP"};
    static const char *const bad[] = {"", "T", "T1", "TK", "1TK", "EUR", "DEM", "XXX", "AAA", "eur", "Token",
                                      "TOKEn", "TO KEN",
                                      "TOKEN ", " TOKEN", "X-TOKEN", "TOK_N", "TOKEN\n", "T\xc3\x96KEN",
                                      "ABCDEFGHIJKLMNOPQ",
                                      "A1B2C3D4E5F6G7H8I"};
    for (size_t i = 0; i < COUNT(good); i++)
        if (!currency_virtual_code(good[i])) fail_msg("\"%s\" is refused", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (currency_virtual_code(bad[i])) fail_msg("\"%s\" is taken", bad[i]);
    for (size_t i = 0; i < COUNT(good); i++) {
        struct currency currency;
        assert_int_equal(currency_find(good[i], &currency, NULL), ERR_INVALID);
    }
}

static void one_minor_unit_as_an_amount(void **state)
{
    (void)state;
    static const struct { const char *code, *increment; } rows[] = {
        {"JPY", "1"}, {"EUR", "0.01"}, {"KWD", "0.001"}, {"CLF", "0.0001"}, {"MGA", "0.01"}, {"MRU", "0.01"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_true(currency_increment(currency_of(rows[i].code)) == amount(rows[i].increment).pico);
    assert_true(currency_increment(currency_of("EUR")) == 10000000000);
}

static void amounts_are_rounded_to_and_shown_with_the_minor_unit(void **state)
{
    (void)state;
    static const struct { const char *code, *amount; enum rounding mode; const char *shown; } rows[] = {
        {"EUR", "0", ROUND_HALF_UP, "0.00"},
        {"EUR", "12.3", ROUND_HALF_UP, "12.30"},
        {"EUR", "0.004999999999", ROUND_HALF_UP, "0.00"},
        {"EUR", "0.005", ROUND_HALF_UP, "0.01"},
        {"EUR", "0.005", ROUND_HALF_EVEN, "0.00"},
        {"EUR", "0.015", ROUND_HALF_EVEN, "0.02"},
        {"EUR", "0.005000000001", ROUND_HALF_EVEN, "0.01"},
        {"EUR", "-0.005", ROUND_HALF_UP, "-0.01"},
        {"EUR", "-0.004", ROUND_HALF_UP, "0.00"},   // no "-0.00"
        {"EUR", "0.009", ROUND_DOWN, "0.00"},
        {"EUR", "0.000000000001", ROUND_UP, "0.01"},
        {"EUR", "0", ROUND_HALF_UP_NONZERO, "0.00"},
        {"EUR", "0.000000000001", ROUND_HALF_UP_NONZERO, "0.01"},
        {"EUR", "-0.000000000001", ROUND_HALF_UP_NONZERO, "-0.01"},
        {"EUR", "0.01", ROUND_HALF_UP_NONZERO, "0.01"},
        {"EUR", "0.014999999999", ROUND_HALF_UP_NONZERO, "0.01"},
        {"EUR", "0.015", ROUND_HALF_UP_NONZERO, "0.02"},
        {"JPY", "0.4", ROUND_HALF_UP_NONZERO, "1"},
        {"JPY", "499.5", ROUND_HALF_UP, "500"},
        {"JPY", "499.499999999999", ROUND_HALF_UP, "499"},
        {"KWD", "1.2345", ROUND_HALF_UP, "1.235"},
        {"KWD", "1.2345", ROUND_HALF_EVEN, "1.234"},
        {"CLF", "0.00005", ROUND_HALF_UP, "0.0001"},
        {"USD", "99999999999999999999999999.99", ROUND_HALF_UP, "99999999999999999999999999.99"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct currency currency = currency_of(rows[i].code);
        struct amount rounded;
        assert_int_equal(currency_round(currency, amount(rows[i].amount), rows[i].mode, &rounded), ERR_OK);
        char text[DECIMAL_TEXT_MAX];
        size_t length = currency_print(currency, rounded, text);
        assert_string_equal(text, rows[i].shown);
        assert_int_equal(length, strlen(text));
    }
    struct amount rounded; // the next cent is beyond the range
    assert_int_equal(
        currency_round(currency_of("USD"), amount("99999999999999999999999999.995"), ROUND_HALF_UP, &rounded),
        ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_codes_of_the_list_are_known),
        cmocka_unit_test(what_is_no_currency_is_refused),
        cmocka_unit_test(a_virtual_code_is_none_of_iso_4217),
        cmocka_unit_test(one_minor_unit_as_an_amount),
        cmocka_unit_test(amounts_are_rounded_to_and_shown_with_the_minor_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
