// SPDX-License-Identifier: Apache-2.0
// What a batch adds up: each merge, ties, order, and the bound of a quantity.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rating/accumulate.h"

static const struct tenant acme = {.number = 7, .id = "acme"}, other = {.number = 8, .id = "other"};
static const struct meter sum = {.number = 1, .id = "b_sum", .aggregation = AGGREGATION_SUM};
static const struct meter count = {.number = 2, .id = "a_count", .aggregation = AGGREGATION_COUNT};
static const struct meter greatest = {.number = 3, .id = "max", .aggregation = AGGREGATION_MAX};
static const struct meter latest = {.number = 4, .id = "latest", .aggregation = AGGREGATION_LATEST};

static const struct meter least = {.number = 5, .id = "min", .aggregation = AGGREGATION_MIN};
static const struct meter mean = {.number = 6, .id = "average", .aggregation = AGGREGATION_AVERAGE};
static const struct meter distinct = {.number = 7, .id = "unique", .aggregation = AGGREGATION_UNIQUE};

static struct contribution contribution_of(const struct meter *meter, int64_t nano, instant_us time, uint64_t id)
{
    return (struct contribution){.tenant = &acme,
                                 .meter = meter,
                                 .dimension_set = {1, 2},
                                 .slot = 0,
                                 .quantity = {nano},
                                 .event_time = time,
                                 .event_id = {0, id}};
}

static void add(struct accumulator *accumulator, struct contribution contribution)
{
    assert_int_equal(accumulator_add(accumulator, &contribution, 1), ERR_OK);
}

static void each_aggregation_merges_its_way(void **state)
{
    (void)state;
    static const struct {
        const struct meter *meter;
        struct {
            int64_t nano, time;
            uint64_t id;
        } events[3];
        int64_t expected;
        uint64_t latest_id;
    } rows[] = {
        {&sum, {{5, 1, 1}, {7, 2, 2}, {1, 0, 3}}, 13, 0},         // 5 + 7 + 1
        {&sum, {{0, 1, 1}, {0, 2, 2}, {0, 0, 3}}, 0, 0},          // zero is counted, too
        {&greatest, {{5, 1, 1}, {7, 2, 2}, {1, 3, 3}}, 7, 0},     //
        {&greatest, {{-5, 1, 1}, {-7, 2, 2}, {-6, 3, 3}}, -5, 0}, // the first is not compared with an empty row
        {&least, {{5, 1, 1}, {7, 2, 2}, {1, 3, 3}}, 1, 0},        //
        {&least, {{5, 1, 1}, {7, 2, 2}, {6, 3, 3}}, 5, 0},        // nor is its zero the least
        {&mean, {{5, 1, 1}, {7, 2, 2}, {1, 3, 3}}, 13, 0},        // a sum, over event_count
        {&distinct, {{1, 1, 4}, {1, 2, 4}, {1, 3, 4}}, 1, 4},     // one value, however often it comes
        {&latest, {{5, 9, 1}, {7, 2, 2}, {1, 3, 3}}, 5, 1},       // by event time, not by arrival
        {&latest, {{5, 9, 1}, {7, 9, 3}, {1, 9, 2}}, 7, 3},       // same time: the greater identity
        {&latest, {{5, -9, 1}, {7, -8, 2}, {1, -10, 3}}, 7, 2},   // before 1970
    };
    struct accumulator *accumulator = accumulator_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        for (int order = 0; order < 6; order++) {
            for (int j = 0; j < 3; j++) {
                int at = orders[order][j];
                add(accumulator, contribution_of(rows[i].meter, rows[i].events[at].nano, rows[i].events[at].time,
                                                 rows[i].events[at].id));
            }
            assert_int_equal(accumulator_count(accumulator), 1);
            const struct usage_row *row = accumulator_sorted(accumulator)[0];
            assert_true(row->quantity.nano == rows[i].expected);
            assert_int_equal(row->event_count, 3);
            assert_int_equal(row->latest_id.low, rows[i].latest_id);
            if (rows[i].meter != &latest) assert_true(row->latest_time == INSTANT_NONE);
            accumulator_clear(accumulator);
        }
    }
    accumulator_free(accumulator);
}

// Many, so that the table grows: each value of a slot is one row, whatever comes between.
static void values_of_a_unique_meter_are_rows(void **state)
{
    (void)state;
    enum { VALUES = 5000 };
    struct accumulator *accumulator = accumulator_new();
    for (int round = 0; round < 3; round++)
        for (uint64_t i = 0; i < VALUES; i++) {
            struct contribution contribution = contribution_of(&distinct, 1, 1, (i * 7919 + (uint64_t)round) % VALUES + 1);
            contribution.event_id.low *= UINT64_C(0x9e3779b97f4a7c15); // hashes
            add(accumulator, contribution);
        }
    assert_int_equal(accumulator_count(accumulator), VALUES);
    const struct usage_row *const *sorted = accumulator_sorted(accumulator);
    for (size_t i = 0; i < VALUES; i++) {
        assert_true(sorted[i]->quantity.nano == 1 && sorted[i]->event_count == 3);
        if (i) assert_true(hash128_compare(sorted[i - 1]->latest_id, sorted[i]->latest_id) < 0);
    }
    accumulator_free(accumulator);
}

