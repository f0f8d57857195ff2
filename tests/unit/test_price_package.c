// SPDX-License-Identifier: Apache-2.0
// Packages: started pricing units.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/price_climb.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MOST "99999999999999999999999999" // the greatest amount has so many digits before the point

static void a_started_block_is_paid_whole(void **state)
{
    (void)state;
    static const struct climb_case cases[] = {
        {"nothing", .per = "1000", .price = "5", .from = "0", .to = "0", .charges = ""},
        {"the least", .per = "1000", .price = "5", .from = "0", .to = "0.000000001", .charges = "0=0.000000001:5 "},
        {"one below", .per = "1000", .price = "5", .from = "0", .to = "999", .charges = "0=999:5 "},
        {"at", .per = "1000", .price = "5", .from = "0", .to = "1000", .charges = "0=1000:5 "},
        {"one above", .per = "1000", .price = "5", .from = "0", .to = "1001", .charges = "0=1001:10 "},
        {"a block that was started is not paid again", .per = "10", .price = "15", .from = "17", .to = "20",
         .charges = "0=3:0 "},
        {"the next one is", .per = "10", .price = "15", .from = "17", .to = "22", .charges = "0=5:15 "},
        {"goes on at a bound", .per = "10", .price = "15", .from = "20", .to = "21", .charges = "0=1:15 "},
        {"blocks of a fraction", .per = "0.25", .price = "1", .from = "0", .to = "1.1", .charges = "0=1.1:5 "},
        {"overflow", .per = "1", .price = MOST, .from = "0", .to = "1.1", .charges = "limit"},
        {"too many blocks", .per = "0.000000001", .price = "99999999999999999", .from = "0", .to = "10000000000000000",
         .charges = "limit"},
    };
    expect_climbs(price_package_climb, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_started_block_is_paid_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
