// SPDX-License-Identifier: Apache-2.0
// Blocks: a started one is paid whole, and once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rating/price.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void started_blocks_are_counted_once(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t from, to, block, started; // at 1e-9; blocks as a number
    } cases[] = {
        {"nothing", 0, 0, 10, 0},        {"the least", 0, 1, 10, 1},      {"one below", 0, 9, 10, 1},
        {"at", 0, 10, 10, 1},            {"one above", 0, 11, 10, 2},     {"inside a started one", 11, 20, 10, 0},
        {"from a bound on", 20, 21, 10, 1}, {"the next one, too", 11, 21, 10, 1}, {"a block of the least", 0, 7, 1, 7},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct quantity from = {cases[i].from}, to = {cases[i].to}, block = {cases[i].block};
        struct quantity started;
        assert_int_equal(price_blocks_started(from, to, block, &started), ERR_OK);
        if (started.nano != cases[i].started) fail_msg("%s: %lld", cases[i].name, (long long)started.nano);
    }
}

static void a_tier_costs_its_units_or_its_blocks(void **state)
{
    (void)state;
    const int128 one = 1000000000, money = one * 1000;
    const struct price_version price = {.per = {10 * one}}; // price: 2 for 10 units, or for a block of 4
    const struct charge_list list = {.exchange = NULL};
    struct price_climb climb = {.price = &price, .days = 1};
    struct price_tier tier = {.price = {2 * money}};
    struct price_part units = {.units = QUANTITY_ZERO}, blocks = units;
    struct amount cost;
    assert_int_equal(price_part_add(&tier, QUANTITY_ZERO, (struct quantity){5 * one}, &units), ERR_OK);
    assert_int_equal(price_part_cost(&climb, &tier, &units, AMOUNT_ZERO, &list, &cost), ERR_OK);
    assert_true(cost.pico == money); // 5 x 2 / 10
    climb.days = 4;
    assert_int_equal(price_part_cost(&climb, &tier, &units, (struct amount){money}, &list, &cost), ERR_OK);
    assert_true(cost.pico == money + money / 4); // 5 x 2 / 10 / 4 + 1
    tier.block.nano = 4 * one;
    assert_int_equal(price_part_add(&tier, QUANTITY_ZERO, (struct quantity){5 * one}, &blocks), ERR_OK);
    assert_int_equal(price_part_add(&tier, QUANTITY_ZERO, (struct quantity){one}, &blocks), ERR_OK);
    assert_true(blocks.units.nano == 6 * one);
    assert_int_equal(price_part_cost(&climb, &tier, &blocks, AMOUNT_ZERO, &list, &cost), ERR_OK);
    assert_true(cost.pico == money + money / 2); // (2 + 1) blocks x 2 / 4
    tier.price.pico = DECIMAL_MAX;
    assert_int_equal(price_part_cost(&climb, &tier, &blocks, AMOUNT_ZERO, &list, &cost), ERR_OK);
    climb.days = 1;
    assert_int_equal(price_part_cost(&climb, &tier, &blocks, AMOUNT_ZERO, &list, &cost), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(started_blocks_are_counted_once),
                                       cmocka_unit_test(a_tier_costs_its_units_or_its_blocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
