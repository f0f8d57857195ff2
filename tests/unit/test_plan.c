// SPDX-License-Identifier: Apache-2.0
// Catalogue files against what is in force: what is added, what is refused, and which usage is priced anew. No
// database. '@' in a text marks the place of an expected refusal (tests/support/marked_text.h).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/marked_text.h"
#include "tests/support/plan_world.h"

static void add_changes(const struct plan *plan, struct text *out)
{
    for (size_t i = 0; i < plan->change_count; i++)
        text_print(out, "%c %s %s\n", plan->changes[i].added ? '+' : '~', plan->changes[i].kind, plan->changes[i].text);
}

// "price in book 2 of meter 1 from 2026-02-01T00:00:00Z to the end"
static void add_effects(const struct plan *plan, struct text *out)
{
    static const char *const kinds[] = {
        [EFFECT_PRICE] = "price", [EFFECT_MEMBER] = "member", [EFFECT_TERMS] = "terms", [EFFECT_RATE] = "rate"};
    for (size_t i = 0; i < plan->effect_count; i++) {
        const struct plan_effect *effect = &plan->effects[i];
        text_print(out, "= %s", kinds[effect->kind]);
        if (effect->book) text_print(out, " book %d", effect->book);
        if (effect->meter) text_print(out, " meter %d", effect->meter);
        if (effect->account) text_print(out, " account %lld", (long long)effect->account);
        if (effect->tenant) text_print(out, " tenant %lld", (long long)effect->tenant);
        text_print(out, " from %s", plan_instant(plan, effect->from));
        text_print(out, " to %s\n", effect->to == INSTANT_MAX ? "the end" : plan_instant(plan, effect->to));
    }
}

static void check(const char *name, const char *expected, const char *got)
{
    if (strcmp(expected, got) == 0) return;
    print_error("%s: expected\n%sbut got\n%s\n", name, expected, got);
    fail();
}

// What is added or changed, then what is priced anew.
static void expect_plan(const char *name, const char *text, const char *watermark, const char *expected)
{
    struct world world;
    struct text got = {0};
    world_make(&world, text, watermark);
    text_add_string(&got, "");
    file_errors_print(&world.after.errors, &got);
    if (world.after.errors.count == 0) {
        add_changes(&world.second, &got);
        add_effects(&world.second, &got);
    }
    check(name, expected, got.data);
    text_free(&got);
    world_end(&world);
}

struct refused {
    const char *name, *text, *reasons;
};

static void expect_refused(const struct refused *cases, size_t count, const char *watermark, enum err err)
{
    for (size_t i = 0; i < count; i++) {
        struct world world;
        struct marks marks = {0};
        struct text text = {0}, expected = {0}, got = {0}, place = {0};
        marked_text_read("f.yaml", cases[i].text, &text, &marks);
        marked_text_expect(&marks, cases[i].reasons, &expected);
        world_make(&world, text.data, watermark);
        const struct file_error *list = file_errors_sorted(&world.after.errors);
        for (size_t e = 0; e < world.after.errors.count; e++) // places without the folder
            text_print(&got, "%s: %s\n", list[e].place + strlen(world.folder.path) + 1, list[e].reason);
        check(cases[i].name, expected.data, got.data ? got.data : "nothing\n");
        assert_int_equal(file_errors_result(&world.after.errors), err);
        text_free(&text);
        text_free(&expected);
        text_free(&got);
        text_free(&place);
        world_end(&world);
    }
}

// --- nothing

static void the_same_files_again_change_nothing(void **state)
{
    (void)state;
    expect_plan("again", in_force, WATERMARK, "");
    expect_plan("an empty file", "", WATERMARK, "");
    expect_plan(
        "in another order and spelling",
        "tenants: [{name: Two, id: t-2, billing_account: bolt}]\n"
        "meters:\n"
        "  - {id: running, name: Time, event_type: s, aggregation: interval, resource: r, state: s, running: [c, a],\n"
        "     stopped: [b], dimensions: [os, flavour], unit: second, future_seconds: 600, accept_days: 35}\n"
        "price_books:\n"
        "  - {id: eur, prices: [{sku: call, match: {}, unit: thousand, per: 1000.0, price: 0.50}]}\n",
        WATERMARK, "");
}

