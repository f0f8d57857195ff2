// SPDX-License-Identifier: Apache-2.0
// Usage rows as changes of counters: months in the payer's zone, what is added up, and the order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rating/counter_change.h"
#include "tests/support/catalogue_fixture.h"

static struct catalogue *catalogue;

// acme pays in Kolkata (+05:30) here, bolt in UTC as in the fixture.
static int set_up(void **state)
{
    (void)state;
    struct catalogue_rows rows;
    hash_init();
    catalogue_fixture(&rows);
    for (size_t i = 0; i < rows.agreements.count; i++)
        if (rows.agreements.row[i].account == 1) rows.agreements.row[i].zone = "Asia/Kolkata";
    *ROW_NEW(&rows.tenants) = (struct tenant_row){1, 4, "t-4", "nobody pays"};
    // from UTC to Kolkata in the evening of October's last day, and back
    *ROW_NEW(&rows.tenants) = (struct tenant_row){1, 5, "t-5", "moves"};
    *ROW_NEW(&rows.memberships) = (struct membership_row){1, 5, 3, INSTANT_MIN};
    *ROW_NEW(&rows.memberships) = (struct membership_row){1, 5, 1, catalogue_fixture_instant("2026-10-31T20:00:00Z")};
    *ROW_NEW(&rows.memberships) = (struct membership_row){1, 5, 3, catalogue_fixture_instant("2026-11-15T00:00:00Z")};
    catalogue = catalogue_fixture_build(&rows);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    catalogue_release(catalogue);
    return 0;
}

static struct usage_row row_of(const char *tenant, const struct meter *meter, const char *slot, int64_t units)
{
    return (struct usage_row){.tenant = catalogue_tenant(catalogue, slice_of(tenant)),
                              .meter = meter,
                              .slot = catalogue_fixture_instant(slot),
                              .quantity = {(int128)units * 1000000000},
                              .event_count = 1};
}

struct spans {
    instant_us from[8], to[8];
    int count;
};

static void span_take(void *context, instant_us from, instant_us to)
{
    struct spans *spans = context;
    assert_true(from < to && spans->count < 8);
    if (spans->count > 0) assert_true(spans->to[spans->count - 1] <= from);
    spans->from[spans->count] = from;
    spans->to[spans->count++] = to;
}

static bool is_in_month(int64_t tenant, int32_t month, instant_us slot)
{
    struct spans spans = {.count = 0};
    bool found = false;
    counter_month_spans(catalogue, tenant, month, span_take, &spans);
    for (int i = 0; i < spans.count; i++)
        found = found || (slot >= spans.from[i] && slot < spans.to[i]);
    return found;
}

// One memory over all slots in any order, as a flush has it: each slot is in its month and in no neighbour of it.
static void every_slot_is_in_one_month(void **state)
{
    (void)state;
    static const struct meter meter = {.number = 1, .id = "m", .aggregation = AGGREGATION_LATEST};
    static const int32_t months[] = {202609, 202610, 202611, 202612};
    struct counter_month memory = {.tenant = 0};
    instant_us start = catalogue_fixture_instant("2026-10-29T00:00:00Z");
    for (int i = 0; i < 400; i++) {
        for (int64_t number = 1; number <= 5; number++) {
            const struct tenant *tenant = catalogue_tenant_number(catalogue, number);
            // there and back over the bounds, 15 minutes a step
            instant_us slot = start + (int64_t)(i * 197 % 400) * 15 * 60 * SECOND_US * (i % 3 ? 1 : 8);
            struct counter_change change = counter_change_of(catalogue, tenant, &meter, slot, QUANTITY_ZERO, &memory);
            for (size_t m = 0; m < sizeof months / sizeof *months; m++)
                if (is_in_month(number, months[m], slot) != (months[m] == change.month))
                    fail_msg("tenant %d, slot %lld: month %d", (int)number, (long long)slot, change.month);
        }
    }
}

