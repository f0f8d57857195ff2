// SPDX-License-Identifier: Apache-2.0
// What lasts through periods in F: packages of one quota, coupons of one amount and prepayments, around every bound, and
// after what earlier periods used of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rating/charge.h"
#include "tests/support/catalogue_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ONCE(quantity, price)                                                                                          \
    OFFER_PACKAGE, "{\"skus\":[\"storage.requests\"],\"quantity\":\"" quantity "\",\"unit\":\"request\",\"per\":\"1\","  \
                   "\"reset\":\"never\",\"price\":\"" price "\",\"booked\":\"compute.server\"}"
#define COUPON(rate, amount, most)                                                                                     \
    OFFER_COUPON, "{\"rate\":\"" rate "\",\"amount\":\"" amount "\",\"minimum_spend\":\"0\",\"maximum\":\"" most          \
                  "\",\"reset\":\"never\",\"skus\":[],\"services\":[]}"
#define SPEND(amount, price, skus)                                                                                     \
    OFFER_PREPAYMENT, "{\"amount\":\"" amount "\",\"price\":\"" price "\",\"skus\":[" skus                                \
                      "],\"services\":[],\"booked\":\"compute.server\"}"

// Account 1 (t-1) uses SKU 1 on January 10 at 2 EUR; h1 holds the offer. Days are of January 2026, which is the period;
// 0: December 1, 32: without end.
struct lasting_case {
    const char *name;
    enum offer_kind kind;
    const char *terms;
    int from, to;
    int64_t held;
    const char *units, *effective, *billed; // used before
    const char *used;
    int due;
    const char *charges; // not of usage: "SKU.TIER.STAGE=QUANTITY:EFFECTIVE/BILLED "
};
#define NONE "0", "0", "0"