// --- what changes freely

static void names_change_and_new_things_follow_the_highest_number(void **state)
{
    (void)state;
    expect_plan("names",
                "services: [{id: ecs, name: Elastic, category: Compute, subcategory: Containers}]\n"
                "skus: [{id: call, service: ecs, meter: calls, name: Request}]\n"
                "sellers: [{id: cloud, name: Cloud Ltd, series: C26}]\n"
                "tenants: [{id: t-1, name: Uno, billing_account: acme}]\n",
                WATERMARK,
                "~ service ecs, name: \"Servers\" -> \"Elastic\", subcategory: \"Virtual Machines\" -> \"Containers\"\n"
                "~ sku call, name: \"Call\" -> \"Request\"\n"
                "~ seller cloud, series: \"C\" -> \"C26\"\n"
                "~ tenant t-1, name: \"One\" -> \"Uno\"\n");
    struct world world;
    world_make(&world,
               "tenants: [{id: t-3, name: Three, billing_account: acme}, {id: t-1, name: Uno, billing_account: acme}]\n"
               "services: [{id: obs, name: Objects, category: Storage, subcategory: Object Storage}]\n",
               WATERMARK);
    assert_int_equal(world.second.added.tenants.count, 2);
    assert_int_equal(world.second.added.tenants.row[0].number, 1); // by number
    assert_int_equal(world.second.added.tenants.row[1].number, 3);
    assert_int_equal(world.second.added.tenants.row[1].version, 2);
    assert_int_equal(world.second.added.services.row[0].number, 2);
    world_end(&world);
}

// What is in force is declared already: it need not be in the files again.
static void virtual_currencies_change_their_name_only(void **state)
{
    (void)state;
    expect_plan("name, and a new one",
                "virtual_currencies: [{code: TOKEN, name: Coins, places: 3}, {code: UNIT, name: Units}]\n", WATERMARK,
                "~ virtual_currency TOKEN, name: \"Tokens\" -> \"Coins\"\n+ virtual_currency UNIT Units, 0 places\n");
    expect_plan("use of what is in force",
                "price_books: [{id: tokens, name: T, currency: TOKEN}]\n"
                "exchange_rates: [{from: TOKEN, to: EUR, rate: 2}]\n",
                WATERMARK,
                "+ price_book tokens T in TOKEN\n+ exchange_rate 1 TOKEN = 2 EUR from the beginning\n"
                "= rate from the beginning to the end\n");
    static const struct refused cases[] = {
        {"places", "virtual_currencies: [@{code: TOKEN, name: Tokens, places: 2}]\n",
         "virtual currency 'TOKEN' has 3 places and never has others: declare a new one\n"},
        {"no places", "virtual_currencies: [@{code: TOKEN, name: Tokens}]\n",
         "virtual currency 'TOKEN' has 3 places and never has others: declare a new one\n"},
    };
    expect_refused(cases, sizeof cases / sizeof *cases, WATERMARK, ERR_CONFLICT);
}

// --- what never changes

