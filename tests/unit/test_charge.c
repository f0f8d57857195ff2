// SPDX-License-Identifier: Apache-2.0
// F's arithmetic in tables: usage lines and prices in, charges out, each with the sum in a comment.
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
enum { LINES_MAX = 6, PRICES_MAX = 5, SETS_MAX = 4, REQUESTS = 1, SERVERS = 2, LIST = 1, PARTNER = 2 };

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

// Dimension sets by number (1, 2, ...); of the requests meter: operation, of servers: the others.
static const char *const set_texts[SETS_MAX] = {"{}", "{\"operation\":\"put\"}", "{\"os\":\"linux\",\"region\":\"r\"}",
                                                "{\"flavour\":\"big\",\"os\":\"linux\",\"region\":\"r\"}"};

// A line of usage of SKU 1 (meter requests) or 2 (servers); day of January 2026, which is also its segment. A short run
// has run_ms.
struct used {
    int tenant, meter, set, day;
    const char *quantity;
    int run_ms;
};
// tiers: "BOUND@PRICE BOUND@PRICE *@PRICE", bounds in pricing units; NULL: per unit.
struct priced {
    int book, sku;
    const char *match, *per, *price, *tiers;
    int from_day, minimum_seconds, increment_ms;
};

struct rating_case {
    const char *name;
    int account; // 1: acme (t-1, t-2; list), 2: the partner (t-3; its own book), 3: bolt (t-3; list)
    struct priced prices[PRICES_MAX];
    struct used lines[LINES_MAX];
    const char *charges;  // "TENANT/SKU/PRICE.TIER.STAGE=QUANTITY:COST ", tenant 0 = shared; sorted by key
    const char *unpriced; // how many
};

