// SPDX-License-Identifier: Apache-2.0
// bench_price SECONDS PRICES FOLDER: rating alone, without stores, on one core; the processor's time, one figure a line.
//   F           usage lines of an account per second, for each price model (price_world.c), and with what terms add
//               to a price per unit (price_terms.c), and with what a price may have (price_kinds.c)
//               events of an account with a million of them per second, under a percentage of every event
//   catalogue   a price list of PRICES rows in FOLDER: reading and planning it, the same against itself and against one
//               of which every hundredth price is new, making the catalogue, looking prices up
//   meters      the amount of an event, percentiles of samples (price_meters.c)
//   account     F, shares and document of an account under 1,550 prices without usage, with some of each, and with
//               twenty taxes
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/plan.h"
#include "invoicing/document.h"
#include "tests/bench/price_kinds.h"
#include "tests/bench/price_meters.h"
#include "tests/bench/price_terms.h"

enum { ACCOUNT_PRICES = 1550, ACCOUNT_TAXES = 20, REGIONS = 50, SYSTEMS = 4, LOOKUPS = 1 << 20, PATH_MOST = 4096 };

static int64_t least_us; // how long a figure is measured

// --- F by model

// Usage lines per second of processor time that F takes, and if `divided` divides among the tenants.
static double lines_per_second(const struct price_world *world, const struct agreement *terms,
                               const struct account_usage *usage, bool divided)
{
    int64_t begin_us = price_processor_us(), spent_us, runs = 0;
    do {
        struct arena *arena = arena_new(1 << 20);
        const struct tenant_share *shares;
        struct rated rated;
        size_t count;
        ENSURE(charge_rate(world->catalogue, terms, usage, arena, &rated, NULL) == ERR_OK && rated.charge_count > 0);
        ENSURE(rated.unpriced_count == 0);
        if (divided)
            ENSURE(charge_share(world->catalogue, terms, usage, &rated, arena, &shares, &count, NULL) == ERR_OK);
        arena_free(arena);
        runs++;
        spent_us = price_processor_us() - begin_us;
    } while (spent_us < least_us);
    return (double)usage->line_count * (double)runs * 1e6 / (double)spent_us;
}

static void bench_model(const struct price_world *world, enum price_model model)
{
    struct arena *arena = arena_new(1 << 20);
    struct account_usage usage;
    const struct agreement *terms = price_world_usage(world, model, arena, &usage);
    printf("%s_lines_per_second=%.0f\n", price_forms[model].name, lines_per_second(world, terms, &usage, false));
    printf("%s_divided_lines_per_second=%.0f\n", price_forms[model].name, lines_per_second(world, terms, &usage, true));
    arena_free(arena);
}

// Does the kind do here what it is there for?
static bool has_stage(const struct price_world *world, const struct agreement *terms, const struct account_usage *usage,
                      enum charge_stage stage, struct arena *arena)
{
    struct rated rated;
    ENSURE(charge_rate(world->catalogue, terms, usage, arena, &rated, NULL) == ERR_OK);
    for (size_t i = 0; i < rated.charge_count; i++)
        if (rated.charges[i].stage == stage) return true;
    return false;
}

static void bench_terms(const struct price_terms *kind)
{
    struct arena *arena = arena_new(1 << 20);
    struct price_world world;
    struct account_usage usage;
    const struct agreement *terms = price_terms_world(kind, arena, &world, &usage);
    ENSURE(has_stage(&world, terms, &usage, kind->stage, arena));
    printf("terms_%s_lines_per_second=%.0f\n", kind->name, lines_per_second(&world, terms, &usage, false));
    catalogue_release(world.catalogue);
    arena_free(arena);
}

static void bench_kind(const struct price_kind *kind)
{
    struct arena *arena = arena_new(1 << 20);
    struct price_world world;
    struct account_usage usage;
    const struct agreement *terms = price_kinds_world(kind, arena, &world, &usage);
    ENSURE(has_stage(&world, terms, &usage, kind->stage, arena));
    printf("kind_%s_lines_per_second=%.0f\n", kind->name, lines_per_second(&world, terms, &usage, false));
    catalogue_release(world.catalogue);
    arena_free(arena);
}

// Events per second that F takes, of an account with a million.
static void bench_events(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct price_world world;
    struct account_usage usage;
    price_world_of_events(&world);
    const struct agreement *terms = price_world_events(&world, arena, &usage);
    double lines = lines_per_second(&world, terms, &usage, false);
    printf("events_per_second=%.0f\n", lines * (double)usage.event_count / (double)usage.line_count);
    catalogue_release(world.catalogue);
    arena_free(arena);
}

// --- an account under many prices

