// SPDX-License-Identifier: Apache-2.0
// Which price applies: the most specific match in the nearest book, at the instant; and when prices change.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/catalogue_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct catalogue_rows rows;
static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(4096);
    catalogue_fixture(&rows);
    return 0;
}

static int end(void **state)
{
    (void)state;
    catalogue_rows_fini(&rows);
    arena_free(arena);
    return 0;
}

static struct price_row *add(int64_t number, int32_t book, int32_t sku, const char *match, const char *from,
                             const char *to)
{
    return catalogue_fixture_price(&rows, number, book, sku, match, from, to, "0.5");
}

// Number of the price for a dimension set at an instant; 0: unpriced. book: 1 list, 2 partner (its parent is list).
static int64_t price_of(const struct catalogue *catalogue, int32_t book, int32_t sku, const char *members,
                        instant_us slot)
{
    struct dimension_set set;
    assert_int_equal(dimension_set_read(arena, slice_of(members), &set, NULL), ERR_OK);
    // account 1 buys by book 1, account 2 by book 2
    const struct agreement *terms = catalogue_agreement(catalogue, book, 0);
    const struct price_version *price = catalogue_price(catalogue, terms->book, sku, &set, slot);
    return price ? price->number : 0;
}

static void the_match_with_most_members_wins(void **state)
{
    (void)state;
    add(1, 1, 2, "{}", NULL, NULL);
    add(2, 1, 2, "{\"flavour\":\"a\"}", NULL, NULL);
    add(3, 1, 2, "{\"flavour\":\"a\",\"region\":\"r\"}", NULL, NULL);
    add(4, 1, 2, "{\"os\":\"linux\",\"region\":\"r\"}", NULL, NULL);
    add(5, 1, 2, "{\"flavour\":\"a\",\"os\":\"linux\",\"region\":\"r\"}", NULL, NULL);
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    static const struct { const char *members; int64_t price; } cases[] = {
        {"{}", 1},
        {"{\"flavour\":\"b\",\"os\":\"windows\",\"region\":\"q\"}", 1},
        {"{\"flavour\":\"a\",\"os\":\"windows\",\"region\":\"q\"}", 2},
        {"{\"flavour\":\"a\"}", 2},
        {"{\"flavour\":\"a\",\"os\":\"windows\",\"region\":\"r\"}", 3},
        {"{\"flavour\":\"b\",\"os\":\"linux\",\"region\":\"r\"}", 4},
        {"{\"flavour\":\"a\",\"os\":\"linux\",\"region\":\"r\"}", 5},
        {"{\"flavour\":\"a\",\"other\":\"x\",\"region\":\"r\"}", 3}, // names that no price knows do not matter
        {"{\"aaa\":\"x\",\"flavour\":\"a\",\"zzz\":\"x\"}", 2},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t price = price_of(catalogue, 1, 2, cases[i].members, 0);
        if (price != cases[i].price) fail_msg("%s: price %lld", cases[i].members, (long long)price);
    }
    assert_int_equal(price_of(catalogue, 1, 1, "{}", 0), 0); // the other SKU has none
    catalogue_release(catalogue);
}

static void equal_sizes_go_by_the_match_text(void **state)
{
    (void)state;
    add(1, 1, 2, "{\"region\":\"r\"}", NULL, NULL);
    add(2, 1, 2, "{\"os\":\"linux\"}", NULL, NULL);
    add(3, 1, 2, "{\"flavour\":\"z\"}", "2026-01-01", NULL);
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    const char *all = "{\"flavour\":\"z\",\"os\":\"linux\",\"region\":\"r\"}";
    instant_us from = catalogue_fixture_instant("2026-01-01");
    assert_int_equal(price_of(catalogue, 1, 2, all, from), 3);
    assert_int_equal(price_of(catalogue, 1, 2, all, from - 1), 2); // {flavour} is not in force yet: {os} < {region}
    catalogue_release(catalogue);
}

