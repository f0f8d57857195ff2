// SPDX-License-Identifier: Apache-2.0
// Fees of subscriptions in F: intervals, prorations, what is paid back, what is due when; and that parts add up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/text.h"
#include "rating/charge.h"
#include "rating/fee.h"
#include "tests/support/catalogue_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TERMS(price, every, due, proration, started, refund)                                                          \
    "{\"price\":\"" price "\",\"every\":\"" every "\",\"due\":\"" due "\",\"proration\":\"" proration "\","              \
    "\"started\":\"" started "\",\"refund\":" refund ",\"booked\":\"compute.server\"}"
#define MONTHLY(proration) TERMS("30", "month", "in_advance", proration, "new", "true")
#define ARREARS(proration) TERMS("30", "month", "in_arrears", proration, "new", "false")

// One holding of account 1, and its charges in the billing period [start, end).
struct fee_case {
    const char *name, *terms, *zone, *from, *to, *anchor; // NULL: UTC, no end, no anchor
    int64_t held;
    const char *start, *end, *due; // NULL: the end
    const char *charges;           // "STAGE.TIER=QUANTITY:EFFECTIVE/BILLED "
};

#define MARCH "2026-03-01", "2026-04-01", NULL
static const struct fee_case cases[] = {
    {"a whole interval", MONTHLY("actual_days"), NULL, "2026-03-01", NULL, NULL, 1, MARCH, "11.0=1:30/30 "},
    {"three are held", MONTHLY("actual_days"), NULL, "2026-03-01", NULL, NULL, 3, MARCH, "11.0=3:90/90 "},
    {"it begins in the next period", MONTHLY("actual_days"), NULL, "2026-04-01", NULL, NULL, 1, MARCH, ""},
    {"it ended where the period begins", MONTHLY("actual_days"), NULL, "2026-01-01", "2026-03-01", NULL, 1, MARCH, ""},
    // 10 of 31 days are left: 30 x 10 / 31
    {"it joins an interval", MONTHLY("actual_days"), NULL, "2026-03-22", NULL, "2026-03-01", 1, MARCH,
     "11.0=0.322580645:9.677419354839/9.677419354839 "},
    {"it joins at the interval's end", MONTHLY("actual_days"), NULL, "2026-04-01", NULL, "2026-03-01", 1, "2026-04-01",
     "2026-05-01", NULL, "11.0=1:30/30 "},
    {"not due before it begins", MONTHLY("seconds"), NULL, "2026-03-11", NULL, NULL, 1, "2026-03-01", "2026-04-01",
     "2026-03-11", ""},
    // of 31 days from March 11 on 21 are in March
    {"due from then on, for two periods", MONTHLY("seconds"), NULL, "2026-03-11", NULL, NULL, 1, "2026-03-01",
     "2026-04-01", "2026-03-11T00:15:00Z", "11.0=1:20.322580645161/30 "},
    {"in the second period", MONTHLY("seconds"), NULL, "2026-03-11", "2026-04-11", NULL, 1, "2026-04-01", "2026-05-01",
     NULL, "11.1=0.322580645:9.677419354839/0 "},
    {"before any time of the second has passed", MONTHLY("seconds"), NULL, "2026-03-11", "2026-04-11", NULL, 1,
     "2026-04-01", "2026-05-01", "2026-04-01", ""},
    {"ended, before that has passed", MONTHLY("actual_days"), NULL, "2026-03-01", "2026-03-11", NULL, 1, "2026-03-01",
     "2026-04-01", "2026-03-11", "11.0=1:30/30 "},
    {"ended, and the rest paid back", MONTHLY("actual_days"), NULL, "2026-03-01", "2026-03-11", NULL, 1, MARCH,
     "11.0=1:9.677419354839/30 12.0=-0.677419355:0/-20.322580645161 "},
    {"ended, and nothing paid back", TERMS("30", "month", "in_advance", "actual_days", "new", "false"), NULL,
     "2026-03-01", "2026-03-11", NULL, 1, MARCH, "11.0=1:30/30 "},
    {"ended where a later period begins", MONTHLY("seconds"), NULL, "2026-03-11", "2026-04-01", NULL, 1, "2026-04-01",
     "2026-05-01", NULL, "12.0=-0.322580645:0/-9.677419354839 "},
    {"ended there: not in the earlier one", MONTHLY("seconds"), NULL, "2026-03-11", "2026-04-01", NULL, 1, MARCH,
     "11.0=1:20.322580645161/30 "},
    {"nothing paid back: the rest of its cost falls there",
     TERMS("30", "month", "in_advance", "seconds", "new", "false"), NULL, "2026-03-11", "2026-04-01", NULL, 1,
     "2026-04-01", "2026-05-01", NULL, "11.1=0.322580645:9.677419354839/0 "},
    {"it ends in its first slot", MONTHLY("seconds"), NULL, "2026-03-01", "2026-03-01T00:15:00Z", NULL, 1, MARCH,
     "11.0=1:0.010080645161/30 12.0=-0.999663978:0/-29.989919354839 "},
    // started days and hours
    {"a started day is the new one's", MONTHLY("actual_days"), NULL, "2026-03-22T12:00:00Z", NULL, "2026-03-01", 1, MARCH,
     "11.0=0.322580645:9.677419354839/9.677419354839 "},
    {"a started day is the old one's", TERMS("30", "month", "in_advance", "actual_days", "old", "true"), NULL,
     "2026-03-21T12:00:00Z", NULL, "2026-03-01", 1, MARCH, "11.0=0.322580645:9.677419354839/9.677419354839 "},
    {"of a day at its midnight nothing is started", TERMS("30", "month", "in_advance", "actual_days", "old", "true"),
     NULL, "2026-03-22", NULL, "2026-03-01", 1, MARCH, "11.0=0.322580645:9.677419354839/9.677419354839 "},
    {"a day long by both, within one day", MONTHLY("actual_days"), NULL, "2026-03-01", "2026-03-01T23:45:00Z", NULL, 1,
     MARCH, "11.0=1:0/30 12.0=-1:0/-30 "},
    {"hours: 10:30 counts from 10:00, 18:45 up to 18:00", ARREARS("hours"), NULL, "2026-03-05T10:30:00Z",
     "2026-03-05T18:45:00Z", "2026-03-01", 93, MARCH, "11.0=1:30/30 "}, // 8 of 744 hours x 93
    // 30 days, whatever the month has
    {"30 days: a whole February", MONTHLY("fixed_30_days"), NULL, "2026-02-01", NULL, NULL, 1, "2026-02-01",
     "2026-03-01", NULL, "11.0=1:30/30 "},
    {"30 days: February from the 15th on", MONTHLY("fixed_30_days"), NULL, "2026-02-15", NULL, "2026-02-01", 1,
     "2026-02-01", "2026-03-01", NULL, "11.0=0.533333333:16/16 "},
    {"30 days: the 31st costs nothing", MONTHLY("fixed_30_days"), NULL, "2026-03-31", NULL, "2026-03-01", 1, MARCH, ""},
    // calendars
    {"a leap year's February", MONTHLY("actual_days"), NULL, "2028-02-29", NULL, "2028-02-01", 29, "2028-02-01",
     "2028-03-01", NULL, "11.0=1:30/30 "},
    {"an anchor on the 31st: February's interval begins on its last day", MONTHLY("actual_days"), NULL, "2026-01-31",
     "2026-02-28", NULL, 1, "2026-02-01", "2026-03-01", NULL, "11.1=0.964285714:28.928571428571/0 "},
    {"and March's on the 31st again", MONTHLY("actual_days"), NULL, "2026-01-31", "2026-03-31", NULL, 1, MARCH,
     "11.1=0.967741935:29.032258064516/0 "},
    // 22 March 2026 has 23 hours of 743 in Berlin's March: seconds know it, days do not
    {"days of a zone", MONTHLY("actual_days"), "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z",
     "2026-02-28T23:00:00Z", 31, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", NULL,
     "11.0=3:30/90 12.0=-2:0/-60 "},
    {"hours of a zone", MONTHLY("hours"), "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z",
     "2026-02-28T23:00:00Z", 743, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", NULL,
     "11.0=71:690/2130 12.0=-48:0/-1440 "},
    {"every period", TERMS("31", "period", "in_advance", "actual_days", "new", "true"), NULL, "2026-03-22", NULL, NULL, 1,
     MARCH, "11.0=0.322580645:10/10 "},
    {"a quarter", TERMS("90", "quarter", "in_advance", "actual_days", "new", "true"), NULL, "2026-01-01", "2026-04-01",
     NULL, 1, MARCH, "11.1=0.344444444:31/0 "},
    // weeks from Wednesday, the 25th of February: 4 March days of the first, 4, 11, 18 and 25 March begin others
    {"weeks", TERMS("7", "week", "in_advance", "actual_days", "new", "true"), NULL, "2026-02-25", NULL, NULL, 1, MARCH,
     "11.0=4:28/28 11.1=0.428571429:3/0 "},
    {"a week that begins with the period", TERMS("7", "week", "in_advance", "actual_days", "new", "true"), NULL,
     "2026-02-22", "2026-03-08", NULL, 1, MARCH, "11.0=1:7/7 "},
    {"a week of which one day is held", TERMS("7", "week", "in_advance", "actual_days", "new", "true"), NULL,
     "2026-03-04", "2026-03-05", "2019-12-25", 1, MARCH, "11.0=1:1/7 12.0=-0.857142857:0/-6 "},
    {"weeks in arrears, the last not over", TERMS("7", "week", "in_arrears", "actual_days", "new", "false"), NULL,
     "2026-03-04", NULL, "2026-03-04", 1, "2026-03-01", "2026-04-01", "2026-03-24T23:45:00Z", "11.0=2:14/14 "},
    // an hour less in the week in which Berlin's clocks go forward: its end stays at midnight
    {"a week of 167 hours", TERMS("167", "week", "in_advance", "hours", "new", "true"), "Europe/Berlin",
     "2026-03-22T23:00:00Z", "2026-03-23T23:00:00Z", NULL, 1, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", NULL,
     "11.0=1:24/167 12.0=-0.856287425:0/-143 "},
    {"a year", TERMS("365", "year", "in_advance", "actual_days", "new", "true"), NULL, "2026-01-01", NULL, NULL, 1, MARCH,
     "11.1=0.084931506:31/0 "},
    {"no proration", TERMS("30", "month", "in_advance", "none", "new", "false"), NULL, "2026-03-22", NULL, "2026-03-01",
     1, MARCH, "11.0=1:30/30 "},
    // in arrears
    {"in arrears: not before the interval's end", ARREARS("seconds"), NULL, "2026-03-01", NULL, NULL, 1, "2026-03-01",
     "2026-04-01", "2026-03-31T23:45:00Z", ""},
    {"in arrears: at its end", ARREARS("seconds"), NULL, "2026-03-01", NULL, NULL, 1, MARCH, "11.0=1:30/30 "},
    {"in arrears: at the holding's end", ARREARS("actual_days"), NULL, "2026-03-01", "2026-03-11", NULL, 1,
     "2026-03-01", "2026-04-01", "2026-03-11T00:15:00Z", "11.0=0.322580645:9.677419354839/9.677419354839 "},
    {"in arrears: before that has passed", ARREARS("actual_days"), NULL, "2026-03-01", "2026-03-11", NULL, 1,
     "2026-03-01", "2026-04-01", "2026-03-11", ""},
    {"in arrears, whole", ARREARS("none"), NULL, "2026-03-01", "2026-03-11", NULL, 1, MARCH, "11.0=1:30/30 "},
    {"in arrears, an early end where the next period begins", ARREARS("actual_days"), NULL, "2026-03-22", "2026-04-01",
     NULL, 1, "2026-04-01", "2026-05-01", NULL, "11.0=0.322580645:9.677419354839/9.677419354839 "},
    {"nothing for nothing", TERMS("0", "month", "in_advance", "seconds", "new", "true"), NULL, "2026-03-01", NULL, NULL, 1,
     MARCH, "11.0=1:0/0 "},
};

