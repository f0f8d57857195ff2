// SPDX-License-Identifier: Apache-2.0
// Stairsteps: the amount of the step that the whole period has reached.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/price_climb.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define STEPS "10@0+50 20@0+100 *@0+150"

static void a_step_costs_its_amount(void **state)
{
    (void)state;
    static const struct climb_case cases[] = {
        {"the least", .tiers = STEPS, .from = "0", .to = "0.000000001", .charges = "0=0.000000001:50 "},
        {"at", .tiers = STEPS, .from = "0", .to = "10", .charges = "0=10:50 "},
        {"the least above", .tiers = STEPS, .from = "0", .to = "10.000000001", .charges = "1=10.000000001:100 "},
        {"the last step has no end", .tiers = STEPS, .from = "0", .to = "1000000", .charges = "2=1000000:150 "},
        {"an earlier version costs nothing", .tiers = STEPS, .earlier = true, .from = "0", .to = "5", .reached = "15",
         .charges = "1=5:0 "},
        {"the last version costs the step of the whole period", .tiers = STEPS, .from = "5", .to = "15",
         .charges = "1=10:100 "},
    };
    expect_climbs(price_stairstep_climb, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_step_costs_its_amount)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