#define FREE_THOUSAND "1000@0 3000@0.5 *@0.1"
static const struct rating_case cases[] = {
    {"nothing", 1, {{LIST, REQUESTS, NULL, "1", "2", NULL, 0, 0, 0}}, {{0}}, "", "0"},
    {"quantity x price / per", 1, {{LIST, REQUESTS, NULL, "3600", "0.36", NULL, 0, 0, 0}}, {{1, 1, 1, 1, "7200", 0}},
     "1/1/1.0.0=7200:0.72 ", "0"},
    {"a third rounds down", 1, {{LIST, REQUESTS, NULL, "3", "1", NULL, 0, 0, 0}}, {{1, 1, 1, 1, "1", 0}},
     "1/1/1.0.0=1:0.333333333333 ", "0"},
    {"two thirds round up", 1, {{LIST, REQUESTS, NULL, "3", "1", NULL, 0, 0, 0}}, {{1, 1, 1, 1, "2", 0}},
     "1/1/1.0.0=2:0.666666666667 ", "0"},
    // 1e-9 x 0.0005 = 5e-13, half of the last place
    {"half of the last place rounds up", 1, {{LIST, REQUESTS, NULL, "1", "0.0005", NULL, 0, 0, 0}}, {{1, 1, 1, 1,
     "0.000000001", 0}}, "1/1/1.0.0=0.000000001:0.000000000001 ", "0"},
    {"one below that rounds down", 1, {{LIST, REQUESTS, NULL, "1", "0.000499999999", NULL, 0, 0, 0}}, {{1, 1, 1, 1,
     "0.000000001", 0}}, "1/1/1.0.0=0.000000001:0 ", "0"},
    {"rounded once over the period, not per line", 1, {{LIST, REQUESTS, NULL, "3", "1", NULL, 0, 0, 0}, {LIST, REQUESTS,
     NULL, "3", "2", NULL, 20, 0, 0}}, {{1, 1, 1, 1, "1", 0}, {1, 1, 1, 20, "1", 0}},
     "1/1/1.0.0=1:0.333333333333 1/1/2.0.0=1:0.666666666667 ", "0"},
    {"one charge per tenant and dimension set", 1, {{LIST, REQUESTS, NULL, "1", "2", NULL, 0, 0, 0}}, {{1, 1, 1, 1, "1",
     0}, {2, 1, 1, 1, "2", 0}, {1, 1, 2, 1, "3", 0}}, "1/1/1.0.0=1:2 1/1/1.0.0=3:6 2/1/1.0.0=2:4 ", "0"},
    {"a free price is a charge of zero", 1, {{LIST, REQUESTS, NULL, "1", "0", NULL, 0, 0, 0}}, {{1, 1, 1, 1, "5", 0}},
     "1/1/1.0.0=5:0 ", "0"},

    {"tier: zero", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}}, {{1, 1, 1, 1, "0", 0}}, "", "0"},
    {"tier: one below", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}}, {{1, 1, 1, 1, "999", 0}},
     "0/1/1.0.0=999:0 ", "0"},
    {"tier: at", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}}, {{1, 1, 1, 1, "1000", 0}},
     "0/1/1.0.0=1000:0 ", "0"},
    {"tier: one above", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}}, {{1, 1, 1, 1, "1001", 0}},
     "0/1/1.0.0=1000:0 0/1/1.1.0=1:0.5 ", "0"},
    {"tier: the least bit below", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}}, {{1, 1, 1, 1,
     "999.999999999", 0}}, "0/1/1.0.0=999.999999999:0 ", "0"},
    // 0.000000001 x 0.5
    {"tier: the least bit above", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}}, {{1, 1, 1, 1,
     "1000.000000001", 0}}, "0/1/1.0.0=1000:0 0/1/1.1.0=0.000000001:0.0000000005 ", "0"},
    {"tier: at the last bound", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}}, {{1, 1, 1, 1, "3000",
     0}},
     "0/1/1.0.0=1000:0 0/1/1.1.0=2000:1000 ", "0"},
    {"tier: the last has no end", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}}, {{1, 1, 1, 1,
     "1000003000", 0}}, "0/1/1.0.0=1000:0 0/1/1.1.0=2000:1000 0/1/1.2.0=1000000000:100000000 ", "0"},
    {"tier: bounds are in pricing units", 1, {{LIST, REQUESTS, NULL, "1000000", NULL, "1@0 *@0.20", 0, 0, 0}}, {{1, 1,
     1,
     1, "2500000", 0}}, "0/1/1.0.0=1000000:0 0/1/1.1.0=1500000:0.3 ", "0"},
    // 800 + 400: t-2 enters the second tier because of t-1
    {"tier: shared by the account's tenants", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}}, {{1, 1,
     1, 1,
     "800", 0}, {2, 1, 1, 1, "400", 0}}, "0/1/1.0.0=1000:0 0/1/1.1.0=200:100 ", "0"},
    {"tier: shared by dimension sets under one match", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}},
     {{1,
     1, 1, 1, "800", 0}, {1, 1, 2, 1, "400", 0}}, "0/1/1.0.0=1000:0 0/1/1.1.0=200:100 ", "0"},
    {"tier: another match is another ladder", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}, {LIST,
     REQUESTS, "{\"operation\":\"put\"}", "1", NULL, "500@0 *@1", 0, 0, 0}}, {{1, 1, 1, 1, "800", 0}, {1, 1, 2, 1,
     "600",
     0}}, "0/1/1.0.0=800:0 0/1/2.0.0=500:0 0/1/2.1.0=100:100 ", "0"},
    // 700 under the old one; the new one goes on at 700: 300 free, 500 x 0.25
    {"tier: a new version goes on where the old one was", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0},
     {LIST, REQUESTS, NULL, "1", NULL, "1000@0 *@0.25", 20, 0, 0}}, {{1, 1, 1, 20, "800", 0}, {1, 1, 1, 1, "700", 0}},
     "0/1/1.0.0=700:0 0/1/2.0.0=300:0 0/1/2.1.0=500:125 ", "0"},
    {"tier: the new version is per unit", 1, {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}, {LIST,
     REQUESTS,
     NULL, "1", "2", NULL, 20, 0, 0}}, {{1, 1, 1, 1, "700", 0}, {1, 1, 1, 20, "800", 0}},
     "0/1/1.0.0=700:0 1/1/2.0.0=800:1600 ", "0"},

    {"the price of the segment", 1, {{LIST, REQUESTS, NULL, "1", "1", NULL, 0, 0, 0}, {LIST, REQUESTS, NULL, "1", "3",
     NULL, 20, 0, 0}}, {{1, 1, 1, 1, "5", 0}, {1, 1, 1, 20, "7", 0}}, "1/1/1.0.0=5:5 1/1/2.0.0=7:21 ", "0"},
    {"the most specific match", 1, {{LIST, SERVERS, NULL, "1", "1", NULL, 0, 0, 0}, {LIST, SERVERS,
     "{\"os\":\"linux\"}",
     "1", "2", NULL, 0, 0, 0}, {LIST, SERVERS, "{\"flavour\":\"big\",\"os\":\"linux\"}", "1", "4", NULL, 0, 0, 0}},
     {{1, 2, 1,
     1, "1", 0}, {1, 2, 3, 1, "1", 0}, {1, 2, 4, 1, "1", 0}}, "1/2/1.0.0=1:1 1/2/2.0.0=1:2 1/2/3.0.0=1:4 ", "0"},
    {"its own book first, then the parent", 2, {{LIST, REQUESTS, NULL, "1", "10", NULL, 0, 0, 0}, {LIST, SERVERS, NULL,
     "1", "20", NULL, 0, 0, 0}, {PARTNER, REQUESTS, NULL, "1", "8", NULL, 0, 0, 0}}, {{3, 1, 1, 1, "1", 0}, {3, 2, 1,
     1, "1",
     0}}, "3/1/3.0.0=1:8 3/2/2.0.0=1:20 ", "0"},

    // 60 - 10 = 50 s at 2 a second
    {"minimum: short run", 1, {{LIST, SERVERS, NULL, "1", "0.1", NULL, 0, 60, 0}}, {{1, 2, 1, 1, "20", 0}, {1, 2, 1, 1,
     "2", 10000}}, "1/2/1.0.0=20:2 1/2/1.0.1=100:10 ", "0"},
    {"minimum: one millisecond short", 1, {{LIST, SERVERS, NULL, "1", "0.1", NULL, 0, 60, 0}}, {{1, 2, 1, 1, "59.999",
     0},
     {1, 2, 1, 1, "1", 59999}}, "1/2/1.0.0=59.999:5.9999 1/2/1.0.1=0.001:0.0001 ", "0"},
    {"minimum: exactly as long", 1, {{LIST, SERVERS, NULL, "1", "0.1", NULL, 0, 60, 0}}, {{1, 2, 1, 1, "60", 0}, {1,
     2, 1,
     1, "1", 60000}}, "1/2/1.0.0=60:6 ", "0"},
    {"minimum: each run has its own", 1, {{LIST, SERVERS, NULL, "1", "1", NULL, 0, 60, 0}}, {{1, 2, 1, 1, "20", 0},
     {1, 2,
     1, 1, "1", 10000}, {1, 2, 1, 1, "1", 10000}}, "1/2/1.0.0=20:20 1/2/1.0.1=100:100 ", "0"},
    {"minimum: none", 1, {{LIST, SERVERS, NULL, "1", "1", NULL, 0, 0, 0}}, {{1, 2, 1, 1, "1", 0}, {1, 2, 1, 1, "1",
     1000}},
     "1/2/1.0.0=1:1 ", "0"},

    // 61 s are paid as 120, 59.999 s as 60
    {"increment: one more than whole", 1, {{LIST, SERVERS, NULL, "1", "0.1", NULL, 0, 0, 60000}}, {{1, 2, 1, 1, "61",
     0},
     {1, 2, 1, 1, "1", 61000}}, "1/2/1.0.0=61:6.1 1/2/1.0.1=59:5.9 ", "0"},
    {"increment: whole", 1, {{LIST, SERVERS, NULL, "1", "0.1", NULL, 0, 0, 60000}}, {{1, 2, 1, 1, "60", 0}, {1, 2, 1, 1,
     "1", 60000}}, "1/2/1.0.0=60:6 ", "0"},
    {"increment: one less than whole", 1, {{LIST, SERVERS, NULL, "1", "0.1", NULL, 0, 0, 60000}}, {{1, 2, 1, 1,
     "59.999",
     0}, {1, 2, 1, 1, "2", 59999}}, "1/2/1.0.0=59.999:5.9999 1/2/1.0.1=0.002:0.0002 ", "0"},
    {"increment: of a run of 15 days", 1, {{LIST, SERVERS, NULL, "1", "1", NULL, 0, 0, 3600000}}, {{1, 2, 1, 1,
     "1296001",
     0}, {1, 2, 1, 1, "1", 1296001000}}, "1/2/1.0.0=1296001:1296001 1/2/1.0.1=3599:3599 ", "0"},
    // 50 s in steps of 7 are 56, the minimum is 60; 61 s are 63
    {"increment below the minimum", 1, {{LIST, SERVERS, NULL, "1", "1", NULL, 0, 60, 7000}}, {{1, 2, 1, 1, "50", 0}, {1,
     2, 1, 1, "1", 50000}}, "1/2/1.0.0=50:50 1/2/1.0.1=10:10 ", "0"},
    {"increment above the minimum", 1, {{LIST, SERVERS, NULL, "1", "1", NULL, 0, 60, 7000}}, {{1, 2, 1, 1, "61", 0}, {1,
     2, 1, 1, "1", 61000}}, "1/2/1.0.0=61:61 1/2/1.0.1=2:2 ", "0"},

    {"unpriced: no price of the SKU", 1, {{LIST, SERVERS, NULL, "1", "1", NULL, 0, 0, 0}}, {{1, 1, 1, 1, "5", 0}}, "",
     "1"},
    {"unpriced: no match", 1, {{LIST, SERVERS, "{\"os\":\"windows\"}", "1", "1", NULL, 0, 0, 0}}, {{1, 2, 3, 1, "5",
     0}},
     "", "1"},
    {"unpriced: not yet", 1, {{LIST, REQUESTS, NULL, "1", "1", NULL, 20, 0, 0}}, {{1, 1, 1, 1, "5", 0}, {1, 1, 1, 20,
     "6",
     0}}, "1/1/1.0.0=6:6 ", "1"},
    {"unpriced: a quantity of zero needs none", 1, {{LIST, SERVERS, NULL, "1", "1", NULL, 0, 0, 0}}, {{1, 1, 1, 1, "0",
     0}}, "", "0"},
};