static instant_us at(const char *text)
{
    return catalogue_fixture_instant(text);
}

static struct offer_row offer_of(const char *terms)
{
    return (struct offer_row){.version = 1, .number = 1, .id = "plan", .name = "Plan", .kind = OFFER_SUBSCRIPTION,
                              .currency = "EUR", .terms = terms};
}

static struct catalogue *catalogue_of(const struct fee_case *row)
{
    struct catalogue_rows rows;
    catalogue_fixture(&rows);
    for (size_t i = 0; row->zone && i < rows.agreements.count; i++)
        rows.agreements.row[i].zone = row->zone;
    *ROW_NEW(&rows.offers) = offer_of(row->terms);
    *ROW_NEW(&rows.holdings) =
        (struct holding_row){.version = 1, .number = 1, .id = "h", .account = 1, .offer = 1, .quantity = row->held,
                             .effective_from = at(row->from), .effective_to = row->to ? at(row->to) : INSTANT_NONE,
                             .anchor = row->anchor ? at(row->anchor) : INSTANT_NONE};
    return catalogue_fixture_build(&rows);
}

static void rate(const struct catalogue *catalogue, instant_us start, instant_us end, instant_us due,
                 struct arena *arena, struct rated *rated)
{
    const struct account_usage usage = {.account = 1, .period_start = start, .period_end = end, .due = due};
    struct fault fault = {0};
    assert_int_equal(charge_rate(catalogue, catalogue_agreement(catalogue, 1, start), &usage, arena, rated, &fault), ERR_OK);
}

