// SPDX-License-Identifier: Apache-2.0
// Percentages: a share of an amount of money, and a fixed part once a period.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/price_climb.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MOST "99999999999999999999999999" // the greatest amount has so many digits before the point

static void an_amount_costs_its_share(void **state)
{
    (void)state;
    static const struct climb_case cases[] = {
        {"nothing", .price = "0.029", .fixed = "0.3", .from = "0", .to = "0", .charges = ""},
        {"4 x 0.029, kept exact", .price = "0.029", .from = "0", .to = "4", .charges = "0=4:0.116 "},
        {"with the fixed part", .price = "0.01", .fixed = "5", .from = "0", .to = "10", .charges = "0=10:5.1 "},
        {"the fixed part was paid", .price = "0.01", .fixed = "5", .from = "10", .to = "20", .charges = "0=10:0.1 "},
        {"nothing charged yet, nothing due", .price = "0.01", .fixed = "5", .earlier = true, .from = "0", .to = "0",
         .reached = "5", .charges = ""},
        {"a rate in percent", .per = "100", .price = "2.5", .from = "0", .to = "10", .charges = "0=10:0.25 "},
        {"half of the last place rounds up", .price = "0.0005", .from = "0", .to = "0.000000001",
         .charges = "0=0.000000001:0.000000000001 "},
        {"overflow", .price = MOST, .from = "0", .to = "2", .charges = "limit"},
        {"overflow by the fixed part", .price = MOST, .fixed = "1", .from = "0", .to = "1", .charges = "limit"},
    };
    expect_climbs(price_percentage_climb, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_amount_costs_its_share)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
