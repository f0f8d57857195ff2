// SPDX-License-Identifier: Apache-2.0
// Usage packages in F: around the quota, which is used first, what is due when, and boundaries.
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
#define PACK(quantity, price)                                                                                          \
    "{\"skus\":[\"storage.requests\"],\"quantity\":\"" quantity "\",\"unit\":\"request\",\"per\":\"1\","                 \
    "\"reset\":\"period\",\"price\":\"" price "\",\"booked\":\"compute.server\"}"
enum { USES = 3 };

// Account 1 (t-1, t-2) uses SKU 1 in January 2026 at 2 EUR, on a day each; two offers are held by h1 and h2.
struct package_case {
    const char *name, *terms[2];
    int from[2], to[2]; // days of January; 0: before it, none; -1: not held
    int64_t held;
    const char *free; // units of the price
    struct {
        int tenant, day;
        const char *quantity;
    } uses[USES];
    int due;             // day
    const char *charges; // "TENANT.SKU.STAGE.DEDUCTION=QUANTITY:CONTRACTED/EFFECTIVE/BILLED "
};

static const struct package_case cases[] = {
    {"no usage", {PACK("10", "0")}, {0, -1}, {0}, 1, "0", {{0}}, 31, ""},
    {"no usage, with a price", {PACK("10", "5")}, {0, -1}, {0}, 1, "0", {{0}}, 31,
     "0.2.9.1=1:5/0/5 0.2.10.1=10:0/5/0 "},
    {"one below", {PACK("10", "5")}, {0, -1}, {0}, 1, "0", {{1, 5, "9"}}, 31,
     "0.2.9.1=1:5/0/5 0.2.10.1=1:0/0.5/0 1.1.8.1=9:18/4.5/0 "},
    {"at", {PACK("10", "5")}, {0, -1}, {0}, 1, "0", {{1, 5, "10"}}, 31, "0.2.9.1=1:5/0/5 1.1.8.1=10:20/5/0 "},
    {"one above", {PACK("10", "5")}, {0, -1}, {0}, 1, "0", {{1, 5, "11"}}, 31,
     "0.2.9.1=1:5/0/5 1.1.0.0=1:2/2/2 1.1.8.1=10:20/5/0 "},
    {"the least bit above", {PACK("10", "0")}, {0, -1}, {0}, 1, "0", {{1, 5, "10.000000001"}}, 31,
     "1.1.0.0=0.000000001:0.000000002/0.000000002/0.000000002 1.1.8.1=10:20/0/0 "},
    {"three are held", {PACK("10", "5")}, {0, -1}, {0}, 3, "0", {{1, 5, "20"}}, 31,
     "0.2.9.1=3:15/0/15 0.2.10.1=10:0/5/0 1.1.8.1=20:40/10/0 "},
    {"the tenants share it, in time order", {PACK("10", "0")}, {0, -1}, {0}, 1, "0", {{2, 4, "7"}, {1, 5, "7"}}, 31,
     "1.1.0.0=4:8/8/8 1.1.8.1=3:6/0/0 2.1.8.1=7:14/0/0 "},
    {"of one day by tenant", {PACK("10", "0")}, {0, -1}, {0}, 1, "0", {{2, 5, "7"}, {1, 5, "7"}}, 31,
     "1.1.8.1=7:14/0/0 2.1.0.0=4:8/8/8 2.1.8.1=3:6/0/0 "},
    {"before and after it is held", {PACK("10", "0")}, {5, -1}, {6}, 1, "0", {{1, 4, "1"}, {1, 5, "2"}, {1, 6, "3"}},
     31, "1.1.0.0=4:8/8/8 1.1.8.1=2:4/0/0 "},
    {"what ends soonest is used first", {PACK("10", "0"), PACK("10", "0")}, {0, 0}, {0, 20}, 1, "0", {{1, 5, "12"}}, 31,
     "1.1.8.1=2:4/0/0 1.1.8.2=10:20/0/0 "},
    {"ties by id", {PACK("10", "0"), PACK("10", "0")}, {0, 0}, {20, 20}, 1, "0", {{1, 5, "12"}}, 31,
     "1.1.8.1=10:20/0/0 1.1.8.2=2:4/0/0 "},
    {"free units come first", {PACK("10", "0")}, {0, -1}, {0}, 1, "3", {{1, 5, "12"}}, 31,
     "0.1.2.0=3:0/0/0 0.1.8.1=9:0/0/0 "},
    {"not due before it is held", {PACK("10", "5")}, {20, -1}, {0}, 1, "0", {{0}}, 20, ""},
    {"due from then on", {PACK("10", "5")}, {20, -1}, {0}, 1, "0", {{0}}, 21, "0.2.9.1=1:5/0/5 0.2.10.1=10:0/5/0 "},
    // 10 / 3 a unit: 3.333333333333 of it, rounded down; the rest is not lost
    {"rounding", {PACK("3", "10")}, {0, -1}, {0}, 1, "0", {{1, 5, "1"}, {2, 5, "2"}}, 31,
     "0.2.9.1=1:10/0/10 0.2.10.1=0:0/0.000000000001/0 1.1.8.1=1:2/3.333333333333/0 2.1.8.1=2:4/6.666666666666/0 "},
};