static void print_charges(const struct rated *rated, struct text *out)
{
    for (size_t i = 0; i < rated->charge_count; i++) {
        const struct charge *charge = &rated->charges[i];
        char quantity[DECIMAL_TEXT_MAX], costs[2][DECIMAL_TEXT_MAX];
        quantity_print(charge->quantity, quantity);
        amount_print(charge->effective_cost, costs[0]);
        amount_print(charge->billed_cost, costs[1]);
        text_print(out, "%d.%d=%s:%s/%s ", (int)charge->stage, charge->tier, quantity, costs[0], costs[1]);
        assert_int_equal(amount_compare(charge->list_cost, charge->billed_cost), 0);
        assert_int_equal(amount_compare(charge->contracted_cost, charge->billed_cost), 0);
    }
}

static void fees_are_charged_where_they_are_due(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct fee_case *row = &cases[i];
        struct catalogue *catalogue = catalogue_of(row);
        struct arena *arena = arena_new(4096);
        struct text got = {0};
        struct rated rated;
        rate(catalogue, at(row->start), at(row->end), at(row->due ? row->due : row->end), arena, &rated);
        print_charges(&rated, &got);
        if (strcmp(got.data ? got.data : "", row->charges) != 0)
            fail_msg("%s: %s instead of %s", row->name, got.data ? got.data : "", row->charges);
        text_free(&got);
        arena_free(arena);
        catalogue_release(catalogue);
    }
}

