// SPDX-License-Identifier: Apache-2.0
// Negotiated discounts in F: which one wins, what it lowers, how it rounds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rating/charge.h"
#include "tests/support/catalogue_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// SKU 1 storage.requests (service storage), SKU 2 compute.server (service compute); t-1 used `quantity` of both.
struct discount_case {
    const char *name, *stages, *deductions, *price, *quantity;
    const char *charges; // "SKU.DEDUCTION=LIST/CONTRACTED/EFFECTIVE/BILLED "
};

#define ALL "{\"discounts\":[{\"rate\":\"0.1\"}]}"
#define SEVERAL                                                                                                        \
    "{\"discounts\":[{\"rate\":\"0.1\"},{\"rate\":\"0.2\",\"service\":\"storage\"},"                                   \
    "{\"rate\":\"0.3\",\"sku\":\"storage.requests\"},{\"rate\":\"1\",\"service\":\"compute\"}]}"
static const struct discount_case cases[] = {
    {"none", NULL, NULL, "2", "10", "1.0=20/20/20/20 2.0=20/20/20/20 "},
    {"on all", NULL, ALL, "2", "10", "1.1=20/18/18/18 2.1=20/18/18/18 "},
    {"the stage is not there", "free,coupons", ALL, "2", "10", "1.0=20/20/20/20 2.0=20/20/20/20 "},
    {"on a service", NULL, "{\"discounts\":[{\"rate\":\"0.25\",\"service\":\"compute\"}]}", "2", "10",
     "1.0=20/20/20/20 2.1=20/15/15/15 "},
    {"the most specific", NULL, SEVERAL, "2", "10", "1.3=20/14/14/14 2.4=20/0/0/0 "},
    {"a free price has nothing to lower", NULL, ALL, "0", "10", "1.0=0/0/0/0 2.0=0/0/0/0 "},
    // 0.000000000005 x 0.1 = 5e-13, half of the last place: the discount rounds up
    {"half of the last place", NULL, ALL, "0.000000000005", "1",
     "1.1=0.000000000005/0.000000000004/0.000000000004/0.000000000004 "
     "2.1=0.000000000005/0.000000000004/0.000000000004/0.000000000004 "},
    {"one below that", NULL, ALL, "0.000000000004", "1",
     "1.1=0.000000000004/0.000000000004/0.000000000004/0.000000000004 "
     "2.1=0.000000000004/0.000000000004/0.000000000004/0.000000000004 "},
    {"the greatest amount", NULL, ALL, "10000000000000000000000000", "9",
     "1.1=90000000000000000000000000/81000000000000000000000000/81000000000000000000000000/81000000000000000000000000 "},
};

static void print_charges(const struct rated *rated, struct text *out)
{
    for (size_t i = 0; i < rated->charge_count; i++) {
        const struct charge *charge = &rated->charges[i];
        const struct amount costs[] = {charge->list_cost, charge->contracted_cost, charge->effective_cost,
                                       charge->billed_cost};
        text_print(out, "%d.%lld", charge->sku, (long long)charge->deduction);
        for (size_t c = 0; c < COUNT(costs); c++) {
            char digits[DECIMAL_TEXT_MAX];
            amount_print(costs[c], digits);
            text_print(out, "%c%s", c ? '/' : '=', digits);
        }
        text_add_char(out, ' ');
    }
}

static void discounts_lower_what_prices_charge(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct discount_case *row = &cases[i];
        struct arena *arena = arena_new(4096);
        struct catalogue_rows rows;
        struct usage_dimension set = {.id = {0, 1}, .text = "{}"};
        struct usage_line lines[] = {{.tenant = 1, .meter = 1, .dimension_set = {0, 1}},
                                     {.tenant = 1, .meter = 2, .dimension_set = {0, 1}}};
        bool greatest = strlen(row->price) > 20; // two of them have no sum
        const struct account_usage usage = {.account = 1,
                                            .period_end = 30 * DAY_US,
                                            .lines = lines,
                                            .line_count = greatest ? 1 : 2,
                                            .dimensions = &set,
                                            .dimension_count = 1};
        struct rated rated;
        struct fault fault = {0};
        struct text out = {0};
        catalogue_fixture(&rows);
        catalogue_fixture_price(&rows, 1, 1, 1, NULL, NULL, NULL, row->price);
        catalogue_fixture_price(&rows, 2, 1, 2, NULL, NULL, NULL, row->price);
        rows.agreements.row[0].stages = row->stages;
        rows.agreements.row[0].deductions = row->deductions;
        struct catalogue *catalogue = catalogue_fixture_build(&rows);
        for (size_t l = 0; l < 2; l++)
            assert_int_equal(quantity_parse(row->quantity, strlen(row->quantity), &lines[l].quantity, NULL), ERR_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(discounts_lower_what_prices_charge)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