static void what_is_in_force_never_changes(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"price", "price_books:\n  - {id: eur, prices: [@{sku: call, unit: thousand, per: 1000, price: \"0.6\"}]}\n",
         "the price from the beginning is in force since catalogue version 1 and never changes: give a further one "
         "with a later effective_from\n"},
        {"per of a price",
         "price_books:\n  - {id: eur, prices: [@{sku: call, unit: thousand, per: 1001, price: \"0.5\"}]}\n",
         "the price from the beginning is in force since catalogue version 1 and never changes: give a further one "
         "with a later effective_from\n"},
        {"tiers",
         "price_books:\n  - id: eur\n    prices:\n"
         "      - @{sku: server, unit: hour, per: 3600, tiers: [{up_to: 11, price: \"0\"}, {price: \"0.1\"}]}\n",
         "the price from the beginning is in force since catalogue version 1 and never changes: give a further one "
         "with a later effective_from\n"},
        {"a tier's flat amount",
         "price_books:\n  - id: eur\n    prices:\n"
         "      - @{sku: server, unit: hour, per: 3600, tiers: [{up_to: 10, price: \"0\"}, {price: \"0.1\", flat: 1}]}\n",
         "the price from the beginning is in force since catalogue version 1 and never changes: give a further one "
         "with a later effective_from\n"},
        {"free units",
         "price_books:\n  - id: eur\n    prices:\n      - @{sku: server, unit: hour, per: 3600, free: 1, tiers: [{up_to: "
         "10, price: \"0\"}, {price: \"0.1\"}]}\n",
         "the price from the beginning is in force since catalogue version 1 and never changes: give a further one "
         "with a later effective_from\n"},
        {"a minimum",
         "price_books:\n  - id: eur\n    prices:\n      - @{sku: server, unit: hour, per: 3600, minimum_spend: 1, tiers: "
         "[{up_to: 10, price: \"0\"}, {price: \"0.1\"}]}\n",
         "the price from the beginning is in force since catalogue version 1 and never changes: give a further one "
         "with a later effective_from\n"},
        {"overlap with one in force",
         "price_books:\n  - id: eur\n    prices:\n"
         "      - @{sku: server, match: {os: x}, unit: hour, price: \"2\", effective_from: 2026-05-01}\n",
         "this price overlaps one that is in force since catalogue version 1, from 2026-05-01T00:00:00Z to "
         "2026-06-01T00:00:00Z\n"},
        {"currency of a book", "price_books: [@{id: usd, name: Dollar, currency: CAD}]\n",
         "the currency of price book 'usd' is USD and never changes: make a new book\n"},
        {"service and meter of a SKU",
         "services: [{id: obs, name: Objects, category: Storage, subcategory: Object Storage}]\n"
         "skus: [{id: call, service: @obs, meter: @running, name: Call}]\n",
         "the service of SKU call never changes: make a new SKU\nthe meter of SKU call never changes: make a new SKU\n"},
        {"a version of a meter",
         "meters: [@{id: calls, name: Calls, event_type: c, aggregation: count, unit: call, accept_days: 36}]\n",
         "the version of meter calls from the beginning is in force since catalogue version 1 and never changes: give "
         "a further version with an effective_from of its own\n"},
        {"what a meter counts",
         "meters:\n  - @{id: calls, name: Calls, event_type: d, aggregation: sum, value: v, unit: GB, effective_from: "
         "2027-01-01}\n",
         "event_type, aggregation, unit, window and keep of meter calls never change: make a new meter, event_type: \"c\" -> "
         "\"d\", aggregation: \"count\" -> \"sum\", unit: \"call\" -> \"GB\"\n"},
        {"terms", "billing_accounts: [@{id: acme, name: Acme, currency: EUR, zone: Europe/Berlin, price_book: low}]\n",
         "the terms of account 'acme' from the beginning are in force since catalogue version 1 and never change: give "
         "new ones with effective_from where a billing period begins\n"},
        {"seller",
         "billing_accounts:\n  - {id: bolt, name: Bolt, currency: EUR, zone: UTC, price_book: eur, seller: @cloud}\n",
         "account 'bolt' buys from another seller than 'cloud', and that never changes: make a new account\n"},
        {"who pays", "tenants: [{id: t-1, name: One, billing_account: @bolt}]\n",
         "who pays for tenant 't-1' from the beginning is in force since catalogue version 1 and never changes: give a "
         "later member_from\n"},
        {"a series that was used",
         "partners:\n  - @{id: p, name: P, series: SKY, currency: EUR, zone: UTC, price_book: eur}\n",
         "series SKY is or was the one of seller 'sky'\n"},
        {"an account becomes a partner",
         "partners: [@{id: acme, name: Acme, series: A, currency: EUR, zone: Europe/Berlin, price_book: eur,\n"
         "  tax: {name: VAT, rate: \"0.19\"}}]\n",
         "'acme' is a billing account: a partner is one from its first day\n"},
    };
    expect_refused(cases, COUNT(cases), WATERMARK, ERR_CONFLICT);
    static const struct refused wrong[] = {
        {"a second operator", "sellers: [@{id: other, name: Other, series: O}]\n",
         "there is exactly one operator, and it is 'cloud' (in force); who resells is declared under partners\n"},
        {"a partner as an account",
         "billing_accounts: [@{id: sky, name: Sky, currency: EUR, zone: UTC, price_book: low}]\n",
         "'sky' is a partner: declare it under partners\n"},
    };
    expect_refused(wrong, COUNT(wrong), WATERMARK, ERR_INVALID);
}

