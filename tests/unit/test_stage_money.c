// SPDX-License-Identifier: Apache-2.0
// Coupons and limits of a period in F: around every bound, their order, who bears what, what is due when.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rating/charge.h"
#include "tests/support/catalogue_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define COUPON(rate, amount, least, most, skus, services)                                                              \
    "{\"rate\":\"" rate "\",\"amount\":\"" amount "\",\"minimum_spend\":\"" least "\",\"maximum\":\"" most                \
    "\",\"skus\":[" skus "],\"services\":[" services "]}"
#define OFF(amount) COUPON("0", amount, "0", "0", "", "")
#define RATE(rate, most) COUPON(rate, "0", "0", most, "", "")
#define REQUESTS "\"storage.requests\""
#define LIMITS(list) "{\"limits\":[" list "]}"
#define LEAST(amount, more) "{\"minimum_spend\":\"" amount "\",\"services\":[],\"booked\":\"compute.server\"" more "}"
#define MOST(amount, services) "{\"minimum_spend\":\"0\",\"maximum_spend\":\"" amount "\",\"services\":[" services "]}"
#define TERM(amount, from, to)                                                                                         \
    "{\"of\":\"term\",\"minimum_spend\":\"" amount "\",\"services\":[],\"booked\":\"compute.server\",\"from\":\"" from  \
    "T00:00:00Z\",\"to\":\"" to "T00:00:00Z\"}"
enum { USES = 3, HELD = 3 };

// Account 1 (t-1, t-2) uses SKU 1 (storage) and SKU 2 (compute) in January 2026 at 1 EUR each.
struct money_case {
    const char *name, *stages, *deductions;
    struct {
        const char *terms;
        int from, to; // days of January; to 0: no end
        int64_t quantity;
    } coupons[HELD]; // held as h1, h2, ...
    struct {
        int tenant, sku;
        const char *quantity;
    } uses[USES];
    int due;             // day
    const char *earlier; // of the first limit's term; NULL: not known
    const char *charges; // not of usage: "TENANT.SKU.STAGE.DEDUCTION=LIST/CONTRACTED/EFFECTIVE/BILLED "
};