static const struct lasting_case cases[] = {
    // packages
    {"paid where it begins", ONCE("10", "5"), 1, 32, 1, NONE, "4", 31, "2.0.9=1:0/5 1.0.8=4:2/0 "},
    {"not paid again", ONCE("10", "5"), 0, 32, 1, "4", "2", "0", "4", 31, "1.0.8=4:2/0 "},
    {"one below the quota", ONCE("10", "5"), 0, 32, 1, "4", "2", "0", "5", 31, "1.0.8=5:2.5/0 "},
    {"at", ONCE("10", "5"), 0, 32, 1, "4", "2", "0", "6", 31, "1.0.8=6:3/0 "},
    {"one above", ONCE("10", "5"), 0, 32, 1, "4", "2", "0", "7", 31, "1.0.8=6:3/0 "},
    {"all was used before", ONCE("10", "5"), 0, 32, 1, "10", "5", "0", "7", 31, ""},
    {"more was used than there is", ONCE("10", "5"), 0, 32, 1, "11", "5.5", "0", "7", 31, ""},
    {"two are held", ONCE("10", "5"), 0, 32, 2, "4", "2", "0", "30", 31, "1.0.8=16:8/0 "},
    {"what is left where it ends", ONCE("10", "5"), 0, 20, 1, "4", "2", "0", "5", 31, "2.0.10=1:0.5/0 1.0.8=5:2.5/0 "},
    {"not before it ends", ONCE("10", "5"), 0, 20, 1, "4", "2", "0", "5", 19, "1.0.8=5:2.5/0 "},
    {"at its end", ONCE("10", "5"), 0, 20, 1, "4", "2", "0", "5", 20, "2.0.10=1:0.5/0 1.0.8=5:2.5/0 "},
    {"rounding is left, too", ONCE("3", "10"), 0, 20, 1, "2", "6.666666666666", "0", "1", 31,
     "2.0.10=0:0.000000000001/0 1.0.8=1:3.333333333333/0 "},
    // coupons
    {"an amount", COUPON("0", "10", "0"), 1, 32, 1, NONE, "4", 31, "1.0.13=0:-8/-8 "},
    {"the rest of it", COUPON("0", "10", "0"), 0, 32, 1, "0", "-8", "-8", "4", 31, "1.0.13=0:-2/-2 "},
    {"nothing is left", COUPON("0", "10", "0"), 0, 32, 1, "0", "-10", "-10", "4", 31, ""},
    {"the least amount is left", COUPON("0", "10", "0"), 0, 32, 1, "0", "-9.999999999999", "-9.999999999999", "4", 31,
     "1.0.13=0:-0.000000000001/-0.000000000001 "},
    {"a rate below its maximum", COUPON("0.5", "0", "10"), 0, 32, 1, "0", "-5", "-5", "4", 31, "1.0.13=0:-4/-4 "},
    {"a rate at its maximum", COUPON("0.5", "0", "9"), 0, 32, 1, "0", "-5", "-5", "4", 31, "1.0.13=0:-4/-4 "},
    {"a rate above its maximum", COUPON("0.5", "0", "8"), 0, 32, 1, "0", "-5", "-5", "4", 31, "1.0.13=0:-3/-3 "},
    {"its maximum was reached", COUPON("0.5", "0", "5"), 0, 32, 1, "0", "-5", "-5", "4", 31, ""},
    {"two maximums", COUPON("0.5", "0", "5"), 0, 32, 2, "0", "-5", "-5", "4", 31, "1.0.13=0:-4/-4 "},
    // prepayments
    {"pays all", SPEND("10", "10", ""), 1, 32, 1, NONE, "4", 31, "2.0.17=1:0/10 1.0.18=0:0/-8 "},
    {"one below", SPEND("10", "10", ""), 0, 32, 1, NONE, "4.999999999", 31, "1.0.18=0:0/-9.999999998 "},
    {"at", SPEND("10", "10", ""), 0, 32, 1, NONE, "5", 31, "1.0.18=0:0/-10 "},
    {"one above", SPEND("10", "10", ""), 0, 32, 1, NONE, "5.000000001", 31, "1.0.18=0:0/-10 "},
    {"the rest of the amount", SPEND("10", "10", ""), 0, 32, 1, "0", "0", "-7", "4", 31, "1.0.18=0:0/-3 "},
    {"its amount was used", SPEND("10", "10", ""), 0, 32, 1, "0", "0", "-10", "4", 31, ""},
    {"for less", SPEND("10", "8", ""), 0, 32, 1, NONE, "2", 31, "1.0.18=0:-0.8/-4 "},
    {"for more", SPEND("10", "12", ""), 0, 32, 1, NONE, "2", 31, "1.0.18=0:0.8/-4 "},
    {"of other SKUs", SPEND("10", "10", "\"compute.server\""), 1, 32, 1, NONE, "4", 31, "2.0.17=1:0/10 "},
    {"its own price is not paid by it", SPEND("10", "6", ""), 1, 32, 1, NONE, "0", 31, "2.0.17=1:0/6 "},
    {"what was left where it ends", SPEND("10", "10", ""), 0, 20, 1, "0", "0", "-3", "2", 31,
     "2.1.10=3:3/0 1.0.18=0:0/-4 "},
    {"what was left of one for less", SPEND("10", "5", ""), 0, 20, 1, "0", "-2", "-4", "0", 31, "2.1.10=6:3/0 "},
    {"not before the end", SPEND("10", "10", ""), 0, 20, 1, "0", "0", "-3", "0", 19, ""},
    {"rounding falls on the end", SPEND("3", "10", ""), 0, 20, 1, "0", "2.333333333333", "-1", "1", 31,
     "2.1.10=0:0.000000000001/0 1.0.18=0:4.666666666666/-2 "},
};

static instant_us day_of(int day)
{
    char text[40];
    snprintf(text, sizeof text, "2026-01-%02dT00:00:00Z", day);
    return catalogue_fixture_instant(day ? text : "2025-12-01T00:00:00Z");
}

static struct catalogue *catalogue_of(const struct lasting_case *row)
{
    struct catalogue_rows rows;
    catalogue_fixture(&rows);
    catalogue_fixture_price(&rows, 1, 1, 1, NULL, NULL, NULL, "2");
    *ROW_NEW(&rows.offers) = (struct offer_row){.version = 1,
                                                .number = 1,
                                                .id = "o1",
                                                .name = "Offer",
                                                .kind = row->kind,
                                                .currency = "EUR",
                                                .terms = row->terms};
    *ROW_NEW(&rows.holdings) = (struct holding_row){.version = 1,
                                                    .number = 1,
                                                    .id = "h1",
                                                    .account = 1,
                                                    .offer = 1,
                                                    .quantity = row->held,
                                                    .effective_from = day_of(row->from),
                                                    .effective_to = row->to < 32 ? day_of(row->to) : INSTANT_NONE};
    return catalogue_fixture_build(&rows);
}