static instant_us day_of(int day)
{
    char text[24];
    snprintf(text, sizeof text, "2026-01-%02dT00:00:00Z", day);
    return catalogue_fixture_instant(text);
}

static struct quantity quantity_from(const char *text)
{
    struct quantity quantity = QUANTITY_ZERO;
    if (quantity_parse(text, strlen(text), &quantity, NULL)) fail_msg("'%s' is no quantity", text);
    return quantity;
}

static void add_tiers(struct catalogue_rows *rows, int64_t number, const char *text)
{
    for (int tier = 0; *text; tier++) {
        char bound[24], price[24];
        int used = 0;
        assert_int_equal(sscanf(text, "%23[^@]@%23[^ ]%n", bound, price, &used), 2);
        struct price_tier_row *row = ROW_NEW(&rows->tiers);
        *row = (struct price_tier_row){.price = number, .tier = tier, .last = bound[0] == '*'};
        if (!row->last) row->up_to = quantity_from(bound);
        assert_int_equal(price_parse(price, strlen(price), &row->unit_price, NULL), ERR_OK);
        text += used;
        text += strspn(text, " ");
    }
}

static struct catalogue *catalogue_of(const struct priced *prices)
{
    struct catalogue_rows rows;
    catalogue_fixture(&rows);
    for (int i = 0; i < PRICES_MAX && prices[i].book; i++) {
        char from[24];
        snprintf(from, sizeof from, "2026-01-%02dT00:00:00Z", prices[i].from_day);
        struct price_row *row =
            catalogue_fixture_price(&rows, i + 1, prices[i].book, prices[i].sku, prices[i].match,
                                    prices[i].from_day ? from : NULL, NULL, prices[i].price ? prices[i].price : "0");
        row->per = quantity_from(prices[i].per);
        row->minimum_seconds = prices[i].minimum_seconds;
        row->increment_us = prices[i].increment_ms * (SECOND_US / 1000);
        if (prices[i].tiers) row->model = PRICE_GRADUATED;
        if (prices[i].tiers) add_tiers(&rows, i + 1, prices[i].tiers);
    }
    return catalogue_fixture_build(&rows);
}

