// SPDX-License-Identifier: Apache-2.0
// What a reservation covers of an hour, of a term, and what is left of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rating/reservation.h"
#include "tests/support/commitment_case.h"

enum { USES_MAX = 16, OWNER = 7 };

struct cover_case {
    const char *name;
    int64_t instances;
    const char *units, *per, *upfront, *hourly; // NULL: 1, 3600, 0, 0; the term has 10 hours
    const char *uses;                           // "HOUR TENANT UNITS QUANTITY, ..." in the order of rank
    const char *covered;                        // "COVERED:COST " of each use in that order; "limit"
    const char *rest;                           // of the ten hours: used, unused, cost of these
};

static size_t read_uses(const char *text, struct reservation_use *uses)
{
    size_t count = 0;
    while (text && *text) {
        int hour, tenant, used = 0;
        char units[40], quantity[40];
        assert_int_equal(sscanf(text, "%d %d %39s %39[^,]%n", &hour, &tenant, units, quantity, &used), 4);
        uses[count] = (struct reservation_use){.item = count,
                                               .rank = count,
                                               .tenant = tenant,
                                               .start = TERM_FROM + hour * HOUR_US,
                                               .end = TERM_FROM + (hour + 1) * HOUR_US,
                                               .units = case_quantity(units),
                                               .quantity = case_quantity(quantity)};
        count++;
        text += used;
        text += strspn(text, ", ");
    }
    return count;
}

static struct reservation reservation_from(const struct cover_case *row)
{
    return (struct reservation){
        .fee = {TERM_FROM, TERM_FROM + 10 * HOUR_US, case_amount(row->upfront), case_amount(row->hourly), false},
        .instances = row->instances,
        .units = case_quantity(row->units ? row->units : "1"),
        .per = case_quantity(row->per ? row->per : "3600"),
        .owner = OWNER,
    };
}

static void expect_case(const struct cover_case *row, bool backwards)
{
    struct reservation reservation = reservation_from(row);
    struct reservation_use uses[USES_MAX], given[USES_MAX];
    struct reservation_sum sum;
    struct reservation_rest rest;
    struct text out = {0}, rest_out = {0};
    size_t count = read_uses(row->uses, given), item = 99;
    for (size_t i = 0; i < count; i++)
        uses[i] = given[backwards ? count - 1 - i : i];
    text_add_string(&out, "");
    enum err err = reservation_cover(&reservation, uses, count, &sum, &item);
    if (!err) err = reservation_rest_of(&reservation, TERM_FROM, TERM_FROM + 10 * HOUR_US, &sum, &rest);
    if (err) {
        assert_int_equal(item, 0);
        text_add_string(&out, err_name(err));
        case_expect(row->name, &out, row->covered);
        return;
    }
    for (size_t number = 0; number < count; number++)
        for (size_t i = 0; i < count; i++)
            if (uses[i].item == number) case_print(&out, uses[i].covered, uses[i].cost);
    case_expect(row->name, &out, row->covered);
    char used[DECIMAL_TEXT_MAX];
    quantity_print(rest.used, used);
    text_print(&rest_out, "%s ", used);
    case_print(&rest_out, rest.unused, rest.unused_cost);
    case_expect(row->name, &rest_out, row->rest);
}

