// SPDX-License-Identifier: Apache-2.0
// Random prices as YAML. Every member ends in ", ", which flow mappings allow. A key of a price (SKU, match, window) is
// drawn once; versions of it come in any of the files, also dated back, of other models.
#include <string.h>

#include "tests/support/random_catalogue.h"

static const struct sold {
    const char *sku;
    bool size, region, interval, licence, whole; // whole: one value a period
    bool kept;                                   // its meter keeps its events
} sold[] = {
    {"calls", false, false, false, false, false, false}, {"bytes", false, true, false, false, false, false},  {"hours", true, true, false, false, false, false},
    {"peak", false, true, false, false, false, false},   {"top", false, false, false, false, false, false},   {"level", true, false, false, false, true, false},
    {"seats", false, false, false, false, false, false}, {"running", true, false, true, false, false, false}, {"licence", true, false, true, true, false, false},
    {.sku = "sales", .region = true, .kept = true}};
enum { SOLD = sizeof sold / sizeof *sold, VERSIONS_MOST = 4 };

void random_decimal(struct text *out, struct dice *dice, const char *name, int places, int most)
{
    static const int tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    int shown = dice_between(dice, 0, places);
    text_print(out, "%s: \"%d", name, dice_between(dice, 0, most - 1));
    if (shown) text_print(out, ".%0*d", shown, dice_between(dice, 0, tens[shown] - 1));
    text_add_string(out, "\", ");
}

static void add_tiers(struct text *out, struct dice *dice, const char *price, const char *flat)
{
    static const int steps[] = {5, 100, 5000};
    int bound = 0;
    text_add_string(out, "tiers: [");
    for (int more = dice_between(dice, 0, 3); more >= 0; more--) {
        bound += dice_between(dice, 1, DICE_PICK(dice, steps));
        text_add_string(out, "{");
        if (more) text_print(out, "up_to: %d, ", bound);
        if (price) random_decimal(out, dice, price, 6, 3);
        if (flat) random_decimal(out, dice, flat, 2, 50);
        if (price && dice_percent(dice, 20)) text_print(out, "block: %d, ", dice_between(dice, 1, 20));
        text_add_string(out, "}, ");
    }
    text_add_string(out, "], ");
}

static void add_percentage(struct text *out, struct dice *dice)
{
    text_add_string(out, "model: percentage, ");
    random_decimal(out, dice, "rate", 6, 1);
    random_decimal(out, dice, "fixed", 2, 50);
}

static void add_of_events(struct text *out, struct dice *dice)
{
    const int least = dice_between(dice, 0, 2);
    text_add_string(out, "model: percentage, ");
    random_decimal(out, dice, "rate", 6, 1);
    text_add_string(out, "per_event: {");
    if (dice_percent(dice, 60)) random_decimal(out, dice, "fixed", 2, 3);
    if (dice_percent(dice, 50)) text_print(out, "free_events: %d, ", dice_between(dice, 1, 6));
    if (dice_percent(dice, 50)) text_print(out, "free_amount: \"%d.5\", ", dice_between(dice, 0, 9000));
    if (dice_percent(dice, 40)) text_print(out, "minimum: %d, ", least);
    if (dice_percent(dice, 40)) text_print(out, "maximum: %d, ", least + dice_between(dice, 1, 400));
    text_add_string(out, "}, ");
}

static void add_simple(struct text *out, struct dice *dice, const char *model)
{
    text_print(out, "model: %s, ", model);
    random_decimal(out, dice, "price", 2, 50);
}

// Models that are charged once for the account.
static void add_shared(struct text *out, struct dice *dice, const struct sold *of)
{
    static const char *const modes[] = {"up", "down", "half_up", "half_even"};
    const char *flat = dice_percent(dice, 40) ? "flat" : NULL;
    int model = dice_between(dice, 0, 6), free = model == 6 || dice_percent(dice, 30);
    if (model == 0) text_add_string(out, "model: volume, ");
    if (model == 1) text_add_string(out, "model: stairstep, ");
    if (model <= 2) add_tiers(out, dice, model == 1 ? NULL : "price", model == 1 ? "flat" : flat);
    if (model == 3) add_percentage(out, dice);
    if (model == 4) add_simple(out, dice, "package");
    if (model == 5) add_simple(out, dice, "flat");
    if (model == 6) random_decimal(out, dice, "price", 6, 3);
    if (free) text_print(out, "free: %d, ", dice_between(dice, 1, 1500));
    if ((model == 0 || model == 2 || model == 6) && !of->whole && dice_percent(dice, 25))
        text_print(out, "daily: %s, ", dice_percent(dice, 50) ? "full" : "share");
    if (dice_percent(dice, 20))
        text_print(out, "round: {places: %d, mode: %s}, ", dice_between(dice, -2, 2), DICE_PICK(dice, modes));
    if (dice_percent(dice, 30))
        text_print(out, "minimum_spend: %d, maximum_spend: %d, ", dice_between(dice, 1, 50),
                   dice_between(dice, 50, 99));
}