static void print_charges(const struct rated *rated, struct text *out)
{
    text_clear(out);
    for (size_t i = 0; i < rated->charge_count; i++) {
        const struct charge *charge = &rated->charges[i];
        char quantity[DECIMAL_TEXT_MAX], effective[DECIMAL_TEXT_MAX], billed[DECIMAL_TEXT_MAX];
        quantity_print(charge->quantity, quantity);
        amount_print(charge->effective_cost, effective);
        amount_print(charge->billed_cost, billed);
        if (charge->stage != STAGE_USAGE)
            text_print(out, "%d.%d.%d=%s:%s/%s ", charge->sku, charge->tier, (int)charge->stage, quantity, effective, billed);
    }
}

static struct amount cost_of(const char *text)
{
    struct amount amount;
    assert_int_equal(amount_parse(text, strlen(text), &amount, NULL), ERR_OK);
    return amount;
}

static struct quantity units_of(const char *text)
{
    struct quantity quantity;
    assert_int_equal(quantity_parse(text, strlen(text), &quantity, NULL), ERR_OK);
    return quantity;
}

static void what_lasts_is_used_up_over_periods(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct lasting_case *row = &cases[i];
        struct arena *arena = arena_new(4096);
        struct catalogue *catalogue = catalogue_of(row);
        const struct usage_dimension set = {.id = {0, 1}, .text = "{}"};
        const struct usage_line line = {
            .tenant = 1, .meter = 1, .dimension_set = {0, 1}, .segment = day_of(10), .quantity = units_of(row->used)};
        const struct used_before before = {1, units_of(row->units), {0}, {0}};
        struct used_before used[] = {{.holding = 7, .units = {99}}, before};
        used[1].effective = cost_of(*row->effective == '-' ? row->effective + 1 : row->effective);
        used[1].billed = cost_of(*row->billed == '-' ? row->billed + 1 : row->billed);
        if (*row->effective == '-') used[1].effective.pico = -used[1].effective.pico;
        if (*row->billed == '-') used[1].billed.pico = -used[1].billed.pico;
        const struct account_usage usage = {.account = 1,
                                            .period_start = day_of(1),
                                            .period_end = day_of(31),
                                            .due = day_of(row->due),
                                            .used = used,
                                            .used_count = COUNT(used),
                                            .lines = &line,
                                            .line_count = 1,
                                            .dimensions = &set,
                                            .dimension_count = 1};
        struct rated rated;
        struct fault fault = {0};
        struct text out = {0};
        if (charge_rate(catalogue, catalogue_agreement(catalogue, 1, 0), &usage, arena, &rated, &fault))
            fail_msg("%s: %s", row->name, fault.reason);
        print_charges(&rated, &out);
        if (strcmp(out.data, row->charges) != 0)
            fail_msg("%s: got '%s', expected '%s'", row->name, out.data, row->charges);
        text_free(&out);
        catalogue_release(catalogue);
        arena_free(arena);
    }
}

static void a_holding_that_is_too_great_is_an_error(void **state)
{
    (void)state;
    static const struct lasting_case row = {
        "too great", SPEND("99999999999999999999999999", "1", ""), 0, 32, 1000000, NONE, "0", 31, ""};
    struct arena *arena = arena_new(4096);
    struct catalogue *catalogue = catalogue_of(&row);
    const struct account_usage usage = {
        .account = 1, .period_start = day_of(1), .period_end = day_of(31), .due = day_of(31)};
    struct rated rated;
    struct fault fault = {0};
    assert_int_equal(charge_rate(catalogue, catalogue_agreement(catalogue, 1, 0), &usage, arena, &rated, &fault), ERR_LIMIT);
    assert_string_equal(fault.reason, "holding h1: its prepayments leave the range of exact amounts");
    catalogue_release(catalogue);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lasts_is_used_up_over_periods),
        cmocka_unit_test(a_holding_that_is_too_great_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
