// SPDX-License-Identifier: Apache-2.0
// Volume prices: all units at the price of the tier that the whole period has reached.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/price_climb.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TIERS "10@2 20@1+3 *@0.5+7"
#define MOST "99999999999999999999999999" // the greatest amount has so many digits before the point

static void all_units_cost_the_tier_reached(void **state)
{
    (void)state;
    static const struct climb_case cases[] = {
        {"one below", .tiers = TIERS, .from = "0", .to = "9", .charges = "0=9:18 "},
        {"at", .tiers = TIERS, .from = "0", .to = "10", .charges = "0=10:20 "},
        // 10.000000001 x 1 + 3
        {"the least above", .tiers = TIERS, .from = "0", .to = "10.000000001",
         .charges = "1=10.000000001:13.000000001 "},
        // 25 x 0.5 + 7
        {"the last tier", .tiers = TIERS, .from = "0", .to = "25", .charges = "2=25:19.5 "},
        {"an earlier version: the tier of the whole period, without its flat amount", .tiers = TIERS, .earlier = true,
         .from = "0", .to = "5", .reached = "20", .charges = "1=5:5 "},
        {"the last version: its own quantity", .tiers = TIERS, .from = "5", .to = "20", .charges = "1=15:18 "},
        {"the last version used only free units: the flat amount is due all the same", .tiers = TIERS, .from = "15",
         .to = "15", .charges = "1=0:3 "},
        {"per", .per = "3", .tiers = "*@1", .from = "0", .to = "2", .charges = "0=2:0.666666666667 "},
        {"blocks of all units", .tiers = "10@1/4 *@2/10", .from = "0", .to = "10", .charges = "0=10:3 "},
        {"blocks of the tier reached", .tiers = "10@1/4 *@2+5/10", .from = "0", .to = "10.000000001",
         .charges = "1=10.000000001:9 "},
        {"goes on in a started block", .tiers = "10@1/4 *@2/10", .from = "11", .to = "20", .charges = "1=9:0 "},
        {"overflow", .tiers = "*@" MOST, .from = "0", .to = "2", .charges = "limit"},
        {"overflow by the flat amount", .tiers = "*@" MOST "+1", .from = "0", .to = "1", .charges = "limit"},
    };
    expect_climbs(price_volume_climb, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_units_cost_the_tier_reached)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