static void usage_of(int account, const struct used *lines, struct account_usage *usage)
{
    struct usage_dimension *sets = ARENA_ARRAY(arena, struct usage_dimension, SETS_MAX);
    struct usage_line *list = ARENA_ARRAY(arena, struct usage_line, LINES_MAX);
    *usage = (struct account_usage){.account = account,
                                    .period_start = day_of(1),
                                    .period_end = day_of(31),
                                    .dimensions = sets,
                                    .dimension_count = SETS_MAX,
                                    .lines = list};
    for (size_t i = 0; i < SETS_MAX; i++) {
        sets[i] = (struct usage_dimension){.id = {0, i + 1}, .text = set_texts[i]};
        assert_int_equal(dimension_set_read(arena, slice_of(set_texts[i]), &sets[i].set, NULL), ERR_OK);
    }
    for (; usage->line_count < LINES_MAX && lines[usage->line_count].tenant; usage->line_count++) {
        const struct used *used = &lines[usage->line_count];
        struct usage_line *line = &list[usage->line_count];
        *line = (struct usage_line){.tenant = used->tenant,
                                    .meter = used->meter,
                                    .dimension_set = {0, (uint64_t)used->set},
                                    .segment = day_of(used->day)};
        if (used->run_ms) {
            line->kind = USAGE_RUN;
            line->run_us = (int64_t)used->run_ms * 1000;
            line->run_value = quantity_from(used->quantity);
        } else {
            line->quantity = quantity_from(used->quantity);
        }
    }
}