// Over all its periods a term bills what it costs effectively, to the last digit; cut into holdings that adjoin and share
// an anchor it bills the same.
static void pieces_of_a_holding_add_up(void **state)
{
    static const char *const prorations[] = {MONTHLY("actual_days"), MONTHLY("fixed_30_days"), MONTHLY("hours"),
                                             MONTHLY("seconds"),     ARREARS("actual_days"),   ARREARS("hours"),
                                             TERMS("7.000000000001", "week", "in_advance", "hours", "new", "true"),
                                             TERMS("7.000000000001", "week", "in_arrears", "actual_days", "old", "false"),
                                             TERMS("7.000000000001", "quarter", "in_advance", "seconds", "old", "true"),
                                             TERMS("0.000000000001", "year", "in_advance", "actual_days", "old", "true")};
    const instant_us first = at("2026-01-31T10:30:00Z"), last = at("2027-03-03T17:15:00Z");
    (void)state;
    for (size_t i = 0; i < COUNT(prorations); i++) {
        struct amount sums[2] = {{0}, {0}};
        for (int64_t pieces = 1; pieces <= 10; pieces += 9) {
            struct catalogue_rows rows;
            struct arena *arena = arena_new(4096);
            int128 effective = 0, billed = 0;
            catalogue_fixture(&rows);
            *ROW_NEW(&rows.offers) = offer_of(prorations[i]);
            for (int64_t n = 0; n < pieces; n++) {
                char *id = arena_print(arena, "h%lld", (long long)n);
                instant_us from = first + instant_floor((last - first) / pieces * n, SLOT_US);
                instant_us to = n + 1 == pieces ? last : first + instant_floor((last - first) / pieces * (n + 1), SLOT_US);
                *ROW_NEW(&rows.holdings) = (struct holding_row){.version = 1, .number = n + 1, .id = id, .account = 1,
                                                                .offer = 1, .quantity = 1, .effective_from = from,
                                                                .effective_to = to, .anchor = first};
            }
            struct catalogue *catalogue = catalogue_fixture_build(&rows);
            for (int month = 0; month < 16; month++) {
                struct rated rated;
                instant_us start, end;
                zone_month(catalogue_agreement(catalogue, 1, first)->zone, 2026 + month / 12, month % 12 + 1, &start, &end);
                rate(catalogue, start, end, end, arena, &rated);
                billed += rated.total.pico;
                for (size_t c = 0; c < rated.charge_count; c++)
                    effective += rated.charges[c].effective_cost.pico;
            }
            assert_true(billed > 0 || i == COUNT(prorations) - 1);
            assert_true(billed == effective);
            sums[pieces > 1].pico = billed;
            catalogue_release(catalogue);
            arena_free(arena);
        }
        assert_true(sums[0].pico == sums[1].pico);
    }
}

