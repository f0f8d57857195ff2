// SPDX-License-Identifier: Apache-2.0
// Flat fees: once in a period with usage.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/price_climb.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MOST "99999999999999999999999999" // the greatest amount has so many digits before the point

static void a_period_with_usage_costs_the_price(void **state)
{
    (void)state;
    static const struct climb_case cases[] = {
        {"the least", .price = "9.9", .from = "0", .to = "0.000000001", .charges = "0=0.000000001:9.9 "},
        {"any quantity", .price = "9.9", .per = "1000", .from = "0", .to = "123456", .charges = "0=123456:9.9 "},
        {"an earlier version costs nothing", .price = "9.9", .earlier = true, .from = "0", .to = "5", .reached = "15",
         .charges = "0=5:0 "},
        {"the last one costs it", .price = "12", .from = "5", .to = "15", .charges = "0=10:12 "},
        {"free of charge", .price = "0", .from = "0", .to = "5", .charges = "0=5:0 "},
        {"the greatest", .price = MOST, .from = "0", .to = "5", .charges = "0=5:99999999999999999999999999 "},
    };
    expect_climbs(price_flat_climb, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_period_with_usage_costs_the_price)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
