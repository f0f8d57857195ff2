// SPDX-License-Identifier: Apache-2.0
// What prices multiply quantities by: the text of it, factors at their bounds, parts that add up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "catalogue/price_times.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct arena *arena;
static int begin(void **state) { (void)state; arena = arena_new(4096); return 0; }
static int end(void **state) { (void)state; arena_free(arena); return 0; }

static void only_the_canonical_text_is_read(void **state)
{
    (void)state;
    static const struct { const char *text; bool good; } cases[] = {
        {"{\"dimension\":\"vcpus\"}", true},
        {"{\"dimension\":\"f\",\"values\":{\"a\":\"0\",\"b\":\"1.5\"}}", true},
        {"{\"dimension\":\"f\",\"values\":{\"b\":\"1\",\"a\":\"2\"}}", false},
        {"{\"dimension\":\"f\",\"values\":{\"a\":\"1.50\"}}", false},
        {"{\"dimension\":\"f\",\"values\":{\"a\":\"-1\"}}", false},
        {"{\"dimension\":\"f\",\"values\":{\"a\":1}}", false},
        {"{\"dimension\":\"f\",\"values\":{}}", false},
        {"{\"dimension\":\"f\",\"values\":[\"a\"]}", false},
        {"{\"dimension\":\"\"}", false}, {"{}", false}, {"[]", false}, {"vcpus", false}, {"", false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct price_times times;
        struct fault fault = {0};
        enum err err = price_times_read(arena, cases[i].text, &times, &fault);
        if ((err == ERR_OK) != cases[i].good) fail_msg("%s: %s %s", cases[i].text, err_name(err), fault.reason);
    }
}

static struct quantity quantity(const char *text)
{
    struct quantity quantity;
    if (quantity_parse(text, strlen(text), &quantity, NULL) != ERR_OK) fail_msg("bad row: %s", text);
    return quantity;
}

static void factors_come_from_the_dimension_or_the_table(void **state)
{
    (void)state;
    static const char by_value[] = "{\"dimension\":\"n\"}";
    static const char by_table[] = "{\"dimension\":\"n\",\"values\":{\"a\":\"0\",\"b\":\"2.5\",\"c\":\"3\"}}";
    static const struct { const char *times, *value, *quantity; enum err err; const char *units; } cases[] = {
        {by_value, "4", "7200.5", ERR_OK, "28802"},
        {by_value, "0", "7200", ERR_OK, "0"},
        {by_value, "1", "0.000000001", ERR_OK, "0.000000001"},
        {by_value, "0.5", "0.000000001", ERR_OK, "0.000000001"}, // half a step goes up
        {by_value, "0.499999999", "0.000000001", ERR_OK, "0"},
        {by_value, "-1", "1", ERR_NOT_FOUND, NULL},
        {by_value, "four", "1", ERR_NOT_FOUND, NULL},
        {by_value, "", "1", ERR_NOT_FOUND, NULL},
        {by_value, " 4", "1", ERR_NOT_FOUND, NULL},
        {by_value, "0.0000000001", "1", ERR_NOT_FOUND, NULL},
        {by_value, NULL, "1", ERR_NOT_FOUND, NULL},
        {by_value, "99999999999999999999", "99999999999999999999", ERR_LIMIT, NULL},
        {by_table, "a", "9", ERR_OK, "0"},
        {by_table, "b", "2", ERR_OK, "5"},
        {by_table, "c", "2", ERR_OK, "6"},
        {by_table, "d", "2", ERR_NOT_FOUND, NULL},
        {by_table, NULL, "2", ERR_NOT_FOUND, NULL},
        {NULL, "d", "2", ERR_OK, "2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct price_times times;
        struct price_version price = {.times = cases[i].times ? &times : NULL};
        struct dimension_set set = {.members = {{"m", "1"}, {"n", cases[i].value}}, .count = cases[i].value ? 2 : 1};
        struct quantity units;
        if (price.times) assert_int_equal(price_times_read(arena, cases[i].times, &times, NULL), ERR_OK);
        enum err err = price_units(&price, &set, QUANTITY_ZERO, quantity(cases[i].quantity), &units);
        if (err != cases[i].err) fail_msg("case %zu: %s", i, err_name(err));
        if (!err && quantity_compare(units, quantity(cases[i].units)) != 0) fail_msg("case %zu: other units", i);
    }
}

static void parts_add_up_to_the_whole(void **state)
{
    (void)state;
    const struct price_times times = {.dimension = "n"};
    const struct price_version price = {.times = &times};
    const struct dimension_set set = {.members = {{"n", "0.333333333"}}, .count = 1};
    struct quantity before = QUANTITY_ZERO, sum = QUANTITY_ZERO, whole, part;
    for (int i = 1; i <= 1000; i++) {
        const struct quantity after = {before.nano + i * 7};
        assert_int_equal(price_units(&price, &set, before, after, &part), ERR_OK);
        assert_int_equal(quantity_add(sum, part, &sum), ERR_OK);
        before = after;
    }
    assert_int_equal(price_units(&price, &set, QUANTITY_ZERO, before, &whole), ERR_OK);
    assert_true(quantity_compare(sum, whole) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_canonical_text_is_read, begin, end),
        cmocka_unit_test_setup_teardown(factors_come_from_the_dimension_or_the_table, begin, end),
        cmocka_unit_test_setup_teardown(parts_add_up_to_the_whole, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