static void print_charges(const struct rated *rated, struct text *out)
{
    for (size_t i = 0; i < rated->charge_count; i++) {
        const struct charge *charge = &rated->charges[i];
        char quantity[DECIMAL_TEXT_MAX], cost[DECIMAL_TEXT_MAX];
        quantity_print(charge->quantity, quantity);
        amount_print(charge->billed_cost, cost);
        text_print(out, "%lld/%d/%lld.%d.%d=%s:%s ", (long long)charge->tenant, charge->sku, (long long)charge->price,
                   charge->tier, (int)charge->stage, quantity, cost);
    }
}

static const struct agreement *terms_of(const struct catalogue *catalogue, int account)
{
    const struct agreement *terms = catalogue_agreement(catalogue, account, day_of(1));
    assert_non_null(terms);
    return terms;
}

static void usage_becomes_charges(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rating_case *row = &cases[i];
        struct catalogue *catalogue = catalogue_of(row->prices);
        struct account_usage usage;
        struct rated rated;
        struct fault fault = {0};
        struct text out = {0};
        char unpriced[16];
        usage_of(row->account, row->lines, &usage);
        if (charge_rate(catalogue, terms_of(catalogue, row->account), &usage, arena, &rated, &fault))
            fail_msg("%s: %s", row->name, fault.reason);
        print_charges(&rated, &out);
        snprintf(unpriced, sizeof unpriced, "%zu", rated.unpriced_count);
        if (strcmp(out.data ? out.data : "", row->charges) != 0)
            fail_msg("%s: got '%s', expected '%s'", row->name, out.data ? out.data : "", row->charges);
        if (strcmp(unpriced, row->unpriced) != 0)
            fail_msg("%s: %s unpriced, expected %s", row->name, unpriced, row->unpriced);
        int128 sum = 0;
        for (size_t c = 0; c < rated.charge_count; c++) {
            sum += rated.charges[c].billed_cost.pico;
            assert_true(rated.charges[c].billed_cost.pico == rated.charges[c].contracted_cost.pico);
            assert_true(rated.charges[c].billed_cost.pico == rated.charges[c].effective_cost.pico);
        }
        assert_true(sum == rated.total.pico);
        text_free(&out);
        catalogue_release(catalogue);
    }
}

// What the same usage would cost at the last parent of the book, when that prices it per unit.
static void list_cost_is_the_parent_books(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct priced prices[PRICES_MAX];
        const char *list, *contracted;
    } rows[] = {
        {"the parent prices it", {{LIST, REQUESTS, NULL, "1", "10", NULL, 0, 0, 0}, {PARTNER, REQUESTS, NULL, "1", "8",
         NULL, 0, 0, 0}}, "50", "40"},
        {"the parent does not", {{LIST, SERVERS, NULL, "1", "10", NULL, 0, 0, 0}, {PARTNER, REQUESTS, NULL, "1", "8",
     NULL,
         0, 0, 0}}, "40", "40"},
        {"the parent's is graduated", {{LIST, REQUESTS, NULL, "1", NULL, FREE_THOUSAND, 0, 0, 0}, {PARTNER, REQUESTS,
     NULL,
         "1", "8", NULL, 0, 0, 0}}, "40", "40"},
        {"the parent changes in mid-period", // 2 x 10 + 3 x 20
         {{LIST, REQUESTS, NULL, "1", "10", NULL, 0, 0, 0},
          {LIST, REQUESTS, NULL, "1", "20", NULL, 20, 0, 0},
          {PARTNER, REQUESTS, NULL, "1", "8", NULL, 0, 0, 0}},
         "80",
         "40"},
    };
    static const struct used lines[LINES_MAX] = {{3, 1, 1, 1, "2", 0}, {3, 1, 1, 20, "3", 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct catalogue *catalogue = catalogue_of(rows[i].prices);
        struct account_usage usage;
        struct rated rated;
        char list[DECIMAL_TEXT_MAX], contracted[DECIMAL_TEXT_MAX];
        usage_of(2, lines, &usage);
        assert_int_equal(charge_rate(catalogue, terms_of(catalogue, 2), &usage, arena, &rated, NULL), ERR_OK);
        assert_int_equal(rated.charge_count, 1);
        amount_print(rated.charges[0].list_cost, list);
        amount_print(rated.charges[0].contracted_cost, contracted);
        if (strcmp(list, rows[i].list) != 0 || strcmp(contracted, rows[i].contracted) != 0)
            fail_msg("%s: list %s, contracted %s", rows[i].name, list, contracted);
        catalogue_release(catalogue);
    }
}