static void a_match_that_is_not_in_force_does_not_hide_another(void **state)
{
    (void)state;
    add(1, 1, 2, "{}", NULL, NULL);
    add(2, 1, 2, "{\"region\":\"r\"}", "2026-02-01", "2026-03-01");
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    instant_us from = catalogue_fixture_instant("2026-02-01"), to = catalogue_fixture_instant("2026-03-01");
    assert_int_equal(price_of(catalogue, 1, 2, "{\"region\":\"r\"}", from - 1), 1);
    assert_int_equal(price_of(catalogue, 1, 2, "{\"region\":\"r\"}", from), 2);
    assert_int_equal(price_of(catalogue, 1, 2, "{\"region\":\"r\"}", to - 1), 2);
    assert_int_equal(price_of(catalogue, 1, 2, "{\"region\":\"r\"}", to), 1);
    catalogue_release(catalogue);
}

static void versions_follow_one_another(void **state)
{
    (void)state;
    add(12, 1, 1, "{}", "2026-04-01", NULL);
    add(10, 1, 1, "{}", NULL, NULL);
    add(11, 1, 1, "{}", "2026-02-01T00:15:00Z", "2026-03-01");
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    instant_us second = catalogue_fixture_instant("2026-02-01T00:15:00Z"),
               gap = catalogue_fixture_instant("2026-03-01"), third = catalogue_fixture_instant("2026-04-01");
    assert_int_equal(price_of(catalogue, 1, 1, "{}", INSTANT_MIN), 10);
    assert_int_equal(price_of(catalogue, 1, 1, "{}", second - 1), 10);
    assert_int_equal(price_of(catalogue, 1, 1, "{}", second), 11);
    assert_int_equal(price_of(catalogue, 1, 1, "{}", gap - 1), 11);
    assert_int_equal(price_of(catalogue, 1, 1, "{}", gap), 0);
    assert_int_equal(price_of(catalogue, 1, 1, "{}", third - 1), 0);
    assert_int_equal(price_of(catalogue, 1, 1, "{}", third), 12);
    assert_int_equal(catalogue_price_number(catalogue, 10)->effective_to, second);
    assert_int_equal(catalogue_price_number(catalogue, 12)->effective_to, INSTANT_MAX);
    assert_null(catalogue_price_number(catalogue, 13));
    catalogue_release(catalogue);
}

static void a_parent_is_asked_when_the_book_is_silent(void **state)
{
    (void)state;
    add(1, 1, 2, "{\"region\":\"r\"}", NULL, NULL);
    add(2, 1, 1, "{}", NULL, NULL);
    add(3, 2, 2, "{}", "2026-01-01", "2026-02-01");
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    instant_us from = catalogue_fixture_instant("2026-01-01");
    assert_int_equal(price_of(catalogue, 2, 1, "{}", from), 2);
    assert_int_equal(price_of(catalogue, 2, 2, "{\"region\":\"r\"}", from - 1), 1);
    assert_int_equal(price_of(catalogue, 2, 2, "{\"region\":\"r\"}", from), 3); // less specific, but nearer
    assert_int_equal(price_of(catalogue, 1, 2, "{\"region\":\"r\"}", from), 1); // a parent does not ask its child
    assert_int_equal(price_of(catalogue, 2, 2, "{\"region\":\"q\"}", from - 1), 0);
    catalogue_release(catalogue);
}