static void an_hour_is_covered_up_to_its_entitlement(void **state)
{
    (void)state;
    static const struct cover_case cases[] = {
        {"no usage: all ten hours are unused", 1, .hourly = "0.5", .covered = "", .rest = "0 36000:5 "},
        {"one hour of it", 1, .hourly = "0.5", .uses = "3 1 1 3600", .covered = "3600:0.5 ", .rest = "3600 32400:4.5 "},
        {"one second below", 1, .hourly = "0.36", .uses = "0 1 1 3599", .covered = "3599:0.3599 ",
         .rest = "3599 32401:3.2401 "},
        {"the least above", 1, .hourly = "1", .uses = "0 1 1 3600.000000001", .covered = "3600:1 ", .rest = "3600 32400:9 "},
        {"four at once have 3600 seconds together", 1, .hourly = "1", .uses = "0 1 1 14400", .covered = "3600:1 ",
         .rest = "3600 32400:9 "},
        {"what an hour leaves does not come back", 1, .hourly = "1", .uses = "0 1 1 1800, 1 1 1 7200",
         .covered = "1800:0.5 3600:1 ", .rest = "5400 30600:8.5 "},
        {"usage of nothing", 1, .hourly = "1", .uses = "0 1 1 0", .covered = "0:0 ", .rest = "0 36000:10 "},
        {"none fits twice: the second finds nothing", 1, .hourly = "1", .uses = "0 1 1 3600, 0 2 1 3600",
         .covered = "3600:1 0:0 ", .rest = "3600 32400:9 "},
        {"upfront: 1 / 3 of 10 hours at 3 / 10", 3, .upfront = "3", .uses = "0 1 1 3600", .covered = "3600:0.1 ",
         .rest = "3600 104400:2.9 "},
        {"an hour meter", 2, .per = "1", .hourly = "1", .uses = "0 1 1 1.5", .covered = "1.5:0.75 ",
         .rest = "1.5 18.5:9.25 "},
        {"cost of nothing", 1, .uses = "0 1 1 3600", .covered = "3600:0 ", .rest = "3600 32400:0 "},
        {"thirds add up: 1 - 0.666666666667", 1, .hourly = "1", .uses = "0 1 1 1200, 0 2 1 1200, 0 3 1 1200",
         .covered = "1200:0.333333333333 1200:0.333333333334 1200:0.333333333333 ", .rest = "3600 32400:9 "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_case(&cases[i], false);
        expect_case(&cases[i], true);
    }
}

static void the_owner_comes_first_then_the_smallest(void **state)
{
    (void)state;
    static const struct cover_case cases[] = {
        {"an xlarge half covered by a large", 1, .units = "4", .hourly = "1", .uses = "0 1 8 3600",
         .covered = "1800:1 ", .rest = "14400 129600:9 "},
        {"two large and half of two xlarge by a 2xlarge", 1, .units = "16", .hourly = "1",
         .uses = "0 1 8 7200, 0 1 4 7200", .covered = "3600:0.5 7200:0.5 ", .rest = "57600 518400:9 "},
        {"a nano of a quarter", 1, .units = "0.25", .hourly = "1", .uses = "0 1 1 3600", .covered = "900:1 ",
         .rest = "900 8100:9 "},
        {"the owner's large machine before another's small one", 1, .units = "4", .hourly = "1",
         .uses = "0 1 1 3600, 0 7 4 3600", .covered = "0:0 3600:1 ", .rest = "14400 129600:9 "},
        {"the owner's three, and two of the others' six", 5, .hourly = "1",
         .uses = "0 1 1 7200, 0 2 1 14400, 0 7 1 10800", .covered = "7200:0.4 0:0 10800:0.6 ",
         .rest = "18000 162000:9 "}, // hourly is for all five together
        {"equal in all: by rank", 1, .hourly = "1", .uses = "0 2 1 3600, 0 1 1 3600", .covered = "3600:1 0:0 ",
         .rest = "3600 32400:9 "},
        {"units that do not divide: 3600 / 7, the rest is taken all the same", 1, .hourly = "1", .uses = "0 1 7 3600",
         .covered = "514.285714286:1 ", .rest = "3600 32400:9 "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_case(&cases[i], false);
        expect_case(&cases[i], true);
    }
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct cover_case cases[] = {
        {"quantity x units", 1, .uses = "0 1 2 " MOST_QUANTITY, .covered = "limit"},
        {"the entitlement", INT64_MAX, .units = "1000000000000", .uses = "0 1 1 1", .covered = "limit"},
        {"the fee", 1, .hourly = MOST_AMOUNT, .uses = "0 1 1 1", .covered = "limit"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_case(&cases[i], false);
}

// A month in Kolkata begins at half past: the hour's entitlement is halved, and both months have one half.
static void half_an_hour_has_half_the_entitlement(void **state)
{
    (void)state;
    const struct reservation reservation = {.fee = {TERM_FROM, INSTANT_MAX, AMOUNT_ZERO, case_amount("1"), false},
                                            .instances = 1,
                                            .units = case_quantity("1"),
                                            .per = case_quantity("3600")};
    const instant_us half = TERM_FROM + 2 * SLOT_US;
    struct reservation_use uses[] = {
        {.item = 0, .start = TERM_FROM, .end = half, .units = case_quantity("1"), .quantity = case_quantity("1801")},
        {.item = 1,
         .start = half,
         .end = TERM_FROM + HOUR_US,
         .units = case_quantity("1"),
         .quantity = case_quantity("900")},
    };
    struct reservation_sum sum;
    struct text out = {0};
    size_t item;
    assert_int_equal(reservation_cover(&reservation, uses, 2, &sum, &item), ERR_OK);
    case_print(&out, uses[0].covered, uses[0].cost);
    case_print(&out, uses[1].covered, uses[1].cost);
    case_expect("halves", &out, "1800:0.5 900:0.25 ");
    // a term without end: the rest of a range
    struct reservation_rest rest;
    assert_int_equal(reservation_rest_of(&reservation, TERM_FROM - HOUR_US, TERM_FROM + 2 * HOUR_US, &sum, &rest),
                     ERR_OK);
    struct text rest_out = {0};
    case_print(&rest_out, rest.unused, rest.unused_cost);
    case_expect("rest", &rest_out, "4500:1.25 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_is_covered_up_to_its_entitlement),
        cmocka_unit_test(the_owner_comes_first_then_the_smallest),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(half_an_hour_has_half_the_entitlement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