static void overflow_names_tenant_and_meter(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct priced price;
        const char *quantity;
    } rows[] = {
        {"per unit", {LIST, REQUESTS, NULL, "1", "99999999999999999999999999", NULL, 0, 0, 0}, "1000000000000000"},
        {"graduated", {LIST, REQUESTS, NULL, "1", NULL, "1@0 *@99999999999999999999999", 0, 0, 0}, "1000000000000000"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct priced prices[PRICES_MAX] = {rows[i].price};
        const struct used lines[LINES_MAX] = {{2, 1, 1, 1, rows[i].quantity, 0}};
        struct catalogue *catalogue = catalogue_of(prices);
        struct account_usage usage;
        struct rated rated;
        struct fault fault = {0};
        usage_of(1, lines, &usage);
        assert_int_equal(charge_rate(catalogue, terms_of(catalogue, 1), &usage, arena, &rated, &fault), ERR_LIMIT);
        if (!strstr(fault.reason, "t-2") || !strstr(fault.reason, "requests"))
            fail_msg("%s: '%s'", rows[i].name, fault.reason);
        catalogue_release(catalogue);
    }
}

static void a_dimension_set_that_was_not_loaded_is_a_bug(void **state)
{
    (void)state;
    const struct priced prices[PRICES_MAX] = {{LIST, REQUESTS, NULL, "1", "1", NULL, 0, 0, 0}};
    const struct used lines[LINES_MAX] = {{1, 1, 99, 1, "1", 0}};
    struct catalogue *catalogue = catalogue_of(prices);
    struct account_usage usage;
    struct rated rated;
    usage_of(1, lines, &usage);
    assert_int_equal(charge_rate(catalogue, terms_of(catalogue, 1), &usage, arena, &rated, NULL), ERR_BUG);
    catalogue_release(catalogue);
}

// A shared charge over its tenants: "TENANT=QUANTITY:COST " in the order of the shares.
static void shares_follow_quantity(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct priced price;
        struct used lines[LINES_MAX];
        const char *shares;
    } rows[] = {
        {"one tenant has it all", {LIST, REQUESTS, NULL, "1", NULL, "*@0.5", 0, 0, 0}, {{2, 1, 1, 1, "10", 0}},
     "2=10:5 "},
        {"by quantity", {LIST, REQUESTS, NULL, "1", NULL, "*@0.5", 0, 0, 0}, {{1, 1, 1, 1, "30", 0}, {2, 1, 1, 1, "10",
         0}}, "1=30:15 2=10:5 "},
        {"over all dimension sets", {LIST, REQUESTS, NULL, "1", NULL, "*@0.5", 0, 0, 0}, {{1, 1, 1, 1, "10", 0}, {1,
     1, 2,
         1, "20", 0}, {2, 1, 1, 1, "10", 0}}, "1=30:15 2=10:5 "},
        // 1 x 1/3: 0.333333333333 in all; by 1:1 that leaves one unit, which goes to the first
        {"a unit that is left over", {LIST, REQUESTS, NULL, "6", NULL, "*@1", 0, 0, 0}, {{1, 1, 1, 1, "1", 0}, {2, 1,
     1, 1,
         "1", 0}}, "1=1:0.166666666667 2=1:0.166666666666 "},
        // the tier above 1000 has 200 units: 800/1200 and 400/1200 of them
        {"of every tier entered", {LIST, REQUESTS, NULL, "1", NULL, "1000@0 *@0.5", 0, 0, 0}, {{1, 1, 1, 1, "800", 0},
     {2,
         1, 1, 1, "400", 0}},
         "1=666.666666667:0 2=333.333333333:0 1=133.333333333:66.666666666667 2=66.666666667:33.333333333333 "},
        {"what is not shared is its tenant's", {LIST, REQUESTS, NULL, "1", "2", NULL, 0, 0, 0}, {{1, 1, 1, 1, "3", 0},
     {2,
         1, 1, 1, "4", 0}}, "1=3:6 2=4:8 "},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct priced prices[PRICES_MAX] = {rows[i].price};
        struct catalogue *catalogue = catalogue_of(prices);
        struct account_usage usage;
        struct rated rated;
        const struct tenant_share *shares;
        struct text out = {0};
        size_t count;
        usage_of(1, rows[i].lines, &usage);
        assert_int_equal(charge_rate(catalogue, terms_of(catalogue, 1), &usage, arena, &rated, NULL), ERR_OK);
        assert_int_equal(charge_share(catalogue, terms_of(catalogue, 1), &usage, &rated, arena, &shares, &count, NULL),
                         ERR_OK);
        int128 sum = 0;
        for (size_t s = 0; s < count; s++) {
            char quantity[DECIMAL_TEXT_MAX], cost[DECIMAL_TEXT_MAX];
            quantity_print(shares[s].quantity, quantity);
            amount_print(shares[s].billed_cost, cost);
            text_print(&out, "%lld=%s:%s ", (long long)shares[s].tenant, quantity, cost);
            sum += shares[s].billed_cost.pico;
        }
        if (strcmp(out.data, rows[i].shares) != 0)
            fail_msg("%s: got '%s', expected '%s'", rows[i].name, out.data, rows[i].shares);
        assert_true(sum == rated.total.pico);
        text_free(&out);
        catalogue_release(catalogue);
    }
}