static void rows_are_told_apart_by_every_part_of_the_key(void **state)
{
    (void)state;
    struct accumulator *accumulator = accumulator_new();
    struct contribution base = contribution_of(&sum, 1, 0, 1), made = base;
    add(accumulator, base);
    made.tenant = &other;
    add(accumulator, made);
    made = base, made.meter = &count;
    add(accumulator, made);
    made = base, made.slot = SLOT_US;
    add(accumulator, made);
    made = base, made.dimension_set.high = 0;
    add(accumulator, made);
    made = base, made.dimension_set.low = 3;
    add(accumulator, made);
    assert_int_equal(accumulator_count(accumulator), 6);
    made = base;
    assert_int_equal(accumulator_add(accumulator, &made, 1), ERR_OK);
    assert_false(made.new_row);
    assert_int_equal(accumulator_count(accumulator), 6);
    accumulator_free(accumulator);
}

static void the_order_is_that_of_the_chain(void **state)
{
    (void)state;
    struct accumulator *accumulator = accumulator_new();
    struct contribution made = contribution_of(&sum, 1, 0, 1);
    for (int i = 0; i < 3000; i++) { // more than the first table holds
        made.slot = (i * 7919 % 3000) * SLOT_US;
        made.meter = i % 2 ? &sum : &count;
        made.dimension_set = (struct hash128){(uint64_t)(i % 3) << 63 | (uint64_t)(i % 5), (uint64_t)(i % 2)};
        add(accumulator, made);
    }
    assert_int_equal(accumulator_count(accumulator), 3000);
    const struct usage_row *const *rows = accumulator_sorted(accumulator);
    for (size_t i = 1; i < 3000; i++) {
        const struct usage_row *a = rows[i - 1], *b = rows[i];
        bool before = a->dimension_set.high != b->dimension_set.high ? a->dimension_set.high < b->dimension_set.high
                      : a->dimension_set.low != b->dimension_set.low ? a->dimension_set.low < b->dimension_set.low
                      : a->meter != b->meter                         ? a->meter == &count // "a_count" < "b_sum"
                                                                     : a->slot < b->slot;
        assert_true(before);
    }
    accumulator_free(accumulator);
}

static void an_event_that_overflows_adds_nothing(void **state)
{
    (void)state;
    struct accumulator *accumulator = accumulator_new();
    struct contribution made[2] = {contribution_of(&count, 1, 0, 1), contribution_of(&sum, 0, 0, 1)};
    made[1].quantity.nano = DECIMAL_MAX;
    assert_int_equal(accumulator_add(accumulator, made, 2), ERR_OK); // at the bound
    made[0].slot = SLOT_US;                                          // would make a row
    made[1].quantity.nano = 1;
    assert_int_equal(accumulator_add(accumulator, made, 2), ERR_LIMIT);
    assert_int_equal(accumulator_count(accumulator), 2);
    const struct usage_row *const *rows = accumulator_sorted(accumulator);
    assert_true(rows[0]->quantity.nano == 1 && rows[0]->event_count == 1);
    assert_true(rows[1]->quantity.nano == DECIMAL_MAX && rows[1]->event_count == 1);
    // the table still finds what is there and makes what is not
    made[1].quantity.nano = 0;
    assert_int_equal(accumulator_add(accumulator, made, 2), ERR_OK);
    assert_true(made[0].new_row);
    assert_false(made[1].new_row);
    accumulator_free(accumulator);
}

static void rows_come_by_tenant_and_slot(void **state)
{
    (void)state;
    struct accumulator *accumulator = accumulator_new();
    static const int64_t slots[] = {900000000, 0, 1800000000};
    for (size_t i = 0; i < 6; i++) {
        struct contribution contribution = contribution_of(&sum, (int64_t)i, 0, 1);
        contribution.tenant = i % 2 == 0 ? &other : &acme;
        contribution.slot = slots[i / 2];
        contribution.dimension_set.high = 6 - i;
        add(accumulator, contribution);
    }
    static const int64_t by_tenant[] = {3, 1, 5, 2, 0, 4}, by_set[] = {5, 4, 3, 2, 1, 0};
    for (int again = 0; again < 4; again++) { // one order after the other, and each twice
        const struct usage_row *const *rows =
            again < 2 ? accumulator_by_tenant(accumulator) : accumulator_sorted(accumulator);
        for (size_t i = 0; i < 6; i++)
            assert_true(rows[i]->quantity.nano == (again < 2 ? by_tenant[i] : by_set[i]));
    }
    struct contribution more = contribution_of(&sum, 9, 0, 1);
    more.dimension_set.high = 0;
    add(accumulator, more); // the order is not the old one
    assert_true(accumulator_sorted(accumulator)[0]->quantity.nano == 9);
    accumulator_free(accumulator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_aggregation_merges_its_way),
        cmocka_unit_test(values_of_a_unique_meter_are_rows),
        cmocka_unit_test(rows_are_told_apart_by_every_part_of_the_key),
        cmocka_unit_test(the_order_is_that_of_the_chain),
        cmocka_unit_test(an_event_that_overflows_adds_nothing),
        cmocka_unit_test(rows_come_by_tenant_and_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
