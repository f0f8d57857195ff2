// SPDX-License-Identifier: Apache-2.0
// Which billing periods an apply prices anew, and the digest of what it adds. No database.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/plan_world.h"

// --- periods

static struct catalogue *build_world(struct world *world)
{
    struct catalogue_rows all = {0};
    struct catalogue *catalogue = NULL;
    struct fault fault = {0};
    const struct catalogue_rows *parts[] = {&world->existing, &world->second.added};
    catalogue_rows_init(&all, 2);
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < parts[p]->services.count; i++)
            *ROW_NEW(&all.services) = parts[p]->services.row[i];
        for (size_t i = 0; i < parts[p]->meters.count; i++)
            *ROW_NEW(&all.meters) = parts[p]->meters.row[i];
        for (size_t i = 0; i < parts[p]->skus.count; i++)
            *ROW_NEW(&all.skus) = parts[p]->skus.row[i];
        for (size_t i = 0; i < parts[p]->books.count; i++)
            *ROW_NEW(&all.books) = parts[p]->books.row[i];
        for (size_t i = 0; i < parts[p]->prices.count; i++)
            *ROW_NEW(&all.prices) = parts[p]->prices.row[i];
        for (size_t i = 0; i < parts[p]->tiers.count; i++)
            *ROW_NEW(&all.tiers) = parts[p]->tiers.row[i];
        for (size_t i = 0; i < parts[p]->sellers.count; i++)
            *ROW_NEW(&all.sellers) = parts[p]->sellers.row[i];
        for (size_t i = 0; i < parts[p]->accounts.count; i++)
            *ROW_NEW(&all.accounts) = parts[p]->accounts.row[i];
        for (size_t i = 0; i < parts[p]->agreements.count; i++)
            *ROW_NEW(&all.agreements) = parts[p]->agreements.row[i];
        for (size_t i = 0; i < parts[p]->tenants.count; i++)
            *ROW_NEW(&all.tenants) = parts[p]->tenants.row[i];
        for (size_t i = 0; i < parts[p]->memberships.count; i++)
            *ROW_NEW(&all.memberships) = parts[p]->memberships.row[i];
    }
    if (catalogue_build(&all, &catalogue, &fault)) fail_msg("%s: %s", fault.place, fault.reason);
    catalogue_rows_fini(&all);
    return catalogue;
}

static instant_us at(const char *text)
{
    instant_us instant = 0;
    assert_int_equal(instant_parse_loose(text, strlen(text), &instant, NULL), ERR_OK);
    return instant;
}