static const struct money_case cases[] = {
    {"nothing to take off", NULL, NULL, {{OFF("10"), 1, 0, 1}}, {{0}}, 31, NULL, ""},
    {"usage of nothing", NULL, NULL, {{OFF("10"), 1, 0, 1}}, {{1, 1, "0"}}, 31, NULL, ""},
    {"an amount", NULL, NULL, {{OFF("10"), 1, 0, 1}}, {{1, 1, "25"}}, 31, NULL, "1.1.13.1=0/0/-10/-10 "},
    {"all of it", NULL, NULL, {{OFF("10"), 1, 0, 1}}, {{1, 1, "10"}}, 31, NULL, "1.1.13.1=0/0/-10/-10 "},
    {"never below zero", NULL, NULL, {{OFF("10"), 1, 0, 1}}, {{1, 1, "9.999999999"}}, 31, NULL,
     "1.1.13.1=0/0/-9.999999999/-9.999999999 "},
    {"the least amount", NULL, NULL, {{OFF("0.000000000001"), 1, 0, 1}}, {{1, 1, "5"}}, 31, NULL,
     "1.1.13.1=0/0/-0.000000000001/-0.000000000001 "},
    {"two are held", NULL, NULL, {{OFF("10"), 1, 0, 2}}, {{1, 1, "25"}}, 31, NULL, "1.1.13.1=0/0/-20/-20 "},
    {"a rate is the same however many are held", NULL, NULL, {{RATE("0.1", "0"), 1, 0, 3}}, {{1, 1, "25"}}, 31, NULL,
     "1.1.13.1=0/0/-2.5/-2.5 "},
    {"a rate of all", NULL, NULL, {{RATE("1", "0"), 1, 0, 1}}, {{1, 1, "25"}}, 31, NULL, "1.1.13.1=0/0/-25/-25 "},
    {"its maximum, one below", NULL, NULL, {{RATE("0.1", "2.500000000001"), 1, 0, 1}}, {{1, 1, "25"}}, 31, NULL,
     "1.1.13.1=0/0/-2.5/-2.5 "},
    {"its maximum, one above", NULL, NULL, {{RATE("0.1", "2.499999999999"), 1, 0, 1}}, {{1, 1, "25"}}, 31, NULL,
     "1.1.13.1=0/0/-2.499999999999/-2.499999999999 "},
    // 0.000000001 x 0.0005 = 5e-13, half of the last place
    {"half of the last place", NULL, NULL, {{RATE("0.0005", "0"), 1, 0, 1}}, {{1, 1, "0.000000001"}}, 31, NULL,
     "1.1.13.1=0/0/-0.000000000001/-0.000000000001 "},
    {"a least spend, one below", NULL, NULL, {{COUPON("0", "5", "25.000000000001", "0", "", ""), 1, 0, 1}},
     {{1, 1, "25"}}, 31, NULL, ""},
    {"a least spend, at", NULL, NULL, {{COUPON("0", "5", "25", "0", "", ""), 1, 0, 1}}, {{1, 1, "25"}}, 31, NULL,
     "1.1.13.1=0/0/-5/-5 "},
    {"another SKU bears nothing, and does not count", NULL, NULL,
     {{COUPON("0", "5", "10", "0", REQUESTS, ""), 1, 0, 1}}, {{1, 1, "9"}, {1, 2, "100"}}, 31, NULL, ""},
    {"on a SKU", NULL, NULL, {{COUPON("0", "5", "9", "0", REQUESTS, ""), 1, 0, 1}}, {{1, 1, "9"}, {1, 2, "100"}}, 31, NULL,
     "1.1.13.1=0/0/-5/-5 "},
    {"on a service", NULL, NULL, {{COUPON("0", "5", "0", "0", "", "\"compute\""), 1, 0, 1}}, {{1, 1, "9"}, {1, 2, "100"}},
     31, NULL, "1.2.13.1=0/0/-5/-5 "},
    {"on a SKU and a service", NULL, NULL, {{COUPON("0.5", "0", "0", "0", REQUESTS, "\"compute\""), 1, 0, 1}},
     {{1, 1, "10"}, {1, 2, "30"}}, 31, NULL, "1.1.13.1=0/0/-5/-5 1.2.13.1=0/0/-15/-15 "},
    // 10 over three equal charges: the first by SKU, then tenant, bears the last place: compute.server, then storage.requests
    {"ties by SKU, then tenant", NULL, NULL, {{OFF("10"), 1, 0, 1}}, {{1, 1, "7"}, {2, 1, "7"}, {1, 2, "7"}}, 31, NULL,
     "1.1.13.1=0/0/-3.333333333333/-3.333333333333 1.2.13.1=0/0/-3.333333333334/-3.333333333334 "
     "2.1.13.1=0/0/-3.333333333333/-3.333333333333 "},
    {"ties of the last two places", NULL, NULL, {{OFF("20"), 1, 0, 1}}, {{1, 1, "7"}, {2, 1, "7"}, {1, 2, "7"}}, 31, NULL,
     "1.1.13.1=0/0/-6.666666666667/-6.666666666667 1.2.13.1=0/0/-6.666666666667/-6.666666666667 "
     "2.1.13.1=0/0/-6.666666666666/-6.666666666666 "},
    // h2 ends first: 30 - 10, then a half of what is left; h3 finds its least spend, which is that before coupons
    {"the one that ends soonest comes first", NULL, NULL,
     {{RATE("0.5", "0"), 1, 0, 1}, {OFF("10"), 1, 20, 1}, {COUPON("0", "7", "30", "0", "", ""), 1, 0, 1}}, {{1, 1, "30"}},
     31, NULL, "1.1.13.1=0/0/-10/-10 1.1.13.2=0/0/-10/-10 1.1.13.3=0/0/-7/-7 "},
    {"ties by id, and the last finds what is left", NULL, NULL, {{OFF("20"), 1, 0, 1}, {OFF("20"), 1, 0, 1}},
     {{1, 1, "30"}}, 31, NULL, "1.1.13.1=0/0/-20/-20 1.1.13.2=0/0/-10/-10 "},
    {"held before and after", NULL, NULL, {{OFF("1"), -30, 1, 1}, {OFF("1"), 31, 0, 1}}, {{1, 1, "30"}}, 31, NULL, ""},
    {"held for a part of the period", NULL, NULL, {{OFF("1"), -30, 2, 1}, {OFF("2"), 30, 0, 1}}, {{1, 1, "30"}}, 31, NULL,
     "1.1.13.1=0/0/-1/-1 1.1.13.2=0/0/-2/-2 "},
    {"the stage is not there", "free,limits", NULL, {{OFF("1"), 1, 0, 1}}, {{1, 1, "30"}}, 31, NULL, ""},

    {"a minimum without usage", NULL, LIMITS(LEAST("50", "")), {{0}}, {{0}}, 31, NULL, "0.2.14.1=50/50/50/50 "},
    {"before the period's time has passed", NULL, LIMITS(LEAST("50", "")), {{0}}, {{0}}, 30, NULL, ""},
    {"a minimum, one below", NULL, LIMITS(LEAST("50", "")), {{0}}, {{1, 1, "49.999999999"}}, 31, NULL,
     "0.2.14.1=0.000000001/0.000000001/0.000000001/0.000000001 "},
    {"a minimum, at", NULL, LIMITS(LEAST("50", "")), {{0}}, {{1, 1, "50"}}, 31, NULL, ""},
    {"a minimum since a later period", NULL, LIMITS(LEAST("50", ",\"from\":\"2026-01-01T00:15:00Z\"")), {{0}}, {{0}}, 31, NULL, ""},
    {"a minimum since this one", NULL, LIMITS(LEAST("50", ",\"from\":\"2026-01-01T00:00:00Z\"")), {{0}}, {{0}}, 31, NULL,
     "0.2.14.1=50/50/50/50 "},
    {"a minimum that has ended", NULL, LIMITS(LEAST("50", ",\"to\":\"2026-01-01T00:00:00Z\"")), {{0}}, {{0}}, 31, NULL, ""},
    {"a maximum, below it", NULL, LIMITS(MOST("30.000000000001", "")), {{0}}, {{1, 1, "30"}}, 31, NULL, ""},
    {"a maximum, at", NULL, LIMITS(MOST("30", "")), {{0}}, {{1, 1, "30"}}, 31, NULL, ""},
    {"a maximum, one above, before the end", NULL, LIMITS(MOST("29.999999999999", "")), {{0}}, {{1, 1, "30"}}, 2, NULL,
     "1.1.15.1=0/0/-0.000000000001/-0.000000000001 "},
    {"a maximum of nothing", NULL, LIMITS(MOST("0", "")), {{0}}, {{1, 1, "30"}, {2, 2, "10"}}, 31, NULL,
     "1.1.15.1=0/0/-30/-30 2.2.15.1=0/0/-10/-10 "},
    {"a maximum of one service, a minimum of all", NULL, LIMITS(MOST("5", "\"storage\"") "," LEAST("40", "")), {{0}},
     {{1, 1, "30"}, {2, 2, "10"}}, 31, NULL, "0.2.14.2=25/25/25/25 1.1.15.1=0/0/-25/-25 "},
    {"coupons before a minimum", NULL, LIMITS(LEAST("50", "")), {{OFF("10"), 1, 0, 1}}, {{1, 1, "55"}}, 31, NULL,
     "0.2.14.1=5/5/5/5 1.1.13.1=0/0/-10/-10 "},
    {"and after it", "limits,coupons", LIMITS(LEAST("60", "")), {{OFF("12"), 1, 0, 1}}, {{1, 1, "55"}}, 31, NULL,
     "0.2.13.1=0/0/-1/-1 0.2.14.1=5/5/5/5 1.1.13.1=0/0/-11/-11 "},
    {"a term, not its last period", NULL, LIMITS(TERM("50", "2026-01-01", "2026-03-01")), {{0}}, {{1, 1, "10"}}, 31, "0", ""},
    {"a term's last period, earlier ones not known", NULL, LIMITS(TERM("50", "2025-12-01", "2026-01-31")), {{0}},
     {{1, 1, "10"}}, 31, NULL, ""},
    {"a term, before its end", NULL, LIMITS(TERM("50", "2025-12-01", "2026-01-31")), {{0}}, {{1, 1, "10"}}, 30, "0", ""},
    {"a term of one period", NULL, LIMITS(TERM("50", "2026-01-01", "2026-01-31")), {{0}}, {{1, 1, "10"}}, 31, "0",
     "0.2.16.1=40/40/40/40 "},
    {"a term, one below", NULL, LIMITS(TERM("50", "2025-12-01", "2026-01-31")), {{0}}, {{1, 1, "10"}}, 31,
     "39.999999999999", "0.2.16.1=0.000000000001/0.000000000001/0.000000000001/0.000000000001 "},
    {"a term, at", NULL, LIMITS(TERM("50", "2025-12-01", "2026-01-31")), {{0}}, {{1, 1, "10"}}, 31, "40", ""},
    {"a term, far above", NULL, LIMITS(TERM("50", "2025-12-01", "2026-01-31")), {{0}}, {{1, 1, "10"}}, 31, "4000", ""},
    // 50 - 30 - (10 - 4); the period's own minimum does not see what made up for the term, nor does the coupon after it
    {"a term, then a minimum, then a coupon", "limits,coupons",
     LIMITS(TERM("50", "2025-12-01", "2026-01-31") "," LEAST("14", "")), {{OFF("100"), 1, 0, 1}}, {{1, 1, "10"}}, 31, "30",
     "0.2.13.1=0/0/-4/-4 0.2.14.2=4/4/4/4 0.2.16.1=10/10/10/10 1.1.13.1=0/0/-10/-10 "},
    {"coupons lower what counts for a term", NULL, LIMITS(TERM("50", "2025-12-01", "2026-01-31")), {{OFF("4"), 1, 0, 1}},
     {{1, 1, "10"}}, 31, "30", "0.2.16.1=14/14/14/14 1.1.13.1=0/0/-4/-4 "},
};