// --- meters (rules 3.5)

#define CALLS                                                                                                          \
    "meters: [@{id: calls, name: Calls, event_type: c, aggregation: count, unit: call, accept_days: 40, "              \
    "effective_from: "
#define SERVER                                                                                                         \
    "meters: [{id: running, name: Time, event_type: s, aggregation: interval, resource: r, state: s, running: [a],\n"  \
    "  stopped: [b], unit: second, future_seconds: 0, effective_from: "

static void a_further_version_of_a_meter_begins_after_what_was_counted(void **state)
{
    (void)state;
    // received until 12:00 + future allowance of the type + 60 s: 12:06 for calls, 12:11 for running (its first
    // version's 600 s)
    expect_plan("calls from 12:15",
                "meters: [{id: calls, name: Calls, event_type: c, aggregation: count, unit: call, accept_days: 40,\n"
                "  effective_from: 2026-03-10T12:15:00Z}]\n",
                WATERMARK, "+ meter calls count of c in call, from 2026-03-10T12:15:00Z\n");
    static const struct refused cases[] = {
        {"calls from 12:00", CALLS "2026-03-10T12:00:00Z}]\n",
         "a back-dated meter is a recount, which is not built: events of type c are being counted, so this version of "
         "meter calls "
         "takes effect after 2026-03-10T12:06:00Z (highest received time + future allowance + 60 s) at the earliest\n"},
        {"a second meter of the type",
         "meters: [@{id: calls2, name: Calls, event_type: c, aggregation: count, unit: call}]\n",
         "a back-dated meter is a recount, which is not built: events of type c are being counted, so this version of "
         "meter calls2 "
         "takes effect after 2026-03-10T12:06:00Z (highest received time + future allowance + 60 s) at the earliest\n"},
    };
    expect_refused(cases, COUNT(cases), WATERMARK, ERR_CONFLICT);
    // at the bound itself, with the longest allowance of the type: 12:04 + 600 s + 60 s = 12:15
    expect_plan("one microsecond before", SERVER "2026-03-10T12:15:00Z}]\n", "2026-03-10T12:03:59.999999Z",
                "+ meter running interval of s in second, from 2026-03-10T12:15:00Z\n");
    struct world world;
    world_make(&world, SERVER "2026-03-10T12:15:00Z}]\n", "2026-03-10T12:04:00Z");
    assert_int_equal(world.after.errors.count, 1);
    world_end(&world);
}

static void the_first_meter_of_a_type_may_reach_back(void **state)
{
    (void)state;
    expect_plan("new type", "meters: [{id: m, name: M, event_type: new, aggregation: count, unit: u}]\n", WATERMARK,
                "+ meter m count of new in u, from the beginning\n");
    expect_plan("nothing was received", "meters: [{id: m, name: M, event_type: c, aggregation: count, unit: u}]\n",
                NULL, "+ meter m count of c in u, from the beginning\n");
}

// --- what is priced anew

