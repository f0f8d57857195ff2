// SPDX-License-Identifier: Apache-2.0
// Duplicates by tenant: exact for every tenant, and the metrics are the greatest and the rest, whatever the order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/metric.h"
#include "rating/duplicate_tally.h"

#define TOP_NAME "turnpike_rate_tenant_duplicates_total{tenant=\""
#define REST_NAME "turnpike_rate_tenant_duplicates_rest "

enum { TENANTS = 5000, ROUNDS = 40000 };

// The metric of the tenant; -1: it has none.
static int64_t shown(const char *tenant)
{
    struct text out = {0};
    char wanted[128];
    snprintf(wanted, sizeof wanted, TOP_NAME "%s\"} ", tenant);
    metric_print_all(&out);
    const char *at = strstr(out.data, wanted);
    int64_t value = at ? strtoll(at + strlen(wanted), NULL, 10) : -1;
    text_free(&out);
    return value;
}

static int count_shown(int64_t *sum)
{
    struct text out = {0};
    int count = 0;
    metric_print_all(&out);
    for (const char *at = out.data; (at = strstr(at, TOP_NAME)); count++) {
        at = strstr(at, "\"} ") + 3;
        *sum += strtoll(at, NULL, 10);
    }
    text_free(&out);
    return count;
}

static int64_t rest(void)
{
    struct text out = {0};
    metric_print_all(&out);
    const char *at = strstr(out.data, "\n" REST_NAME);
    assert_non_null(at);
    int64_t value = strtoll(at + 1 + strlen(REST_NAME), NULL, 10);
    text_free(&out);
    return value;
}

static void every_tenant_is_counted_and_the_greatest_are_shown(void **state)
{
    (void)state;
    static int64_t expected[TENANTS];
    struct duplicate_tally *tally = duplicate_tally_new();
    int64_t total = 0, sum = 0, least = INT64_MAX, greatest_hidden = 0;
    uint64_t seed = 7;
    for (int i = 0; i < ROUNDS; i++) {
        char id[32];
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        int tenant = (int)((seed >> 33) % TENANTS), events = (int)((seed >> 20) % 50) + (tenant % 97 == 0 ? 100 : 0);
        if (events == 0) continue;
        snprintf(id, sizeof id, "tenant-%d", tenant);
        duplicate_tally_add(tally, tenant + 1, id, events);
        expected[tenant] += events;
        total += events;
    }
    assert_int_equal(count_shown(&sum), DUPLICATE_TOP);
    for (int i = 0; i < TENANTS; i++) {
        char id[32];
        snprintf(id, sizeof id, "tenant-%d", i);
        assert_int_equal(duplicate_tally_of(tally, i + 1), expected[i]);
        if (i % 50 && expected[i] < 1000) continue; // asking for each would print thousands of times
        int64_t value = shown(id);
        assert_true(value == -1 || value == expected[i]);
        if (value >= 0 && value < least) least = value;
        if (value < 0 && expected[i] > greatest_hidden) greatest_hidden = expected[i];
    }
    assert_true(greatest_hidden <= least);
    assert_int_equal(rest(), total - sum);
    duplicate_tally_free(tally);
    sum = 0;
    assert_int_equal(count_shown(&sum), 0);
}

static void a_tenant_enters_when_it_passes_the_least(void **state)
{
    (void)state;
    struct duplicate_tally *tally = duplicate_tally_new();
    for (int i = 0; i < DUPLICATE_TOP; i++) {
        char id[32];
        snprintf(id, sizeof id, "top-%d", i);
        duplicate_tally_add(tally, i + 1, id, 10 + i);
    }
    duplicate_tally_add(tally, 100, "new", 10); // as many as the least: it stays outside
    assert_int_equal(shown("new"), -1);
    assert_int_equal(rest(), 10);
    duplicate_tally_add(tally, 100, "new", 1);
    assert_int_equal(shown("new"), 11);
    assert_int_equal(shown("top-0"), -1);
    assert_int_equal(rest(), 10);
    duplicate_tally_add(tally, 1, "top-0", 5); // and back, with all that it ever had
    assert_int_equal(shown("top-0"), 15);
    duplicate_tally_add(tally, 1, "top-0", 0);
    assert_int_equal(shown("top-0"), 15);
    duplicate_tally_free(tally);
    duplicate_tally_free(NULL);
}

static void a_label_is_escaped(void **state)
{
    (void)state;
    struct duplicate_tally *tally = duplicate_tally_new();
    duplicate_tally_add(tally, 1, "a\"b\\c", 3);
    assert_int_equal(shown("a\\\"b\\\\c"), 3);
    duplicate_tally_free(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tenant_is_counted_and_the_greatest_are_shown),
        cmocka_unit_test(a_tenant_enters_when_it_passes_the_least),
        cmocka_unit_test(a_label_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