static void changes_are_listed_for_the_chain(void **state)
{
    (void)state;
    add(1, 1, 1, "{}", NULL, NULL);
    add(2, 1, 1, "{}", "2026-02-01", NULL);
    add(3, 1, 2, "{\"region\":\"r\"}", "2026-02-01", "2026-02-10");
    add(4, 2, 2, "{}", "2026-02-05", "2026-02-20");
    add(5, 2, 1, "{}", "2026-03-01", NULL);
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    static const struct { int64_t account; const char *start, *end, *changes[4]; } cases[] = {
        {2, "2026-01-01", "2026-03-01", {"2026-02-01", "2026-02-05", "2026-02-10", "2026-02-20"}},
        {1, "2026-01-01", "2026-03-01", {"2026-02-01", "2026-02-10"}},
        {2, "2026-02-01", "2026-02-20", {"2026-02-05", "2026-02-10"}}, // inside: both ends are out
        {2, "2026-02-28", "2026-03-01T00:15:00Z", {"2026-03-01"}},
        {2, "2026-03-01", "2026-12-01", {NULL}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        instant_us *changes;
        const struct price_book *book = catalogue_agreement(catalogue, cases[i].account, 0)->book;
        size_t count = catalogue_price_changes(catalogue, book, catalogue_fixture_instant(cases[i].start),
                                               catalogue_fixture_instant(cases[i].end), arena, &changes);
        size_t expected = 0;
        while (expected < 4 && cases[i].changes[expected])
            expected++;
        if (count != expected) fail_msg("case %zu: %zu changes", i, count);
        for (size_t j = 0; j < count; j++)
            assert_int_equal(changes[j], catalogue_fixture_instant(cases[i].changes[j]));
    }
    catalogue_release(catalogue);
}

static void tiers_are_in_meter_units(void **state)
{
    (void)state;
    struct price_row *row = add(1, 1, 1, "{}", NULL, NULL);
    row->model = PRICE_GRADUATED;
    row->price = PRICE_ZERO;
    row->per.nano = 1000000 * (int128)1000000000; // per million
    *ROW_NEW(&rows.tiers) =
        (struct price_tier_row){.price = 1, .tier = 1, .up_to = {2500000000}, .unit_price = {200000000000}};
    *ROW_NEW(&rows.tiers) = (struct price_tier_row){.price = 1, .tier = 0, .up_to = {1000000000}};
    *ROW_NEW(&rows.tiers) = (struct price_tier_row){.price = 1, .tier = 2, .last = true, .unit_price = {100000000000}};
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    const struct price_version *price = catalogue_price_number(catalogue, 1);
    assert_int_equal(price->tier_count, 3);
    assert_true(price->tiers[0].up_to.nano == 1000000 * (int128)1000000000); // 1 million requests
    assert_true(price->tiers[1].up_to.nano == 2500000 * (int128)1000000000); // 2.5 x 1,000,000
    assert_false(price->tiers[1].last);
    assert_true(price->tiers[2].last);
    assert_true(price->tiers[2].price.pico == 100000000000);
    catalogue_release(catalogue);
}

// --- contradictions

static void overlap(void) { add(2, 1, 1, "{}", "2026-01-01", "2026-03-01"); add(3, 1, 1, "{}", "2026-02-01", NULL); }
static void same_start(void) { add(2, 1, 1, "{}", NULL, NULL); }
static void same_number(void) { add(1, 1, 2, "{}", NULL, NULL); }
static void ends_first(void) { add(2, 1, 2, "{}", "2026-03-01", "2026-03-01"); }
static void timed(int64_t number, const char *hours, const char *from) { add(number, 1, 2, "{}", from, NULL)->hours = hours; }
static void no_window(void) { timed(2, "UTC daily", NULL); }
static void two_zones(void) { timed(2, "UTC mon 00:00-24:00", NULL); timed(3, "Europe/Rome tue 00:00-24:00", NULL); }
static void hours_overlap(void) { timed(2, "UTC mon 00:00-24:00", NULL); timed(3, "UTC sun 20:00-00:15", "2026-01-01"); }
static void off_the_slot(void) { add(2, 1, 2, "{}", "2026-03-01T00:01:00Z", NULL); }
static void ends_off_the_slot(void) { add(2, 1, 2, "{}", NULL, "2026-03-01T00:01:00Z"); }
static void no_book(void) { add(2, 9, 2, "{}", NULL, NULL); }
static void no_sku(void) { add(2, 1, 9, "{}", NULL, NULL); }
static void not_canonical(void) { add(2, 1, 2, "{\"region\":\"r\",\"os\":\"x\"}", NULL, NULL); }
static void unknown_dimension(void) { add(2, 1, 2, "{\"size\":\"r\"}", NULL, NULL); }
static void per_zero(void) { add(2, 1, 2, "{}", NULL, NULL)->per.nano = 0; }
static void minimum_on_a_sum(void) { add(2, 2, 1, "{}", NULL, NULL)->minimum_seconds = 60; }
static void minimum_of_days(void) { add(2, 1, 2, "{}", NULL, NULL)->minimum_seconds = 86401; }
static void negative(void) { add(2, 1, 2, "{}", NULL, NULL)->price.pico = -1; }
static void graduated(void) { add(2, 1, 2, "{}", NULL, NULL)->model = PRICE_GRADUATED; }
static void add_tier(int tier, int64_t up_to, bool last)
{
    *ROW_NEW(&rows.tiers) = (struct price_tier_row){.price = 2, .tier = tier, .up_to = {up_to}, .last = last};
}
static void tiers_of_unit_price(void) { add(2, 1, 2, "{}", NULL, NULL); add_tier(0, 0, true); }
static void tiers_without_last(void) { graduated(); add_tier(0, 5, false); }
static void tiers_not_rising(void) { graduated(); add_tier(0, 5, false); add_tier(1, 5, false); add_tier(2, 0, true); }
static void tiers_from_zero(void) { graduated(); add_tier(0, 0, false); add_tier(1, 0, true); }
static void tiers_with_a_gap(void) { graduated(); add_tier(1, 0, true); }
static void tiers_inexact(void)
{
    graduated();
    rows.prices.row[1].per.nano = 1;
    add_tier(0, 5, false);
    add_tier(1, 0, true);
}
static void free_of_one_per_unit(void) { add(2, 1, 2, "{}", NULL, NULL)->free.nano = 1; }
static void free_inexact(void)
{
    struct price_row *row = add(2, 1, 2, "{}", NULL, NULL);
    row->model = PRICE_PACKAGE;
    row->free.nano = 1;
    row->per.nano = 1;
}
static void minimum_above_maximum(void)
{
    struct price_row *row = add(2, 1, 2, "{}", NULL, NULL);
    row->model = PRICE_FLAT;
    row->minimum_spend.pico = 3;
    row->maximum_spend.pico = 2;
}
static void fixed_of_a_package(void) { free_inexact(); rows.prices.row[1].fixed.pico = 1; }
static void negative_maximum(void) { free_inexact(); rows.prices.row[1].maximum_spend.pico = -1; }
static void runs_of_a_package(void) { free_inexact(); rows.prices.row[1].minimum_seconds = 60; }
static void tiers_of_a_package(void) { free_inexact(); rows.prices.row[1].free.nano = 0; add_tier(0, 0, true); }
static void steps_with_prices(void)
{
    graduated();
    rows.prices.row[1].model = PRICE_STAIRSTEP;
    add_tier(0, 0, true);
    rows.tiers.row[rows.tiers.count - 1].unit_price.pico = 1;
}
static void negative_flat(void)
{
    graduated();
    add_tier(0, 0, true);
    rows.tiers.row[rows.tiers.count - 1].flat.pico = -1;
}
static void tiers_of_nobody(void) { add_tier(0, 0, true); }

static void contradictions_are_refused(void **state)
{
    static const struct { void (*change)(void); const char *reason; } cases[] = {
        {overlap, "overlaps price 3"},
        {same_start, "begins at the same instant"},
        {same_number, "number is there twice"},
        {ends_first, "ends before it begins"},
        {no_window, "'UTC daily' is no time window"},
        {two_zones, "in another zone than those of price 3"},
        {hours_overlap, "overlap those of price"},
        {off_the_slot, "effective_from is not on a 15-minute bound"},
        {ends_off_the_slot, "effective_to is not on a 15-minute bound"},
        {no_book, "price book number 9"},
        {no_sku, "SKU number 9"},
        {not_canonical, "canonical"},
        {unknown_dimension, "no dimension of the meter of SKU compute.server"},
        {per_zero, "per must be above zero"},
        {minimum_on_a_sum, "is for interval meters"},
        {minimum_of_days, "minimum_seconds is 86401"},
        {negative, "negative"},
        {graduated, "1 to 64 tiers"},
        {tiers_of_unit_price, "has no tiers"},
        {tiers_without_last, "the last tier"},
        {tiers_not_rising, "not above the one before"},
        {tiers_from_zero, "not above the one before"},
        {tiers_with_a_gap, "numbered 0, 1, 2"},
        {tiers_inexact, "fraction digits"},
        {tiers_of_nobody, "belong to no price"},
        {free_of_one_per_unit, "a per_unit price has no free units"},
        {free_inexact, "free x per has more than 9 fraction digits"},
        {minimum_above_maximum, "minimum_spend is above maximum_spend"},
        {fixed_of_a_package, "a package price has no fixed part"},
        {negative_maximum, "negative"},
        {runs_of_a_package, "a package price has no minimum_seconds"},
        {tiers_of_a_package, "a package price has no tiers"},
        {steps_with_prices, "a stairstep price has no unit prices"},
        {negative_flat, "the price of tier 0 is negative"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct catalogue *catalogue = NULL;
        struct fault fault = {0};
        end(state);
        begin(state);
        add(1, 1, 1, "{}", NULL, NULL);
        cases[i].change();
        enum err err = catalogue_build(&rows, &catalogue, &fault);
        if (err != ERR_INVALID) fail_msg("case %zu (%s): %s", i, cases[i].reason, err_name(err));
        if (!strstr(fault.reason, cases[i].reason))
            fail_msg("case %zu: '%s' should say '%s'", i, fault.reason, cases[i].reason);
    }
}

// 8,000 prices of one SKU: each found by itself, those beside them by the next best shape.
static void many_prices_of_one_sku_are_found(void **state)
{
    (void)state;
    enum { REGIONS = 20, FLAVOURS = 400 };
    char match[96], members[128];
    add(100000, 1, 2, "{}", NULL, NULL);
    for (int region = 0; region < REGIONS; region++)
        for (int flavour = 0; flavour < FLAVOURS; flavour++) {
            int length = snprintf(match, sizeof match, "{\"flavour\":\"f%d\",\"region\":\"r%d\"}", flavour, region);
            add(1 + region * FLAVOURS + flavour, 1, 2, rows_text(&rows, match, (size_t)length), NULL, NULL);
        }
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    for (int region = 0; region <= REGIONS; region += 5)
        for (int flavour = 0; flavour <= FLAVOURS; flavour++) {
            snprintf(members, sizeof members, "{\"flavour\":\"f%d\",\"os\":\"linux\",\"region\":\"r%d\"}", flavour,
                     region);
            bool known = region < REGIONS && flavour < FLAVOURS;
            assert_int_equal(price_of(catalogue, 1, 2, members, 0), known ? 1 + region * FLAVOURS + flavour : 100000);
        }
    catalogue_release(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_match_with_most_members_wins, begin, end),
        cmocka_unit_test_setup_teardown(equal_sizes_go_by_the_match_text, begin, end),
        cmocka_unit_test_setup_teardown(a_match_that_is_not_in_force_does_not_hide_another, begin, end),
        cmocka_unit_test_setup_teardown(versions_follow_one_another, begin, end),
        cmocka_unit_test_setup_teardown(a_parent_is_asked_when_the_book_is_silent, begin, end),
        cmocka_unit_test_setup_teardown(changes_are_listed_for_the_chain, begin, end),
        cmocka_unit_test_setup_teardown(tiers_are_in_meter_units, begin, end),
        cmocka_unit_test_setup_teardown(contradictions_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(many_prices_of_one_sku_are_found, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