static instant_us day_of(int day)
{
    return catalogue_fixture_instant("2026-01-01T00:00:00Z") + (day - 1) * DAY_US;
}

static struct catalogue *catalogue_of(const struct money_case *row)
{
    static const char *const ids[] = {"h1", "h2", "h3"}, *const offers[] = {"o1", "o2", "o3"};
    struct catalogue_rows rows;
    catalogue_fixture(&rows);
    catalogue_fixture_price(&rows, 1, 1, 1, NULL, NULL, NULL, "1");
    catalogue_fixture_price(&rows, 2, 1, 2, NULL, NULL, NULL, "1");
    rows.agreements.row[0].stages = row->stages;
    rows.agreements.row[0].deductions = row->deductions;
    for (int64_t i = 0; i < HELD && row->coupons[i].terms; i++) {
        *ROW_NEW(&rows.offers) = (struct offer_row){.version = 1,
                                                    .number = i + 1,
                                                    .id = offers[i],
                                                    .name = "Coupon",
                                                    .kind = OFFER_COUPON,
                                                    .currency = "EUR",
                                                    .terms = row->coupons[i].terms};
        *ROW_NEW(&rows.holdings) = (struct holding_row){
            .version = 1,
            .number = i + 1,
            .id = ids[i],
            .account = 1,
            .offer = i + 1,
            .quantity = row->coupons[i].quantity,
            .effective_from = day_of(row->coupons[i].from),
            .effective_to = row->coupons[i].to ? day_of(row->coupons[i].to) : INSTANT_NONE};
    }
    return catalogue_fixture_build(&rows);
}