static void back_dated_changes_tell_what_they_touch(void **state)
{
    (void)state;
    // books: 1 usd, 2 eur, 3 low; meters 1 running, 2 calls; accounts 1 sky, 2 acme, 3 bolt
    expect_plan("a later price",
                "price_books: [{id: eur, prices: [{sku: call, unit: thousand, per: 1000, price: \"0.4\", "
                "effective_from: 2026-04-01}]}]\n",
                WATERMARK,
                "+ price eur call {} 0.4 per thousand from 2026-04-01T00:00:00Z\n"
                "= price book 2 meter 2 from 2026-04-01T00:00:00Z to the end\n");
    expect_plan("a price that ends, between others",
                "price_books: [{id: eur, prices: [\n"
                "  {sku: server, match: {os: x}, unit: hour, price: \"2\", effective_from: 2026-08-01},\n"
                "  {sku: server, match: {os: x}, unit: hour, price: \"3\", effective_from: 2026-06-01}]}]\n",
                WATERMARK,
                "+ price eur server {\"os\":\"x\"} 2 per hour from 2026-08-01T00:00:00Z\n"
                "+ price eur server {\"os\":\"x\"} 3 per hour from 2026-06-01T00:00:00Z\n"
                "= price book 2 meter 1 from 2026-06-01T00:00:00Z to 2026-08-01T00:00:00Z\n"
                "= price book 2 meter 1 from 2026-08-01T00:00:00Z to the end\n");
    expect_plan("prices of a new meter, of a new book: nothing",
                "meters: [{id: m, name: M, event_type: new, aggregation: count, unit: u}]\n"
                "skus: [{id: n, service: ecs, meter: m, name: N}]\n"
                "price_books:\n"
                "  - {id: eur, prices: [{sku: n, unit: u, price: \"1\"}]}\n"
                "  - {id: new, name: New, currency: EUR, prices: [{sku: call, unit: u, price: \"1\"}]}\n",
                WATERMARK,
                "+ meter m count of new in u, from the beginning\n"
                "+ sku n N (service ecs, meter m)\n"
                "+ price_book new New in EUR\n"
                "+ price eur n {} 1 per u from the beginning\n"
                "+ price new call {} 1 per u from the beginning\n");
    expect_plan("another parent", "price_books: [{id: low, parent: ~}]\n", WATERMARK,
                "~ price_book low, parent: \"eur\" -> \"\"\n= price book 3 from the beginning to the end\n");
    expect_plan("a later payer", "tenants: [{id: t-1, name: One, billing_account: bolt, member_from: 2026-03-01}]\n",
                WATERMARK,
                "+ membership t-1: bolt pays from 2026-03-01T00:00:00Z\n"
                "= member account 2 tenant 1 from 2026-03-01T00:00:00Z to the end\n"
                "= member account 3 tenant 1 from 2026-03-01T00:00:00Z to the end\n");
    expect_plan("a new tenant: nothing", "tenants: [{id: t-9, name: Nine, billing_account: bolt}]\n", WATERMARK,
                "+ tenant t-9 Nine\n+ membership t-9: bolt pays from the beginning\n");
    expect_plan("new terms",
                "billing_accounts:\n  - {id: acme, name: Acme, currency: EUR, zone: Europe/Berlin, price_book: low,\n"
                "     effective_from: 2026-03-31T22:00:00Z}\n",
                WATERMARK,
                "+ agreement acme buys from cloud by low in EUR, zone Europe/Berlin, no tax, half_up, from "
                "2026-03-31T22:00:00Z\n"
                "= terms account 2 from 2026-03-31T22:00:00Z to the end\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_files_again_change_nothing),
        cmocka_unit_test(names_change_and_new_things_follow_the_highest_number),
        cmocka_unit_test(virtual_currencies_change_their_name_only),
        cmocka_unit_test(what_is_in_force_never_changes),
        cmocka_unit_test(a_further_version_of_a_meter_begins_after_what_was_counted),
        cmocka_unit_test(the_first_meter_of_a_type_may_reach_back),
        cmocka_unit_test(back_dated_changes_tell_what_they_touch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