// All that a close computes for an account's month once the usage is there.
static void account_month(const struct price_world *world, const struct agreement *terms,
                          const struct account_usage *usage, size_t *lines)
{
    struct arena *arena = arena_new(1 << 16);
    struct billing_period period = {.account = terms->account->number, .agreement = terms, .start = usage->period_start,
                                    .end = usage->period_end, .label = "2026-01"};
    const struct tenant_share *shares;
    instant_us *changes;
    struct rated rated;
    size_t share_count;
    catalogue_price_changes(world->catalogue, terms->book, period.start, period.end, arena, &changes);
    ENSURE(charge_rate(world->catalogue, terms, usage, arena, &rated, NULL) == ERR_OK);
    ENSURE(charge_share(world->catalogue, terms, usage, &rated, arena, &shares, &share_count, NULL) == ERR_OK);
    struct billable *billables = ARENA_ARRAY(arena, struct billable, rated.charge_count + 1);
    struct document_group *groups = ARENA_ARRAY(arena, struct document_group, terms->contract->tax_count + 1);
    size_t group_count;
    for (size_t i = 0; i < rated.charge_count; i++) {
        billables[i] = (struct billable){.original = &period, .charge = rated.charges[i], .dimensions = "{}"};
        billables[i].shares =
            charge_shares_of(&rated, shares, share_count, &rated.charges[i], &billables[i].share_count);
    }
    struct document document;
    ENSURE(billables_sort(world->catalogue, billables, rated.charge_count, arena, NULL) == ERR_OK);
    ENSURE(document_groups(&period, billables, rated.charge_count, groups, &group_count) == ERR_OK);
    ENSURE(document_build(&period, 1, billables, rated.charge_count, groups, group_count, arena, &document, NULL) ==
           ERR_OK);
    ENSURE(rated.charge_count == 0 || document.group_count == terms->contract->tax_count + 1);
    *lines = document.line_count;
    arena_free(arena);
}

static void bench_account(const char *name, bool used, int taxes)
{
    struct price_world world;
    struct arena *arena = arena_new(1 << 20);
    struct account_usage usage;
    price_world_wide(&world, ACCOUNT_PRICES, taxes);
    const struct agreement *terms = price_world_wide_usage(&world, used ? ACCOUNT_PRICES : 0, arena, &usage);
    int64_t begin_us = price_processor_us(), spent_us, runs = 0;
    size_t lines;
    do {
        account_month(&world, terms, &usage, &lines);
        ENSURE(lines == (used ? ACCOUNT_PRICES : 0));
        runs++;
        spent_us = price_processor_us() - begin_us;
    } while (spent_us < least_us);
    printf("%s_account_ns=%.0f\n", name, (double)spent_us * 1e3 / (double)runs);
    catalogue_release(world.catalogue);
    arena_free(arena);
}

// --- a price list

// All rows, or every hundredth with a new price.
static void write_list(const char *path, int prices, bool some_new)
{
    FILE *file = fopen(path, "we");
    ENSURE(file != NULL);
    fputs("region,type,system,price\n", file);
    for (int i = 0; i < prices; i++)
        if (!some_new || i % 100 == 0)
            fprintf(file, "r-%d,m%d.large,os%d,%d.%06d\n", i % REGIONS, i / REGIONS / SYSTEMS, i / REGIONS % SYSTEMS,
                    i % 7, i % 999983 + (some_new ? 1 : 0));
    ENSURE(fclose(file) == 0);
}

static void write_files(const char *folder, int prices)
{
    static const char head[] =
        "services: [{id: ecs, name: Servers, category: Compute, subcategory: Virtual Machines}]\n"
        "meters: [{id: running, name: Time, event_type: vm, aggregation: interval, resource: r, state: s, running: [a],\n"
        "  stopped: [b], dimensions: [region, system, type], unit: second}]\n"
        "skus: [{id: server, service: ecs, meter: running, name: Server}]\n"
        "price_books: [{id: list, name: List, currency: USD}]\n";
    static const char list[] =
        "price_books:\n  - id: list\n    prices_from:\n      - file: %s.csv\n        price: {sku: server, match: {region: "
        "$region, system: $system, type: $type},\n          unit: hour, per: 3600, price: $price%s}\n";
    char path[PATH_MOST];
    for (int part = 0; part < 3; part++) {
        static const char *const names[] = {"head", "list", "newer"};
        snprintf(path, sizeof path, "%s/%s.yaml", folder, names[part]);
        FILE *file = fopen(path, "we");
        ENSURE(file != NULL);
        if (part == 0) fputs(head, file);
        else fprintf(file, list, names[part], part == 2 ? ", effective_from: 2026-02-01T00:00:00Z" : "");
        ENSURE(fclose(file) == 0);
        if (part == 0) continue;
        snprintf(path, sizeof path, "%s/%s.csv", folder, names[part]);
        write_list(path, prices, part == 2);
    }
}

struct reading {
    struct arena *arena;
    struct catalogue_files files;
    struct plan plan;
};

