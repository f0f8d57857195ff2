// SPDX-License-Identifier: Apache-2.0
// The files of random catalogues, all but prices, contracts and offers, and the way from them to catalogues: each
// version is planned against those before it, as apply does.
#include "tests/support/random_catalogue.h"

#include <string.h>

#include "catalogue/plan.h"
#include "tests/support/folder.h"

const struct random_meter random_meters[RANDOM_METERS] = {
    {"calls", AGGREGATION_COUNT, false, false},     {"bytes", AGGREGATION_SUM, false, true},
    {"hours", AGGREGATION_SUM, true, true},         {"peak", AGGREGATION_MAX, false, true},
    {"top", AGGREGATION_MAX, false, false},         {"level", AGGREGATION_LATEST, true, false},
    {"seats", AGGREGATION_LATEST, false, false},    {"least", AGGREGATION_MIN, true, false},
    {"mean", AGGREGATION_AVERAGE, false, true},     {"users", AGGREGATION_UNIQUE, false, false},
    {"running", AGGREGATION_INTERVAL, true, false}, {"sales", AGGREGATION_SUM, false, true}};
const char *const random_accounts[RANDOM_ACCOUNTS] = {"acme", "bolt", "sky", "shop"};
const char *const random_sizes[3] = {"s", "m", "l"}, *const random_regions[2] = {"eu", "us"};

#define METER(id, kind, more)                                                                                          \
    "  - {id: " id ", name: " id ", event_type: " id ", unit: unit, aggregation: " kind more "}\n"
#define SKU(id, service, meter) "  - {id: " id ", service: " service ", meter: " meter ", name: " id "}\n"
static const char frame[] =
    "services: [{id: s, name: S, category: Compute, subcategory: Virtual Machines},\n"
    "  {id: n, name: N, category: Networking, subcategory: Network Infrastructure}]\nmeters:\n" METER(
        "calls", "count", "") METER("bytes", "sum", ", value: n, dimensions: [region]")
        METER("hours", "sum", ", value: n, dimensions: [size, region]")
            METER("peak", "max", ", value: n, dimensions: [region], window: day")
                METER("top", "max", ", value: n, window: slot, slot_minutes: 5")
                    METER("level", "latest", ", value: n, dimensions: [size], window: period") METER(
                        "seats", "latest",
                        ", value: n, window: slot") METER("least", "min", ", value: n, dimensions: [size], window: day")
                        METER("mean", "average", ", value: n, dimensions: [region], window: day")
                            METER("users", "unique", ", value: n, window: period")
                                METER("sales", "sum", ", value: n, dimensions: [region], keep: events") METER(
                                    "running", "interval",
                                    ", resource: id, state: s, value: n, running: [on], stopped: [off], dimensions: "
                                    "[size]") "skus:\n"
    SKU("calls", "s", "calls") SKU("bytes", "s", "bytes") SKU("hours", "s", "hours") SKU("peak", "n", "peak")
        SKU("top", "s", "top") SKU("level", "s", "level") SKU("seats", "n", "seats") SKU("least", "s", "least")
            SKU("mean", "s", "mean") SKU("users", "n", "users") SKU("sales", "n", "sales")
                SKU("running", "s", "running") SKU("licence", "n", "running")
                    "sellers: [{id: op, name: Op, series: OP}]\n";
const char *const random_skus[RANDOM_SKUS] = {"calls", "bytes", "hours", "peak",    "top",     "level", "seats",
                                              "least", "mean",  "users", "running", "licence", "sales"};

instant_us random_instant(struct dice *dice, int64_t grain)
{
    const instant_us beginning = INT64_C(1772323200) * SECOND_US; // 2026-03-01T00:00:00Z
    return instant_floor(beginning + (int64_t)(dice_next(dice) % (uint64_t)(RANDOM_DAYS * DAY_US)), grain);
}

void random_at(struct text *out, const char *name, instant_us instant)
{
    char shown[INSTANT_TEXT_MAX];
    instant_print(instant, shown);
    text_print(out, "%s: %s, ", name, shown);
}

// --- who pays

static void add_account(struct text *files, struct dice *dice, struct dice *further, const char *id, const char *more)
{
    static const char *const zones[] = {"UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York",
                                        "Australia/Lord_Howe"};
    static const char *const books[] = {"list", "low"};
    const char *zone = dice_percent(dice, 40) ? zones[0] : DICE_PICK(dice, zones);
    for (int version = 0; version < RANDOM_VERSIONS; version++) {
        struct text *out = &files[version];
        if (version && (zone != zones[0] || !dice_percent(dice, 30))) continue; // other terms from April on
        text_print(out, "  - {id: %s, name: A, currency: EUR, zone: %s, price_book: %s, %s", id, zone,
                   DICE_PICK(dice, books), more);
        random_contract(out, dice, further);
        text_print(out, "%s}\n",
                   !version       ? ""
                   : version == 1 ? "effective_from: 2026-04-01"
                                  : "effective_from: 2026-05-01");
    }
}