static enum err rate(const struct money_case *row, const struct catalogue *catalogue, struct arena *arena,
                     struct rated *rated, struct fault *fault)
{
    static struct usage_dimension set = {.id = {0, 1}, .text = "{}"};
    struct usage_line *lines = ARENA_ARRAY(arena, struct usage_line, USES);
    struct account_usage usage = {.account = 1,
                                  .period_start = day_of(1),
                                  .period_end = day_of(31),
                                  .due = day_of(row->due),
                                  .lines = lines,
                                  .dimensions = &set,
                                  .dimension_count = 1};
    struct amount *earlier = ARENA_ARRAY(arena, struct amount, HELD);
    if (row->earlier) {
        assert_int_equal(amount_parse(row->earlier, strlen(row->earlier), earlier, NULL), ERR_OK);
        usage.earlier = earlier;
    }
    for (; usage.line_count < USES && row->uses[usage.line_count].tenant; usage.line_count++) {
        struct usage_line *line = &lines[usage.line_count];
        const char *quantity = row->uses[usage.line_count].quantity;
        *line = (struct usage_line){.tenant = row->uses[usage.line_count].tenant,
                                    .meter = row->uses[usage.line_count].sku,
                                    .dimension_set = {0, 1},
                                    .segment = day_of(1)};
        assert_int_equal(quantity_parse(quantity, strlen(quantity), &line->quantity, NULL), ERR_OK);
    }
    return charge_rate(catalogue, catalogue_agreement(catalogue, 1, 0), &usage, arena, rated, fault);
}