// Reads and checks the files, and plans them against what is in force. Returns seconds of processor time.
static double read_and_plan(const char *folder, const char *const *names, size_t count, struct catalogue_rows *existing,
                            struct reading *reading)
{
    const char *paths[2];
    *reading = (struct reading){.arena = arena_new(1 << 20)};
    for (size_t i = 0; i < count; i++) paths[i] = arena_print(reading->arena, "%s/%s.yaml", folder, names[i]);
    int64_t begin_us = price_processor_us();
    catalogue_files_init(&reading->files);
    ENSURE(catalogue_files_read(&reading->files, paths, count) == ERR_OK);
    reading->plan = (struct plan){.arena = reading->arena, .files = &reading->files, .existing = existing,
                                  .version = existing->version + 1, .watermark = INSTANT_MIN};
    plan_sort(existing);
    ENSURE(plan_make(&reading->plan) == ERR_OK);
    return (double)(price_processor_us() - begin_us) / 1e6;
}

static void reading_end(struct reading *reading)
{
    plan_fini(&reading->plan);
    catalogue_files_fini(&reading->files);
    arena_free(reading->arena);
}

static void bench_lookups(const struct catalogue *catalogue, int prices)
{
    struct arena *arena = arena_new(1 << 20);
    struct dimension_set *sets = ARENA_ARRAY(arena, struct dimension_set, (size_t)prices);
    const struct price_book *book = catalogue_agreement(catalogue, 1, 0)->book;
    for (int i = 0; i < prices; i++) {
        const char *text = arena_print(arena, "{\"region\":\"r-%d\",\"system\":\"os%d\",\"type\":\"m%d.large\"}",
                                       i % REGIONS, i / REGIONS % SYSTEMS, i / REGIONS / SYSTEMS);
        ENSURE(dimension_set_read(arena, slice_of(text), &sets[i], NULL) == ERR_OK);
    }
    int64_t begin_us = price_processor_us();
    uint32_t random = 12345;
    size_t found = 0;
    for (int i = 0; i < LOOKUPS; i++) {
        random = random * 1664525 + 1013904223;
        found += catalogue_price(catalogue, book, 1, &sets[(random >> 8) % (uint32_t)prices], 0) != NULL;
    }
    ENSURE(found == LOOKUPS);
    printf("lookups_per_second=%.0f\n", (double)LOOKUPS * 1e6 / (double)(price_processor_us() - begin_us));
    arena_free(arena);
}

static void bench_catalogue(const char *folder, int prices)
{
    struct catalogue_rows none = {0};
    struct reading first, same, newer;
    struct catalogue *catalogue = NULL;
    struct fault fault = {0};
    write_files(folder, prices);
    printf("plan_seconds=%.6f\n", read_and_plan(folder, (const char *const[]){"head", "list"}, 2, &none, &first));
    ENSURE(first.plan.added.prices.count == (size_t)prices);
    struct catalogue_rows *rows = &first.plan.added;
    printf("same_seconds=%.6f\n", read_and_plan(folder, (const char *const[]){"head", "list"}, 2, rows, &same));
    ENSURE(same.plan.change_count == 0);
    reading_end(&same);
    printf("newer_seconds=%.6f\n", read_and_plan(folder, (const char *const[]){"head", "newer"}, 2, rows, &newer));
    ENSURE(newer.plan.added.prices.count == ((size_t)prices + 99) / 100);
    reading_end(&newer);
    rows->arena = arena_new(1 << 16); // the catalogue takes it; the files' texts stay where they are
    price_world_party(rows);
    int64_t begin_us = price_processor_us();
    if (catalogue_build(rows, &catalogue, &fault)) {
        fprintf(stderr, "bench_price: %s: %s\n", fault.place, fault.reason);
        abort();
    }
    printf("build_seconds=%.6f\n", (double)(price_processor_us() - begin_us) / 1e6);
    bench_lookups(catalogue, prices);
    catalogue_release(catalogue);
    reading_end(&first);
}

int main(int argc, char **argv)
{
    hash_init();
    double seconds = argc == 4 ? strtod(argv[1], NULL) : 0;
    int prices = argc == 4 ? atoi(argv[2]) : 0;
    if (seconds <= 0 || prices < 1) {
        fputs("usage: bench_price SECONDS PRICES FOLDER\n", stderr);
        return 64;
    }
    least_us = (int64_t)(seconds * 1e6);
    struct price_world world;
    price_world_models(&world);
    for (enum price_model model = 0; model < PRICE_MODEL_COUNT; model++)
        if (price_world_has(model)) bench_model(&world, model);
    catalogue_release(world.catalogue);
    for (size_t i = 0; i < price_terms_count; i++) bench_terms(&price_terms[i]);
    for (size_t i = 0; i < price_kinds_count; i++) bench_kind(&price_kinds[i]);
    bench_events();
    price_meters_bench(least_us);
    bench_account("unused", false, 0);
    bench_account("used", true, 0);
    bench_account("taxed", true, ACCOUNT_TAXES);
    bench_catalogue(argv[3], prices);
    return 0;
}