// The shares of one charge among those of many: the first, one in the middle, the last, and of a key that has no charge.
static void shares_of_a_charge_are_found(void **state)
{
    (void)state;
    const struct priced prices[PRICES_MAX] = {{LIST, REQUESTS, NULL, "1", NULL, "10@0 *@0.5", 0, 0, 0},
                                              {LIST, SERVERS, NULL, "1", "1", NULL, 0, 0, 0}};
    const struct used lines[LINES_MAX] = {{1, 1, 1, 1, "8", 0}, {2, 1, 1, 1, "12", 0}, {1, 2, 1, 1, "3", 0}};
    struct catalogue *catalogue = catalogue_of(prices);
    struct account_usage usage, none = {0};
    struct rated rated, empty;
    const struct tenant_share *shares;
    size_t count, found;
    usage_of(1, lines, &usage);
    assert_int_equal(charge_rate(catalogue, terms_of(catalogue, 1), &usage, arena, &rated, NULL), ERR_OK);
    assert_int_equal(charge_share(catalogue, terms_of(catalogue, 1), &usage, &rated, arena, &shares, &count, NULL),
     ERR_OK);
    assert_int_equal(rated.charge_count, 3); // two tiers, which are shared, and the server of tenant 1
    assert_int_equal(count, 5);
    for (size_t i = 0; i < 3; i++) {
        const struct charge key = rated.charges[i];
        assert_ptr_equal(charge_shares_of(&rated, shares, count, &key, &found), &shares[i * 2]);
        assert_int_equal(found, i == 2 ? 1 : 2);
    }
    struct charge absent = rated.charges[0];
    absent.stage = STAGE_FREE;
    assert_null(charge_shares_of(&rated, shares, count, &absent, &found));
    assert_int_equal(found, 0);
    assert_int_equal(charge_rate(catalogue, terms_of(catalogue, 1), &none, arena, &empty, NULL), ERR_OK);
    assert_int_equal(charge_share(catalogue, terms_of(catalogue, 1), &none, &empty, arena, &shares, &count, NULL),
     ERR_OK);
    assert_int_equal(count, 0);
    assert_null(charge_shares_of(&empty, shares, count, &absent, &found));
    catalogue_release(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(usage_becomes_charges, begin, end),
        cmocka_unit_test_setup_teardown(list_cost_is_the_parent_books, begin, end),
        cmocka_unit_test_setup_teardown(overflow_names_tenant_and_meter, begin, end),
        cmocka_unit_test_setup_teardown(a_dimension_set_that_was_not_loaded_is_a_bug, begin, end),
        cmocka_unit_test_setup_teardown(shares_follow_quantity, begin, end),
        cmocka_unit_test_setup_teardown(shares_of_a_charge_are_found, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