static instant_us day_of(int day)
{
    char text[24];
    snprintf(text, sizeof text, "2026-01-%02dT00:00:00Z", day);
    return catalogue_fixture_instant(text);
}

static struct catalogue *catalogue_of(const struct package_case *row)
{
    static const char *const ids[] = {"h1", "h2"}, *const offers[] = {"o1", "o2"};
    struct catalogue_rows rows;
    catalogue_fixture(&rows);
    struct price_row *price = catalogue_fixture_price(&rows, 1, 1, 1, NULL, NULL, NULL, "2");
    assert_int_equal(quantity_parse(row->free, strlen(row->free), &price->free, NULL), ERR_OK);
    if (price->free.nano) {
        price->model = PRICE_GRADUATED;
        *ROW_NEW(&rows.tiers) = (struct price_tier_row){.price = 1, .last = true, .unit_price = price->price};
        price->price = PRICE_ZERO;
    }
    for (int64_t i = 0; i < 2 && row->from[i] >= 0; i++) {
        *ROW_NEW(&rows.offers) = (struct offer_row){.version = 1,
                                                    .number = i + 1,
                                                    .id = offers[i],
                                                    .name = "Package",
                                                    .kind = OFFER_PACKAGE,
                                                    .currency = "EUR",
                                                    .terms = row->terms[i]};
        *ROW_NEW(&rows.holdings) = (struct holding_row){.version = 1,
                                                        .number = i + 1,
                                                        .id = ids[i],
                                                        .account = 1,
                                                        .offer = i + 1,
                                                        .quantity = row->held,
                                                        .effective_from = day_of(row->from[i] ? row->from[i] : 1),
                                                        .effective_to = row->to[i] ? day_of(row->to[i]) : INSTANT_NONE};
    }
    return catalogue_fixture_build(&rows);
}

static void print_charges(const struct rated *rated, struct text *out)
{
    for (size_t i = 0; i < rated->charge_count; i++) {
        const struct charge *charge = &rated->charges[i];
        char quantity[DECIMAL_TEXT_MAX], costs[3][DECIMAL_TEXT_MAX];
        quantity_print(charge->quantity, quantity);
        amount_print(charge->contracted_cost, costs[0]);
        amount_print(charge->effective_cost, costs[1]);
        amount_print(charge->billed_cost, costs[2]);
        text_print(out, "%lld.%d.%d.%lld=%s:%s/%s/%s ", (long long)charge->tenant, charge->sku, (int)charge->stage,
                   (long long)charge->deduction, quantity, costs[0], costs[1], costs[2]);
    }
}