static void print_charges(const struct rated *rated, struct text *out)
{
    for (size_t i = 0; i < rated->charge_count; i++) {
        const struct charge *charge = &rated->charges[i];
        const struct amount costs[] = {charge->list_cost, charge->contracted_cost, charge->effective_cost,
                                       charge->billed_cost};
        if (charge->stage == STAGE_USAGE) continue;
        assert_true(charge->quantity.nano == 0);
        text_print(out, "%lld.%d.%d.%lld", (long long)charge->tenant, charge->sku, (int)charge->stage,
                   (long long)charge->deduction);
        for (size_t c = 0; c < COUNT(costs); c++) {
            char digits[DECIMAL_TEXT_MAX];
            amount_print(costs[c], digits);
            text_print(out, "%c%s", c ? '/' : '=', digits);
        }
        text_add_char(out, ' ');
    }
}

static void coupons_and_limits_move_money(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct money_case *row = &cases[i];
        struct arena *arena = arena_new(4096);
        struct catalogue *catalogue = catalogue_of(row);
        struct rated rated;
        struct fault fault = {0};
        struct text out = {0};
        text_clear(&out);
        if (rate(row, catalogue, arena, &rated, &fault)) fail_msg("%s: %s", row->name, fault.reason);
        print_charges(&rated, &out);
        if (strcmp(out.data, row->charges) != 0)
            fail_msg("%s: got '%s', expected '%s'", row->name, out.data, row->charges);
        assert_true(rated.total.pico >= 0);
        text_free(&out);
        catalogue_release(catalogue);
        arena_free(arena);
    }
}

static void too_much_money_names_the_holding(void **state)
{
    (void)state;
    const struct money_case row = {.coupons = {{OFF("99999999999999999999999999"), 1, 0, 2}}, .uses = {{1, 1, "1"}}, .due = 31};
    struct arena *arena = arena_new(4096);
    struct catalogue *catalogue = catalogue_of(&row);
    struct rated rated;
    struct fault fault = {0};
    assert_int_equal(rate(&row, catalogue, arena, &rated, &fault), ERR_LIMIT);
    assert_non_null(strstr(fault.reason, "holding h1"));
    catalogue_release(catalogue);
    arena_free(arena);
}