static void periods_are_touched_through_books_members_and_partners(void **state)
{
    (void)state;
    // accounts: 1 sky buys by low (parent eur), 2 acme by eur, 3 bolt from sky by eur; a period is a month of UTC here
    static const struct {
        const char *name, *text;
        int64_t account;
        const char *start, *end;
        bool touched;
    } cases[] = {
#define PRICE "price_books: [{id: eur, prices: [{sku: call, unit: u, price: \"1\", effective_from: 2026-04-15}]}]\n"
        {"price: the month before", PRICE, 2, "2026-03-01", "2026-04-01", false},
        {"price: the month", PRICE, 2, "2026-04-01", "2026-05-01", true},
        {"price: ending as it begins", PRICE, 2, "2026-04-01", "2026-04-15", false},
        {"price: a later month", PRICE, 2, "2026-09-01", "2026-10-01", true},
        {"price: a book below", PRICE, 1, "2026-04-01", "2026-05-01", true},
        {"price: another book", "price_books: [{id: low, prices: [{sku: call, unit: u, price: \"1\"}]}]\n", 2,
         "2026-04-01", "2026-05-01", false},
#define MOVE "tenants: [{id: t-2, name: Two, billing_account: acme, member_from: 2026-04-15}]\n"
        {"move: who paid", MOVE, 3, "2026-04-01", "2026-05-01", true},
        {"move: who pays", MOVE, 2, "2026-04-01", "2026-05-01", true},
        {"move: the partner above who paid", MOVE, 1, "2026-04-01", "2026-05-01", true},
        {"move: before", MOVE, 3, "2026-03-01", "2026-04-01", false},
#define TERMS                                                                                                          \
    "partners: [{id: sky, name: Sky, series: SKY, currency: EUR, zone: UTC, price_book: eur, effective_from: "         \
    "2026-04-01}]\n"
        {"terms: the period that begins", TERMS, 1, "2026-04-01", "2026-05-01", true},
        {"terms: the one before", TERMS, 1, "2026-03-01", "2026-04-01", false},
        {"terms: a customer of the partner", TERMS, 3, "2026-04-01", "2026-05-01", false},
        {"parent: its own account", "price_books: [{id: low, parent: ~}]\n", 1, "2020-01-01", "2020-02-01", true},
        {"parent: others", "price_books: [{id: low, parent: ~}]\n", 2, "2020-01-01", "2020-02-01", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world world;
        struct touch touch;
        world_make(&world, cases[i].text, WATERMARK);
        assert_int_equal(world.after.errors.count, 0);
        struct catalogue *catalogue = build_world(&world);
        touch_prepare(&touch, world.arena, catalogue, world.second.effects, world.second.effect_count);
        struct touch_period period = {cases[i].account, cases[i].account, at(cases[i].start), at(cases[i].end)};
        if ((touch_find(&touch, &period, NULL) != NULL) != cases[i].touched) fail_msg("%s", cases[i].name);
        memset(touch.price_counted, false, touch.price_count);
        memset(touch.account_counted, false, touch.account_count);
        assert_null(touch_find(&touch, &period, touch.price_counted)); // nothing was counted that it is about
        catalogue_release(catalogue);
        world_end(&world);
    }
}

// --- the digest

static void digest_of(const char *text, unsigned char digest[SHA256_BYTES])
{
    struct world world;
    world_make(&world, text, WATERMARK);
    assert_int_equal(world.after.errors.count, 0);
    catalogue_rows_digest(&world.second.added, digest);
    world_end(&world);
}

static void the_digest_covers_all_but_what_persons_may_have_erased(void **state)
{
    (void)state;
#define SIX                                                                                                            \
    "billing_accounts: [{id: six, name: Six, email: six@six.example, currency: EUR, zone: UTC, price_book: eur}]\n"
    static const struct {
        const char *text;
        bool same;
    } cases[] = {
        {SIX, true},
        {"billing_accounts: [{id: six, name: Erased, currency: EUR, zone: UTC, price_book: eur}]\n", true},
        {"billing_accounts: [{id: sax, name: Six, currency: EUR, zone: UTC, price_book: eur}]\n", false},
        {"billing_accounts: [{id: six, name: Six, currency: EUR, zone: UTC, price_book: low}]\n", false},
        {"billing_accounts: [{id: six, name: Six, currency: EUR, zone: Europe/Oslo, price_book: eur}]\n", false},
        {"billing_accounts: [{id: six, name: Six, currency: EUR, zone: UTC, price_book: eur, rounding: up}]\n", false},
    };
    unsigned char first[SHA256_BYTES], other[SHA256_BYTES];
    digest_of(SIX, first);
    for (size_t i = 0; i < COUNT(cases); i++) {
        digest_of(cases[i].text, other);
        assert_int_equal(memcmp(first, other, sizeof first) == 0, cases[i].same);
    }
    // the canonical form as docs/catalogue.md describes it
    static const char form[] = "[\"service\",2,2,\"obs\",\"A\",\"Storage\",\"Object Storage\"]\n";
    digest_of("services: [{id: obs, name: A, category: Storage, subcategory: Object Storage}]\n", other);
    sha256_of(form, sizeof form - 1, first);
    assert_memory_equal(first, other, sizeof first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_are_touched_through_books_members_and_partners),
        cmocka_unit_test(the_digest_covers_all_but_what_persons_may_have_erased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
