// SPDX-License-Identifier: Apache-2.0
// A plan in a test: a catalogue that is in force as version 1, and the files of a case planned against it as version 2.
// No database. To be included behind cmocka.
#pragma once
#include "catalogue/catalogue_write.h"
#include "catalogue/touch.h"
#include "tests/support/folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

// In force before each case, as catalogue version 1.
static const char in_force[] =
    "services: [{id: ecs, name: Servers, category: Compute, subcategory: Virtual Machines}]\n"
    "meters:\n"
    "  - {id: running, name: Time, event_type: s, aggregation: interval, resource: r, state: s, running: [a, c],\n"
    "     stopped: [b], dimensions: [flavour, os], unit: second, future_seconds: 600}\n"
    "  - {id: calls, name: Calls, event_type: c, aggregation: count, unit: call}\n"
    "skus:\n"
    "  - {id: server, service: ecs, meter: running, name: Server}\n"
    "  - {id: call, service: ecs, meter: calls, name: Call}\n"
    "virtual_currencies: [{code: TOKEN, name: Tokens, places: 3}]\n"
    "price_books:\n"
    "  - {id: usd, name: Dollar, currency: USD}\n"
    "  - id: eur\n"
    "    name: Euro\n"
    "    currency: EUR\n"
    "    prices:\n"
    "      - {sku: call, unit: thousand, per: 1000, price: \"0.5\"}\n"
    "      - {sku: server, unit: hour, per: 3600, tiers: [{up_to: 10, price: \"0\"}, {price: \"0.1\"}]}\n"
    "      - {sku: server, match: {os: x}, unit: hour, per: 3600, price: \"0.1\", effective_to: 2026-06-01}\n"
    "  - {id: low, name: Low, currency: EUR, parent: eur}\n"
    "sellers: [{id: cloud, name: Cloud Ltd, series: C}]\n"
    "partners: [{id: sky, name: Sky, series: SKY, currency: EUR, zone: UTC, price_book: low}]\n"
    "billing_accounts:\n"
    "  - {id: acme, name: Acme, currency: EUR, zone: Europe/Berlin, price_book: eur, tax: {name: VAT, rate: "
    "\"0.19\"}}\n"
    "  - {id: bolt, name: Bolt, currency: EUR, zone: UTC, price_book: eur, seller: sky}\n"
    "tenants:\n"
    "  - {id: t-1, name: One, billing_account: acme}\n"
    "  - {id: t-2, name: Two, billing_account: bolt}\n";

#define WATERMARK "2026-03-10T12:00:00Z" // highest received time

struct world {
    struct test_folder folder;
    struct catalogue_files before, after;
    struct catalogue_rows none, existing;
    struct plan first, second;
    struct arena *arena;
};

static inline void plan_text(struct world *world, struct catalogue_files *files, struct plan *plan, const char *file,
                             const char *text)
{
    assert_true(test_file(&world->folder, file, text, strlen(text), 0644)[0]);
    catalogue_files_init(files);
    const char *paths[] = {test_path(&world->folder, file)};
    enum err read = catalogue_files_read(files, paths, 1);
    plan->files = files;
    plan->arena = world->arena;
    assert_true(plan_make(plan) != ERR_OK || read == ERR_OK);
}

// The rows that a first apply of in_force wrote, then the plan for `text`; `watermark` may be NULL: nothing was
// received.
static inline void world_make(struct world *world, const char *text, const char *watermark)
{
    *world = (struct world){.arena = arena_new(1 << 16)};
    assert_int_equal(test_folder_make(&world->folder), 0);
    world->first = (struct plan){.existing = &world->none, .version = 1, .watermark = INSTANT_MIN};
    plan_text(world, &world->before, &world->first, "before.yaml", in_force);
    assert_int_equal(world->before.errors.count, 0);
    world->existing = world->first.added;
    plan_sort(&world->existing);
    world->second = (struct plan){.existing = &world->existing, .version = 2, .watermark = INSTANT_MIN};
    if (watermark)
        assert_int_equal(instant_parse(watermark, strlen(watermark), &world->second.watermark, NULL), ERR_OK);
    plan_text(world, &world->after, &world->second, "f.yaml", text);
}

static inline void world_end(struct world *world)
{
    plan_fini(&world->first);
    plan_fini(&world->second);
    catalogue_files_fini(&world->before);
    catalogue_files_fini(&world->after);
    arena_free(world->arena);
    test_folder_remove(&world->folder);
}
