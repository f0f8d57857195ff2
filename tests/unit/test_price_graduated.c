// SPDX-License-Identifier: Apache-2.0
// Graduated prices: each unit at its own tier's price, a tier's flat amount when it is entered.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/price_climb.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TIERS "10@2 20@1+3 *@0.5+7"
#define MOST "99999999999999999999999999" // the greatest amount has so many digits before the point

static void each_unit_costs_its_tier(void **state)
{
    (void)state;
    static const struct climb_case cases[] = {
        {"nothing", .tiers = TIERS, .from = "0", .to = "0", .charges = ""},
        {"one below", .tiers = TIERS, .from = "0", .to = "9", .charges = "0=9:18 "},
        {"at", .tiers = TIERS, .from = "0", .to = "10", .charges = "0=10:20 "},
        // 0.000000001 x 1 + 3
        {"the least above", .tiers = TIERS, .from = "0", .to = "10.000000001",
         .charges = "0=10:20 1=0.000000001:3.000000001 "},
        // 20; 10 + 3; 5 x 0.5 + 7
        {"all tiers", .tiers = TIERS, .from = "0", .to = "25", .charges = "0=10:20 1=10:13 2=5:9.5 "},
        {"goes on inside a tier: its flat amount was paid", .tiers = TIERS, .from = "15", .to = "18",
         .charges = "1=3:3 "},
        {"goes on at a bound", .tiers = TIERS, .from = "10", .to = "11", .charges = "1=1:4 "},
        // 2 x 1 / 3
        {"per", .per = "3", .tiers = "*@1", .from = "0", .to = "2", .charges = "0=2:0.666666666667 "},
        {"only flat amounts", .tiers = "5@0+100 10@0+50 *@5", .from = "0", .to = "11",
         .charges = "0=5:100 1=5:50 2=1:5 "},
        {"a tier's blocks begin where it does", .tiers = "10@1/4 *@2+5/10", .from = "0", .to = "21",
         .charges = "0=10:3 1=11:9 "},
        {"goes on in a started block", .tiers = "10@1/4 *@2+5/10", .from = "13", .to = "20", .charges = "1=7:0 "},
        {"overflow", .tiers = "*@" MOST, .from = "0", .to = "2", .charges = "limit"},
        {"overflow by the flat amount", .tiers = "*@" MOST "+1", .from = "0", .to = "1", .charges = "limit"},
    };
    expect_climbs(price_graduated_climb, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_unit_costs_its_tier)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