static void the_greatest_amounts_are_split(void **state)
{
    (void)state;
    // 1e26 - 1 is the greatest amount: three charges of 3e25 have a sum, and a coupon of 1e25 is a ninth of it
    const struct money_case row = {
        .coupons = {{OFF("9000000000000000000000000"), 1, 0, 1}},
        .uses = {{1, 1, "30000000000000000000000000"}, {2, 1, "30000000000000000000000000"}, {1, 2, "30000000000000000000000000"}},
        .due = 31};
    struct arena *arena = arena_new(4096);
    struct catalogue *catalogue = catalogue_of(&row);
    struct rated rated;
    struct fault fault = {0};
    struct text out = {0};
    text_clear(&out);
    assert_int_equal(rate(&row, catalogue, arena, &rated, &fault), ERR_OK);
    print_charges(&rated, &out);
    assert_string_equal(out.data, "1.1.13.1=0/0/-3000000000000000000000000/-3000000000000000000000000 "
                                  "1.2.13.1=0/0/-3000000000000000000000000/-3000000000000000000000000 "
                                  "2.1.13.1=0/0/-3000000000000000000000000/-3000000000000000000000000 ");
    text_free(&out);
    catalogue_release(catalogue);
    arena_free(arena);
}

// A coupon on a shared price is its tenants' by what they used; one on the account's own fee is nobody's.
static void tenants_have_their_shares(void **state)
{
    (void)state;
    const struct money_case row = {.coupons = {{OFF("10"), 1, 0, 1}}, .uses = {{1, 1, "1"}, {2, 1, "2"}}, .due = 31};
    struct arena *arena = arena_new(4096);
    struct catalogue_rows rows;
    catalogue_fixture(&rows);
    catalogue_fixture_price(&rows, 1, 1, 1, NULL, NULL, NULL, "0")->model = PRICE_GRADUATED;
    *ROW_NEW(&rows.tiers) = (struct price_tier_row){.price = 1, .last = true, .unit_price = {INT64_C(10000000000000)}};
    *ROW_NEW(&rows.offers) = (struct offer_row){1, 1, "o1", "Coupon", OFFER_COUPON, "EUR", row.coupons[0].terms};
    *ROW_NEW(&rows.holdings) = (struct holding_row){1, 1, "h1", 1, 1, 1, day_of(1), INSTANT_NONE, INSTANT_NONE};
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    struct usage_dimension set = {.id = {0, 1}, .text = "{}"};
    const struct usage_line lines[] = {
        {.tenant = 1, .meter = 1, .dimension_set = {0, 1}, .segment = day_of(1), .quantity = {1000000000}},
        {.tenant = 2, .meter = 1, .dimension_set = {0, 1}, .segment = day_of(1), .quantity = {2000000000}}};
    const struct account_usage usage = {.account = 1, .period_start = day_of(1), .period_end = day_of(31), .due = day_of(31),
                                        .lines = lines, .line_count = 2, .dimensions = &set, .dimension_count = 1};
    const struct agreement *terms = catalogue_agreement(catalogue, 1, 0);
    const struct tenant_share *shares;
    size_t count;
    struct rated rated;
    assert_int_equal(charge_rate(catalogue, terms, &usage, arena, &rated, NULL), ERR_OK);
    assert_int_equal(charge_share(catalogue, terms, &usage, &rated, arena, &shares, &count, NULL), ERR_OK);
    assert_int_equal(count, 4); // 30 of 1 : 2, less 10 of 1 : 2
    assert_true(shares[0].billed_cost.pico == INT64_C(10000000000000));
    assert_true(shares[1].billed_cost.pico == INT64_C(20000000000000));
    assert_true(shares[2].billed_cost.pico == INT64_C(-3333333333333));
    assert_true(shares[3].billed_cost.pico == INT64_C(-6666666666667));
    catalogue_release(catalogue);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coupons_and_limits_move_money),
        cmocka_unit_test(too_much_money_names_the_holding),
        cmocka_unit_test(the_greatest_amounts_are_split),
        cmocka_unit_test(tenants_have_their_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