static void add_tenants(struct text *files, struct dice *dice)
{
    for (int tenant = 1; tenant <= RANDOM_TENANTS; tenant++) {
        instant_us joined = INSTANT_MIN;
        for (int version = 0; version < RANDOM_VERSIONS; version++) {
            if (version && !dice_percent(dice, 20)) continue;
            instant_us moves = random_instant(dice, SLOT_US);
            if (version && moves <= joined) continue;
            text_print(&files[version], "  - {id: t-%d, name: T, billing_account: %s, ", tenant,
                       DICE_PICK(dice, random_accounts));
            if (version) random_at(&files[version], "member_from", joined = moves);
            text_add_string(&files[version], "}\n");
        }
    }
}

// --- files

static void add_section(struct text *out, const char *name, struct text *lines)
{
    if (lines->length) text_print(out, "%s:\n%s", name, lines->data);
    text_free(lines);
}

static void write_files(struct dice *dice, struct text *files)
{
    struct text books[RANDOM_VERSIONS] = {{0}}, partners[RANDOM_VERSIONS] = {{0}}, accounts[RANDOM_VERSIONS] = {{0}};
    struct text holdings[RANDOM_VERSIONS] = {{0}}, tenants[RANDOM_VERSIONS] = {{0}}, offers = {0};
    struct dice further = {dice->state ^ UINT64_C(0x5bd1e995c0ffee11)}; // what came later draws by itself
    random_book(books, dice, "id: list\n    name: List\n    currency: EUR");
    random_book(books, dice, "id: low\n    name: Low\n    currency: EUR\n    parent: list");
    add_account(partners, dice, &further, "sky", "series: SKY, ");
    add_account(accounts, dice, &further, "acme", "");
    add_account(accounts, dice, &further, "bolt", "");
    add_account(accounts, dice, &further, "shop", "seller: sky, ");
    random_offers(&offers, holdings, dice, &further);
    add_tenants(tenants, dice);
    text_add_string(&files[0], frame);
    for (int version = 0; version < RANDOM_VERSIONS; version++) {
        add_section(&files[version], "price_books", &books[version]);
        add_section(&files[version], "partners", &partners[version]);
        add_section(&files[version], "billing_accounts", &accounts[version]);
        if (!version) add_section(&files[version], "offers", &offers);
        add_section(&files[version], "holdings", &holdings[version]);
        add_section(&files[version], "tenants", &tenants[version]);
    }
}

// --- catalogues

#define APPEND(list)                                                                                                   \
    for (size_t i = 0; i < more->list.count; i++)                                                                      \
    *ROW_NEW(&rows->list) = more->list.row[i]

static void append_rows(struct catalogue_rows *rows, const struct catalogue_rows *more)
{
    APPEND(services);
    APPEND(meters);
    APPEND(skus);
    APPEND(books);
    APPEND(prices);
    APPEND(tiers);
    APPEND(sellers);
    APPEND(accounts);
    APPEND(agreements);
    APPEND(offers);
    APPEND(holdings);
    APPEND(tenants);
    APPEND(memberships);
}

static void fail_with(const char *file, struct file_errors *errors, const struct fault *fault)
{
    struct text told = {0};
    file_errors_print(errors, &told);
    fprintf(stderr, "%s\n%s%s %s\n", file, told.length ? told.data : "", fault->place, fault->reason);
    abort();
}

// Adds what a file adds to `rows`, and builds the catalogue of them all. The rows' texts stay in `files`.
static struct catalogue *apply_file(const char *text, int64_t version, struct catalogue_files *files,
                                    struct catalogue_rows *rows, struct arena *arena)
{
    struct catalogue_rows all = {0};
    struct catalogue *catalogue = NULL;
    struct fault fault = {0};
    struct test_folder folder;
    struct plan plan = {.arena = arena, .files = files, .existing = rows, .version = version, .watermark = INSTANT_MIN};
    ENSURE(test_folder_make(&folder) == 0 && test_file(&folder, "f.yaml", text, strlen(text), 0644)[0]);
    const char *paths[] = {test_path(&folder, "f.yaml")};
    catalogue_files_init(files);
    plan_sort(rows);
    enum err err = catalogue_files_read(files, paths, 1);
    if (!err) err = plan_make(&plan);
    if (err) fail_with(text, &files->errors, &fault);
    append_rows(rows, &plan.added);
    catalogue_rows_init(&all, version);
    append_rows(&all, rows);
    if (catalogue_build(&all, &catalogue, &fault)) fail_with(text, &files->errors, &fault);
    catalogue_rows_fini(&all);
    plan_fini(&plan);
    test_folder_remove(&folder);
    return catalogue;
}

void random_catalogue_make(struct dice *dice, struct random_catalogue *made)
{
    *made = (struct random_catalogue){.arena = arena_new(1 << 14)};
    write_files(dice, made->texts);
    catalogue_rows_init(&made->rows, RANDOM_VERSIONS);
    for (int i = 0; i < RANDOM_VERSIONS; i++)
        made->versions[i] = apply_file(made->texts[i].length ? made->texts[i].data : "{}\n", i + 1, &made->files[i],
                                       &made->rows, made->arena);
}

void random_catalogue_free(struct random_catalogue *made)
{
    for (int i = 0; i < RANDOM_VERSIONS; i++) {
        catalogue_release(made->versions[i]);
        catalogue_files_fini(&made->files[i]);
        text_free(&made->texts[i]);
    }
    catalogue_rows_fini(&made->rows);
    arena_free(made->arena);
}
