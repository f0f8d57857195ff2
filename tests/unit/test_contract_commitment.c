// SPDX-License-Identifier: Apache-2.0
// The stored form of reservations and savings plans, and where they split the usage of a period.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue/contract_commitment.h"
#include "rating/charge.h"
#include "tests/support/catalogue_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BASE                                                                                                           \
    "\"id\":\"c\",\"sku\":\"compute.server\",\"tenant\":\"t-1\",\"from\":\"2026-10-01T00:30:00Z\","                    \
    "\"to\":\"2026-10-01T03:15:00Z\",\"upfront\":\"0\",\"hourly\":\"1\""
#define RESERVATION "\"instances\":2,\"units\":\"4\",\"per\":\"3600\""

static struct catalogue_rows rows;

static enum err build(const char *deductions, struct catalogue **catalogue, struct fault *fault)
{
    catalogue_fixture(&rows);
    for (size_t i = 0; i < rows.agreements.count; i++)
        rows.agreements.row[i].deductions = deductions;
    *catalogue = NULL;
    return catalogue_build(&rows, catalogue, fault);
}

static void rows_that_cannot_be_read_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *deductions, *reason;
    } cases[] = {
        {"{\"reservations\":[{}]}", "commitment ?: 'id' cannot be read"},
        {"{\"reservations\":[{\"id\":\"c\"}]}", "commitment c: 'sku' cannot be read, or names what is not there"},
        {"{\"reservations\":[{" BASE "}]}", "commitment c: 'units'"},
        {"{\"reservations\":[{" BASE ",\"instances\":0,\"units\":\"4\",\"per\":\"1\"}]}", "'instances'"},
        {"{\"reservations\":[{" BASE ",\"instances\":1000001,\"units\":\"4\",\"per\":\"1\"}]}", "'instances'"},
        {"{\"reservations\":[{" BASE ",\"instances\":1,\"units\":\"-4\",\"per\":\"1\"}]}", "'units'"},
        {"{\"reservations\":[{" BASE ",\"instances\":1,\"units\":\"4\",\"per\":\"0\"}]}", "'per'"},
        {"{\"reservations\":[{" BASE "," RESERVATION ",\"match\":{\"a\":1}}]}", "'match'"},
        {"{\"reservations\":[{" BASE "," RESERVATION ",\"sizes\":{\"a\":\"1\"}}]}", "'size'"},
        {"{\"reservations\":[{" BASE "," RESERVATION ",\"size\":\"s\",\"sizes\":{\"a\":\"0\"}}]}", "'sizes'"},
        {"{\"savings_plans\":[{" BASE ",\"price_book\":\"x\"}]}", "'price_book'"},
        {"{\"savings_plans\":[{" BASE ",\"rates\":[{\"rate\":\"1.1\"}]}]}", "'rate'"},
        {"{\"savings_plans\":[{" BASE ",\"rates\":[{\"rate\":\"1\",\"service\":\"x\"}]}]}", "'service'"},
        {"{\"savings_plans\":[{\"id\":\"c\",\"sku\":\"compute.server\",\"tenant\":\"t\",\"from\":\"2026-10-01T00:00:"
         "00Z\","
         "\"upfront\":\"1\",\"hourly\":\"1\"}]}",
         "commitment c: 'to'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct catalogue *catalogue;
        struct fault fault = {0};
        enum err err = build(cases[i].deductions, &catalogue, &fault);
        if (err != ERR_INVALID) fail_msg("case %zu (%s): %s", i, cases[i].reason, err_name(err));
        if (!strstr(fault.reason, cases[i].reason))
            fail_msg("case %zu: '%s' should say '%s'", i, fault.reason, cases[i].reason);
        catalogue_rows_fini(&rows);
    }
}

static void commitments_are_numbered_and_found(void **state)
{
    (void)state;
    struct catalogue *catalogue;
    struct fault fault = {0};
    instant_us from, to;
    size_t count;
    bool plan;
    assert_int_equal(build("{\"reservations\":[{" BASE "," RESERVATION ",\"size\":\"s\",\"sizes\":{\"a\":\"0.5\"}}],"
                           "\"savings_plans\":[{" BASE ",\"rates\":[{\"rate\":\"0.5\"}],\"only_cheaper\":true}]}",
                           &catalogue, &fault),
                     ERR_OK);
    const struct agreement *const *committed = catalogue_committed(catalogue, &count);
    assert_int_equal(count, 3);
    const struct contract *contract = committed[0]->contract;
    assert_int_equal(contract->reservations[0].instances, 2);
    assert_true(contract->reservations[0].sizes[0].units.nano == 500000000);
    assert_true(contract->plans[0].only_cheaper);
    assert_ptr_equal(contract_commitment_of(contract, 1, &plan), &contract->reservations[0].base);
    assert_false(plan);
    assert_ptr_equal(contract_commitment_of(contract, 2, &plan), &contract->plans[0].base);
    assert_true(plan);
    contract_committed_time(contract, &from, &to);
    assert_int_equal(from, catalogue_fixture_instant("2026-10-01T00:30:00Z"));
    assert_int_equal(to, catalogue_fixture_instant("2026-10-01T03:15:00Z"));
    catalogue_release(catalogue);
    catalogue_rows_fini(&rows);
}

// The term's own bounds, and the clock hours between them, as far as they lie inside the period.
static void usage_is_split_at_the_hours_of_a_term(void **state)
{
    (void)state;
    static const struct {
        const char *start, *end, *expected[8];
    } cases[] = {
        {"2026-09-30T22:00:00Z",
         "2026-10-31T22:00:00Z",
         {"2026-10-01T00:30:00Z", "2026-10-01T01:00:00Z", "2026-10-01T02:00:00Z", "2026-10-01T03:00:00Z",
          "2026-10-01T03:15:00Z"}},
        {"2026-10-01T01:30:00Z", "2026-10-01T03:00:00Z", {"2026-10-01T02:00:00Z"}}, // the bounds themselves are none
        {"2026-10-01T03:15:00Z", "2026-10-31T00:00:00Z", {NULL}},
        {"2026-09-01T00:00:00Z", "2026-10-01T00:30:00Z", {NULL}},
    };
    struct catalogue *catalogue;
    struct fault fault = {0};
    struct arena *arena = arena_new(4096);
    assert_int_equal(build("{\"savings_plans\":[{" BASE ",\"rates\":[{\"rate\":\"0.5\"}]}]}", &catalogue, &fault),
                     ERR_OK);
    size_t committed;
    const struct agreement *terms = catalogue_committed(catalogue, &committed)[0];
    for (size_t i = 0; i < COUNT(cases); i++) {
        instant_us *changes, *split, start = catalogue_fixture_instant(cases[i].start),
                                     end = catalogue_fixture_instant(cases[i].end);
        assert_int_equal(catalogue_price_changes(catalogue, terms->book, start, end, arena, &changes), 0);
        size_t count = charge_boundaries(catalogue, terms, start, end, arena, &split), expected = 0;
        while (cases[i].expected[expected]) {
            assert_true(expected < count);
            assert_int_equal(split[expected], catalogue_fixture_instant(cases[i].expected[expected]));
            expected++;
        }
        assert_int_equal(count, expected);
    }
    arena_free(arena);
    catalogue_release(catalogue);
    catalogue_rows_fini(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_cannot_be_read_are_refused),
        cmocka_unit_test(commitments_are_numbered_and_found),
        cmocka_unit_test(usage_is_split_at_the_hours_of_a_term),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