static void packages_pay_for_units(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct package_case *row = &cases[i];
        struct arena *arena = arena_new(4096);
        struct catalogue *catalogue = catalogue_of(row);
        struct usage_dimension set = {.id = {0, 1}, .text = "{}"};
        struct usage_line lines[USES] = {{0}};
        struct account_usage usage = {.account = 1,
                                      .period_start = day_of(1),
                                      .period_end = day_of(31),
                                      .due = day_of(row->due),
                                      .lines = lines,
                                      .dimensions = &set,
                                      .dimension_count = 1};
        struct rated rated;
        struct fault fault = {0};
        struct text out = {0};
        for (; usage.line_count < USES && row->uses[usage.line_count].tenant; usage.line_count++) {
            struct usage_line *line = &lines[usage.line_count];
            const char *quantity = row->uses[usage.line_count].quantity;
            *line = (struct usage_line){.tenant = row->uses[usage.line_count].tenant,
                                        .meter = 1,
                                        .dimension_set = {0, 1},
                                        .segment = day_of(row->uses[usage.line_count].day)};
            assert_int_equal(quantity_parse(quantity, strlen(quantity), &line->quantity, NULL), ERR_OK);
        }
        text_clear(&out);
        if (charge_rate(catalogue, catalogue_agreement(catalogue, 1, 0), &usage, arena, &rated, &fault))
            fail_msg("%s: %s", row->name, fault.reason);
        print_charges(&rated, &out);
        if (strcmp(out.data, row->charges) != 0)
            fail_msg("%s: got '%s', expected '%s'", row->name, out.data, row->charges);
        int128 billed = 0, effective = 0; // over a whole period both are the same
        for (size_t c = 0; c < rated.charge_count; c++) {
            billed += rated.charges[c].billed_cost.pico;
            effective += rated.charges[c].effective_cost.pico;
        }
        assert_true(billed == effective);
        text_free(&out);
        catalogue_release(catalogue);
        arena_free(arena);
    }
}

static void the_period_is_split_where_holdings_begin_and_end(void **state)
{
    (void)state;
    const struct package_case row = {.terms = {PACK("10", "0"), PACK("10", "0")}, .from = {0, 5}, .to = {20, 0},
                                     .held = 1, .free = "0"};
    struct catalogue *catalogue = catalogue_of(&row);
    struct arena *arena = arena_new(4096);
    instant_us *bounds;
    const struct agreement *mine = catalogue_agreement(catalogue, 1, 0), *other = catalogue_agreement(catalogue, 3, 0);
    assert_int_equal(charge_boundaries(catalogue, mine, day_of(1), day_of(31), arena, &bounds), 2);
    assert_int_equal(bounds[0], day_of(5));
    assert_int_equal(bounds[1], day_of(20));
    assert_int_equal(charge_boundaries(catalogue, mine, day_of(5), day_of(20), arena, &bounds), 0);
    assert_int_equal(charge_boundaries(catalogue, other, day_of(1), day_of(31), arena, &bounds), 0);
    arena_free(arena);
    catalogue_release(catalogue);
}

static void too_many_units_name_the_holding(void **state)
{
    (void)state;
    const struct package_case row = {.terms = {PACK("99999999999999999999999999999", "0")}, .from = {0, -1},
                                     .held = 11, .free = "0"};
    struct catalogue *catalogue = catalogue_of(&row);
    struct arena *arena = arena_new(4096);
    const struct account_usage usage = {.account = 1, .period_start = day_of(1), .period_end = day_of(31)};
    struct rated rated;
    struct fault fault = {0};
    assert_int_equal(charge_rate(catalogue, catalogue_agreement(catalogue, 1, 0), &usage, arena, &rated, &fault),
                     ERR_LIMIT);
    assert_non_null(strstr(fault.reason, "holding h1"));
    arena_free(arena);
    catalogue_release(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages_pay_for_units),
        cmocka_unit_test(the_period_is_split_where_holdings_begin_and_end),
        cmocka_unit_test(too_many_units_name_the_holding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