static void add_terms(struct text *out, struct dice *dice, const struct sold *of)
{
    static const char *const pers[] = {"1", "7", "0.5", "1000", "3600", "1000000"};
    static const char *const seconds[] = {"0.001", "1", "60", "3600", "86399.999999"};
    static const int least[] = {0, 60, 3600, 86400};
    text_print(out, "unit: unit, per: \"%s\", ", DICE_PICK(dice, pers));
    if (of->kept && dice_percent(dice, 75)) {
        add_of_events(out, dice);
    } else if (dice_percent(dice, 45)) {
        add_shared(out, dice, of);
    } else {
        random_decimal(out, dice, "price", 6, 3);
        if (of->interval && dice_percent(dice, 50))
            text_print(out, "minimum_seconds: %d, increment_seconds: \"%s\", ", DICE_PICK(dice, least),
                       DICE_PICK(dice, seconds));
    }
    if (of->licence || (of->size && dice_percent(dice, 10)))
        text_add_string(out, "times: {dimension: size, values: {s: 2, m: \"0.5\", l: 7}}, ");
}

// The first version reaches back or begins somewhere; the others follow in any of the files.
static void add_versions(struct text *books, struct dice *dice, const char *key, const struct sold *of)
{
    instant_us used[VERSIONS_MOST];
    char shown[INSTANT_TEXT_MAX];
    for (int i = 0, count = dice_between(dice, 1, VERSIONS_MOST); i < count; i++) {
        struct text *out = &books[i ? dice_between(dice, 0, RANDOM_VERSIONS - 1) : 0];
        used[i] = !i && dice_percent(dice, 80) ? INSTANT_MIN : random_instant(dice, SLOT_US);
        for (int before = 0; before < i; before++)
            if (used[before] == used[i]) return;
        text_print(out, "      - {%s", key);
        if (i && dice_percent(dice, 15))
            text_add_string(out, "withdrawn: true, ");
        else
            add_terms(out, dice, of);
        if (used[i] != INSTANT_MIN) {
            instant_print(used[i], shown);
            text_print(out, "effective_from: %s, ", shown);
        }
        text_add_string(out, "}\n");
    }
}

// "sku: ..., match: {...}, "
static void draw_key(struct text *out, struct dice *dice, const struct sold *of)
{
    bool size = of->size && dice_percent(dice, 40), region = of->region && dice_percent(dice, 40);
    text_clear(out);
    text_print(out, "sku: %s, ", of->sku);
    if (!size && !region) return;
    text_add_string(out, "match: {");
    if (size) text_print(out, "size: %s, ", DICE_PICK(dice, random_sizes));
    if (region) text_print(out, "region: %s, ", DICE_PICK(dice, random_regions));
    text_add_string(out, "}, ");
}

// The prices of one SKU: each match without a window, with one, or both.
static void add_sku(struct text *books, struct dice *dice, const struct sold *of)
{
    static const char *const windows[] = {
        "{zone: Europe/Berlin, from: \"20:00\", to: \"08:00\"}", "{zone: America/New_York, days: [sat, sun]}",
        "{zone: Europe/Berlin, dates: [2026-03-29, 2026-03-08]}", "{zone: UTC, from: \"09:15\", to: \"09:30\"}"};
    struct text seen = {0}, key = {0};
    text_clear(&seen);
    for (int more = dice_between(dice, 0, 3); more > 0; more--) {
        draw_key(&key, dice, of);
        if (strstr(seen.data, key.data)) continue; // also one that is a part of another
        text_print(&seen, "%s\n", key.data);
        bool windowed = dice_percent(dice, 25);
        if (!windowed || dice_percent(dice, 80)) add_versions(books, dice, key.data, of);
        if (!windowed) continue;
        text_print(&key, "when: %s, ", DICE_PICK(dice, windows));
        add_versions(books, dice, key.data, of);
    }
    text_free(&seen);
    text_free(&key);
}

void random_book(struct text *files, struct dice *dice, const char *head)
{
    struct text books[RANDOM_VERSIONS] = {{0}};
    for (size_t s = 0; s < SOLD; s++)
        add_sku(books, dice, &sold[s]);
    for (int i = 0; i < RANDOM_VERSIONS; i++) {
        if (i == 0 || books[i].length) text_print(&files[i], "  - %s\n", head);
        if (books[i].length) text_print(&files[i], "    prices:\n%s", books[i].data);
        text_free(&books[i]);
    }
}
