// SPDX-License-Identifier: Apache-2.0
// Rates of tenants at the gateway: buckets fill and empty exactly, a request is taken whole or not at all, and memory
// stays fixed when there are more tenants than buckets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/tenant_rate.h"

static const struct tenant a = {.number = 1, .id = "a"}, b = {.number = 2, .id = "b"};

// One request of na events of a and nb of b; who is over.
static const struct tenant *ask(struct tenant_rate *rate, int64_t now_us, int na, int nb, int64_t *wait_us)
{
    *wait_us = -1;
    tenant_rate_begin(rate, now_us);
    for (int i = 0; i < na || i < nb; i++) { // mixed
        if (i < na) tenant_rate_note(rate, &a);
        if (i < nb) tenant_rate_note(rate, &b);
    }
    return tenant_rate_take(rate, wait_us);
}

static void buckets_fill_and_empty_exactly(void **state)
{
    (void)state;
    // 10 events a second, burst 20
    static const struct {
        int64_t now_us;
        int a, b;
        const struct tenant *over;
        int64_t wait_us;
    } rows[] = {
        {1000000, 20, 0, NULL, -1},                                  // a full bucket
        {1000000, 1, 0, &a, 100000},                                 // 1 / 10 s
        {1099999, 1, 0, &a, 1},                                      // one microsecond short
        {1100000, 1, 0, NULL, -1},                                   // exactly
        {1100000, 0, 20, NULL, -1},                                  // b has its own
        {1100000, 5, 0, &a, 500000},                                 // 5 / 10 s
        {1600000, 5, 0, NULL, -1},      {1600000, 0, 0, NULL, -1},   // nothing asked
        {2100000, 5, 20, &b, 1000000},                               // b has 10 of 20: and a's five are not taken
        {2100000, 5, 10, NULL, -1},     {9999999, 0, 20, NULL, -1},  // never more than the burst
        {9999999, 0, 1, &b, 100000},    {20000000, 50, 0, NULL, -1}, // above the burst passes a full bucket: 20 - 50 =
                                                                     // -30
        {20000000, 1, 0, &a, 3100000},  {23099999, 1, 0, &a, 1},     {23100000, 1, 0, NULL, -1},
        {24000000, 50, 0, &a, 1100000}, // has 9 of the 20 that it wants
    };
    struct tenant_rate *rate = tenant_rate_new(10, 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t wait_us;
        const struct tenant *over = ask(rate, rows[i].now_us, rows[i].a, rows[i].b, &wait_us);
        if (over != rows[i].over || wait_us != rows[i].wait_us)
            fail_msg("row %zu: %s, %lld us", i, over ? over->id : "none", (long long)wait_us);
    }
    tenant_rate_free(rate);
}

static void a_request_that_was_given_up_takes_nothing(void **state)
{
    (void)state;
    struct tenant_rate *rate = tenant_rate_new(1, 1);
    int64_t wait_us;
    tenant_rate_begin(rate, 5);
    tenant_rate_note(rate, &a); // the request is refused for another reason: no take
    assert_null(ask(rate, 5, 1, 0, &wait_us));
    assert_ptr_equal(ask(rate, 5, 1, 0, &wait_us), &a);
    tenant_rate_free(rate);
}

static void extremes_do_not_overflow(void **state)
{
    (void)state;
    struct tenant_rate *rate = tenant_rate_new(1000000000, 1000000000);
    int64_t wait_us;
    assert_null(ask(rate, 0, 1000, 0, &wait_us));
    assert_null(ask(rate, INT64_MAX / 2, 1000, 0, &wait_us));
    tenant_rate_free(rate);
}

// More tenants than there are buckets: whoever sends too much is still held, for the emptiest buckets stay.
static void the_hot_one_of_very_many_is_held(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    struct tenant_rate *rate = tenant_rate_new(10, 100);
    int64_t now_us = 1000000, wait_us;
    assert_null(ask(rate, now_us, 100, 0, &wait_us));
    for (int64_t i = 0; i < MANY; i++) {
        const struct tenant other = {.number = 10 + i, .id = "other"};
        tenant_rate_begin(rate, now_us);
        tenant_rate_note(rate, &other);
        assert_null(tenant_rate_take(rate, &wait_us));
    }
    assert_ptr_equal(ask(rate, now_us, 1, 0, &wait_us), &a);
    // one request of more tenants than the buckets hold
    struct tenant *tenants = heap_alloc(MANY * sizeof *tenants);
    tenant_rate_begin(rate, now_us);
    for (int64_t i = 0; i < MANY; i++) {
        tenants[i] = (struct tenant){.number = MANY * 2 + i, .id = "another"};
        tenant_rate_note(rate, &tenants[i]);
    }
    assert_null(tenant_rate_take(rate, &wait_us));
    free(tenants);
    tenant_rate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_fill_and_empty_exactly),
        cmocka_unit_test(a_request_that_was_given_up_takes_nothing),
        cmocka_unit_test(extremes_do_not_overflow),
        cmocka_unit_test(the_hot_one_of_very_many_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