static void months_are_those_of_the_payer(void **state)
{
    (void)state;
    static const struct meter meter = {.number = 1, .id = "m", .aggregation = AGGREGATION_SUM};
    static const struct {
        const char *tenant, *slot;
        int month;
    } rows[] = {
        {"t-1", "2026-09-30T18:15:00Z", 202609}, // 23:45 in Kolkata
        {"t-1", "2026-09-30T18:30:00Z", 202610}, // midnight there
        {"t-3", "2026-09-30T23:45:00Z", 202609},
        {"t-3", "2026-10-01T00:00:00Z", 202610},
        {"t-4", "2026-09-30T23:45:00Z", 202609}, // nobody pays: UTC
        {"t-1", "2026-12-31T18:30:00Z", 202701},
        // paid in UTC until 20:00 of the last day: still October; then in Kolkata, where November has begun
        {"t-5", "2026-10-31T18:30:00Z", 202610},
        {"t-5", "2026-10-31T19:45:00Z", 202610},
        {"t-5", "2026-10-31T20:00:00Z", 202611},
        {"t-5", "2026-11-14T23:45:00Z", 202611},
        {"t-5", "2026-11-15T00:00:00Z", 202611},
        {"t-5", "2026-11-30T23:45:00Z", 202611},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct usage_row row = row_of(rows[i].tenant, &meter, rows[i].slot, 1);
        const struct usage_row *list = &row;
        size_t count = 0;
        struct counter_change *changes = counter_changes_build(catalogue, &list, 1, &count);
        assert_int_equal(count, 1);
        if (changes[0].month != rows[i].month) fail_msg("row %zu: month %d", i, changes[0].month);
        assert_true(is_in_month(row.tenant->number, rows[i].month, row.slot));
        assert_int_equal(changes[0].shard, row.tenant->shard);
        free(changes);
    }
}

static void rows_of_one_counter_are_added_up(void **state)
{
    (void)state;
    static const struct meter sum = {.number = 1, .id = "s", .aggregation = AGGREGATION_SUM};
    static const struct meter count_meter = {.number = 2, .id = "c", .aggregation = AGGREGATION_COUNT};
    static const struct meter greatest = {.number = 3, .id = "x", .aggregation = AGGREGATION_MAX};
    static const struct meter latest = {.number = 4, .id = "l", .aggregation = AGGREGATION_LATEST};
    struct usage_row rows[] = {
        row_of("t-3", &sum, "2026-10-05", 5),           row_of("t-1", &sum, "2026-10-05", 1),
        row_of("t-1", &sum, "2026-10-06", 2),           row_of("t-1", &count_meter, "2026-10-05", 7),
        row_of("t-1", &sum, "2026-11-05", 4),           row_of("t-1", &greatest, "2026-10-05", 9),
        row_of("t-1", &greatest, "2026-10-06", 8),      row_of("t-1", &latest, "2026-10-06", 8),
        row_of("t-1", &sum, "2026-10-06T01:00:00Z", 3),
    };
    enum { ROWS_COUNT = sizeof rows / sizeof *rows };
    const struct usage_row *list[ROWS_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < ROWS_COUNT; i++)
        list[i] = &rows[i];
    struct counter_change *changes = counter_changes_build(catalogue, list, ROWS_COUNT, &count);
    assert_int_equal(count, 6); // t-1: sum in two months, count, max, latest; t-3: sum
    for (size_t i = 0; i < count; i++) {
        const struct counter_change *change = &changes[i];
        if (i > 0) assert_true(changes[i - 1].shard <= change->shard);
        if (change->tenant == 1 && change->meter == 1 && change->month == 202610)
            assert_true(change->added.nano == INT64_C(6000000000)); // 1 + 2 + 3
        if (change->tenant == 1 && change->meter == 2) assert_true(change->added.nano == INT64_C(7000000000));
        assert_int_equal(change->merged, change->meter >= 3);
    }
    free(changes);
}

static void a_sum_beyond_the_range_is_read_again(void **state)
{
    (void)state;
    static const struct meter sum = {.number = 1, .id = "s", .aggregation = AGGREGATION_SUM};
    struct usage_row rows[] = {row_of("t-1", &sum, "2026-10-05", 1), row_of("t-1", &sum, "2026-10-06", 1)};
    const struct usage_row *list[] = {&rows[0], &rows[1]};
    size_t count = 0;
    rows[0].quantity.nano = DECIMAL_MAX;
    struct counter_change *changes = counter_changes_build(catalogue, list, 2, &count);
    assert_int_equal(count, 1);
    assert_true(changes[0].merged);
    free(changes);
    assert_null(counter_changes_build(catalogue, NULL, 0, &count));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(months_are_those_of_the_payer),
        cmocka_unit_test(every_slot_is_in_one_month),
        cmocka_unit_test(rows_of_one_counter_are_added_up),
        cmocka_unit_test(a_sum_beyond_the_range_is_read_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