// A refund of a month that has no fee of its own: a maximum adds nothing, and a minimum is made up for from below zero.
static void limits_of_a_month_that_pays_back(void **state)
{
    (void)state;
    static const struct {
        const char *limits, *charges;
    } limited[] = {
        {"{\"minimum_spend\":\"0\",\"maximum_spend\":\"50\",\"services\":[]}", "12.0=-0.387096774:0/-11.612903225806 11.1=0.064516129:1.935483870968/0 "},
        {"{\"minimum_spend\":\"20\",\"booked\":\"compute.server\",\"services\":[]}",
         "12.0=-0.387096774:0/-11.612903225806 14.0=0:31.612903225806/31.612903225806 11.1=0.064516129:1.935483870968/0 "},
    };
    for (size_t i = 0; i < COUNT(limited); i++) {
        const struct fee_case held = {.terms = MONTHLY("actual_days"), .from = "2026-03-15", .to = "2026-04-03", .held = 1};
        char deductions[400];
        struct catalogue_rows rows;
        struct arena *arena = arena_new(4096);
        struct text got = {0};
        struct rated rated;
        snprintf(deductions, sizeof deductions, "{\"limits\":[%s]}", limited[i].limits);
        catalogue_fixture(&rows);
        rows.agreements.row[0].deductions = deductions;
        *ROW_NEW(&rows.offers) = offer_of(held.terms);
        *ROW_NEW(&rows.holdings) = (struct holding_row){.version = 1, .number = 1, .id = "h", .account = 1, .offer = 1,
                                                        .quantity = 1, .effective_from = at(held.from),
                                                        .effective_to = at(held.to), .anchor = at(held.from)};
        struct catalogue *catalogue = catalogue_fixture_build(&rows);
        rate(catalogue, at("2026-04-01"), at("2026-05-01"), at("2026-05-01"), arena, &rated);
        print_charges(&rated, &got);
        if (strcmp(got.data ? got.data : "", limited[i].charges) != 0)
            fail_msg("%s: %s instead of %s", limited[i].limits, got.data ? got.data : "", limited[i].charges);
        text_free(&got);
        arena_free(arena);
        catalogue_release(catalogue);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fees_are_charged_where_they_are_due),
        cmocka_unit_test(pieces_of_a_holding_add_up),
        cmocka_unit_test(limits_of_a_month_that_pays_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
