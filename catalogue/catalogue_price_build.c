// SPDX-License-Identifier: Apache-2.0
// Prices of a catalogue: versions, tiers and windows checked and sorted. catalogue_price_index.c makes them findable.
#include <stdio.h>
#include <string.h>

#include "catalogue/price_index.h"
#include "catalogue/price_model.h"
#include "catalogue/price_times.h"

enum { MINIMUM_SECONDS_MAX = 86400 };

// --- rows

static int compare_rows(const void *a, const void *b)
{
    const struct price_row *x = a, *y = b;
    if (x->book != y->book) return COMPARE(x->book, y->book);
    if (x->sku != y->sku) return COMPARE(x->sku, y->sku);
    int order = strcmp(x->match, y->match);
    if (order == 0) order = strcmp(x->hours, y->hours);
    return order != 0 ? order : COMPARE(x->effective_from, y->effective_from);
}

static int compare_tiers(const void *a, const void *b)
{
    const struct price_tier_row *x = a, *y = b;
    return x->price != y->price ? COMPARE(x->price, y->price) : COMPARE(x->tier, y->tier);
}

static bool same_match(const struct price_row *a, const struct price_row *b)
{
    return a->book == b->book && a->sku == b->sku && strcmp(a->match, b->match) == 0;
}

static bool same_line(const struct price_row *a, const struct price_row *b)
{
    return same_match(a, b) && strcmp(a->hours, b->hours) == 0;
}

static enum err price_fault(const struct price_row *row, struct fault *fault, const char *format, ...)
    PRINTF_LIKE(3, 4);
static enum err price_fault(const struct price_row *row, struct fault *fault, const char *format, ...)
{
    char number[24], reason[FAULT_TEXT_MAX];
    snprintf(number, sizeof number, "%lld", (long long)row->number);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return row_fault(fault, "price", number, "%s", reason);
}

// --- one version

static bool meter_has_dimension(const struct catalogue *catalogue, int32_t meter, const char *dimension)
{
    struct span span = catalogue->meter_spans[catalogue_meter_index(catalogue, meter)];
    for (uint32_t i = span.first; i < span.first + span.count; i++)
        for (size_t j = 0; j < catalogue->meters[i].dimension_count; j++)
            if (strcmp(catalogue->meters[i].dimensions[j], dimension) == 0) return true;
    return false;
}

static enum err read_match(struct catalogue *catalogue, const struct price_row *row, const struct sku *sku,
                           struct price_version *version, struct fault *fault)
{
    struct dimension_set set;
    struct fault inner = {0};
    if (dimension_set_read(catalogue->arena, slice_of(row->match), &set, &inner))
        return price_fault(row, fault, "match %.128s: %.256s", row->match, inner.reason);
    for (size_t i = 0; i < set.count; i++)
        if (!meter_has_dimension(catalogue, sku->meter, set.members[i].dimension))
            return price_fault(row, fault, "match names %.64s, which is no dimension of the meter of SKU %s",
                               set.members[i].dimension, sku->id);
    struct match_member *members = ARENA_ARRAY(catalogue->arena, struct match_member, set.count);
    if (set.count > 0) memcpy(members, set.members, set.count * sizeof *members);
    version->match = members;
    version->match_count = set.count;
    return ERR_OK;
}

// What only shared prices have, or only those that are not.
static enum err check_spend(const struct price_row *row, struct fault *fault)
{
    const struct price_form *form = &price_forms[row->model];
    bool spend = row->minimum_spend.pico != 0 || row->maximum_spend.pico != 0;
    if (row->free.nano < 0 || row->fixed.pico < 0 || row->minimum_spend.pico < 0 || row->maximum_spend.pico < 0 ||
        row->round_to.nano < 0)
        return price_fault(row, fault, "free, fixed, minimum_spend, maximum_spend or round_to is negative");
    if (row->maximum_spend.pico && row->minimum_spend.pico > row->maximum_spend.pico)
        return price_fault(row, fault, "minimum_spend is above maximum_spend");
    if (row->fixed.pico && !form->fixed) return price_fault(row, fault, "a %s price has no fixed part", form->name);
    if (!form->shared && (row->free.nano || spend))
        return price_fault(row, fault, "a %s price has no free units, minimum_spend or maximum_spend", form->name);
    if (!form->shared && row->round_to.nano) return price_fault(row, fault, "a %s price rounds no quantity", form->name);
    if (form->shared && (row->minimum_seconds || row->increment_us))
        return price_fault(row, fault, "a %s price has no %s", form->name,
                           row->minimum_seconds ? "minimum_seconds" : "increment_seconds");
    return ERR_OK;
}

// Prices that an event brings are charged as they are: the meter must count the book's currency.
static enum err check_money(const struct catalogue *catalogue, const struct price_row *row, const struct meter *meter,
                            struct fault *fault)
{
    const struct price_form *form = &price_forms[row->model];
    if (!form->money || row->withdrawn) return ERR_OK;
    const char *currency = catalogue->books[catalogue_book_index(catalogue, row->book)].currency.code;
    if (strcmp(meter->unit, currency) != 0)
        return price_fault(row, fault, "a %s price is in %s, but meter %s counts %s", form->name, currency, meter->id,
                           meter->unit);
    if (row->per.nano != 1000000000) return price_fault(row, fault, "per of a %s price is 1", form->name);
    return ERR_OK;
}

// A fee of every event needs the events, and has what a fee of their sum has in its own way.
static enum err check_per_event(const struct price_row *row, const struct meter *meter, struct fault *fault)
{
    const struct price_event_fee *fee = &row->event_fee;
    if (!row->per_event) return ERR_OK;
    if (row->model != PRICE_PERCENTAGE)
        return price_fault(row, fault, "a %s price has no per_event", price_forms[row->model].name);
    if (row->free.nano || row->fixed.pico || row->round_to.nano || (row->times && *row->times))
        return price_fault(row, fault, "a price with per_event has no free, fixed, round and times");
    if (fee->fixed.pico < 0 || fee->minimum.pico < 0 || fee->maximum.pico < 0 || fee->free_events < 0 ||
        fee->free_amount.nano < 0)
        return price_fault(row, fault, "a member of per_event is negative");
    if (fee->maximum.pico && amount_compare(fee->minimum, fee->maximum) > 0)
        return price_fault(row, fault, "the maximum per event is below the minimum");
    if (!meter->keeps_events) return price_fault(row, fault, "meter %s does not keep its events", meter->id);
    return ERR_OK;
}

static enum err check_terms(struct catalogue *catalogue, const struct price_row *row, const struct sku *sku,
                            struct fault *fault)
{
    const struct meter *meter = catalogue_meter_newest(catalogue, sku->meter);
    if (row->number <= 0) return price_fault(row, fault, "numbers begin at 1");
    if (row->per.nano <= 0) return price_fault(row, fault, "per must be above zero");
    if (row->price.pico < 0) return price_fault(row, fault, "the price is negative");
    if (row->minimum_seconds < 0 || row->minimum_seconds > MINIMUM_SECONDS_MAX)
        return price_fault(row, fault, "minimum_seconds is %d: 0 to %d", row->minimum_seconds, MINIMUM_SECONDS_MAX);
    if (row->minimum_seconds > 0 && meter->aggregation != AGGREGATION_INTERVAL)
        return price_fault(row, fault, "minimum_seconds is for interval meters, %s is none", meter->id);
    if (row->increment_us < 0 || row->increment_us > DAY_US)
        return price_fault(row, fault, "increment_us is %lld: 0 to a day", (long long)row->increment_us);
    if (row->increment_us > 0 && meter->aggregation != AGGREGATION_INTERVAL)
        return price_fault(row, fault, "increment_seconds is for interval meters, %s is none", meter->id);
    if (row->daily && (!price_forms[row->model].tier_prices || !price_daily_window(meter->window)))
        return price_fault(row, fault, "a %s price of meter %s does not count days", price_forms[row->model].name, meter->id);
    if (!instant_on_slot_bound(row->effective_from))
        return price_fault(row, fault, "effective_from is not on a 15-minute bound");
    enum err err = check_money(catalogue, row, meter, fault);
    if (!err) err = check_per_event(row, meter, fault);
    return err ? err : check_spend(row, fault);
}

// A bound in meter units; an inexact product would move usage between tiers.
static enum err in_meter_units(const struct price_row *row, struct quantity up_to, const char *what,
                               struct quantity *bound, struct fault *fault)
{
    const int128 one = 1000000000;
    int128 below, above;
    if (decimal_mul_div(up_to.nano, row->per.nano, one, ROUND_DOWN, &below) ||
        decimal_mul_div(up_to.nano, row->per.nano, one, ROUND_UP, &above))
        return price_fault(row, fault, "%s x per is too large", what);
    if (below != above) return price_fault(row, fault, "%s x per has more than 9 fraction digits", what);
    bound->nano = below;
    return ERR_OK;
}

static enum err build_tiers(struct catalogue *catalogue, const struct price_row *row,
                            const struct price_tier_row *tiers, size_t count, struct price_version *version,
                            struct fault *fault)
{
    const struct price_form *form = &price_forms[row->model];
    if (!form->tiers && count > 0) return price_fault(row, fault, "a %s price has no tiers", form->name);
    if (!form->tiers) return ERR_OK;
    if (count == 0 || count > TIERS_MAX)
        return price_fault(row, fault, "a %s price has 1 to %d tiers", form->name, TIERS_MAX);
    struct price_tier *built = ARENA_ARRAY(catalogue->arena, struct price_tier, count);
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count;
        if (tiers[i].tier != (int)i)
            return price_fault(row, fault, "tiers are numbered 0, 1, 2: there is %d", tiers[i].tier);
        if (tiers[i].last != last) return price_fault(row, fault, "the last tier, and only it, has no bound");
        if (tiers[i].unit_price.pico < 0 || tiers[i].flat.pico < 0)
            return price_fault(row, fault, "the price of tier %zu is negative", i);
        if (tiers[i].unit_price.pico && !form->tier_prices)
            return price_fault(row, fault, "a %s price has no unit prices", form->name);
        if (tiers[i].block.nano < 0 || (tiers[i].block.nano && !form->tier_prices))
            return price_fault(row, fault, "tier %zu has a block of no units, or without a unit price", i);
        built[i] = (struct price_tier){.last = last, .price = tiers[i].unit_price, .flat = tiers[i].flat};
        enum err err = in_meter_units(row, tiers[i].block, "a tier's block", &built[i].block, fault);
        if (err) return err;
        if (last) break;
        err = in_meter_units(row, tiers[i].up_to, "a tier's bound", &built[i].up_to, fault);
        if (err) return err;
        if (built[i].up_to.nano <= (i == 0 ? 0 : built[i - 1].up_to.nano))
            return price_fault(row, fault, "the bound of tier %zu is not above the one before", i);
    }
    version->tiers = built;
    version->tier_count = count;
    return ERR_OK;
}

// Its own end, or the start of the next version of the same match; overlaps are refused.
static enum err version_end(const struct price_row *row, const struct price_row *next, instant_us *end,
                            struct fault *fault)
{
    bool open = row->effective_to == INSTANT_NONE || row->effective_to == INSTANT_MAX || row->effective_to == 0;
    *end = open ? INSTANT_MAX : row->effective_to;
    if (!open && row->effective_to <= row->effective_from) return price_fault(row, fault, "it ends before it begins");
    if (!instant_on_slot_bound(*end)) return price_fault(row, fault, "effective_to is not on a 15-minute bound");
    if (!next) return ERR_OK;
    if (next->effective_from == row->effective_from)
        return price_fault(row, fault, "price %lld begins at the same instant for the same book, SKU, match and hours",
                           (long long)next->number);
    if (open) *end = next->effective_from;
    if (*end > next->effective_from)
        return price_fault(row, fault, "it overlaps price %lld of the same book, SKU, match and hours",
                           (long long)next->number);
    return ERR_OK;
}

static enum err build_version(struct catalogue *catalogue, const struct price_row *row,
                              const struct price_version *before, struct price_version *version, struct fault *fault)
{
    const struct sku *sku = catalogue_sku_number(catalogue, row->sku);
    if (catalogue_book_index(catalogue, row->book) == NO_INDEX)
        return price_fault(row, fault, "price book number %d does not exist", row->book);
    if (!sku) return price_fault(row, fault, "SKU number %d does not exist", row->sku);
    *version = (struct price_version){
        .number = row->number,
        .book = row->book,
        .sku = row->sku,
        .match_text = row->match,
        .hours = row->hours,
        .withdrawn = row->withdrawn,
        .effective_from = row->effective_from,
        .model = row->model,
        .unit = text_or_empty(row->unit),
        .per = row->per,
        .price = row->price,
        .minimum_seconds = row->minimum_seconds,
        .increment_us = row->increment_us,
        .fixed = row->fixed,
        .minimum_spend = row->minimum_spend,
        .maximum_spend = row->maximum_spend,
        .round_mode = row->round_mode,
        .daily = row->daily,
    };
    if (row->per_event) {
        struct price_event_fee *fee = ARENA_NEW(catalogue->arena, struct price_event_fee);
        *fee = row->event_fee;
        version->per_event = fee;
    }
    enum err err = check_terms(catalogue, row, sku, fault);
    if (!err) err = in_meter_units(row, row->free, "free", &version->free, fault);
    if (!err) err = in_meter_units(row, row->round_to, "round_to", &version->round_to, fault);
    if (err || !before) return err ? err : read_match(catalogue, row, sku, version, fault);
    version->match = before->match; // the same match: parsed once
    version->match_count = before->match_count;
    if (strcmp(before->hours, row->hours) == 0) version->window = before->window;
    return ERR_OK;
}

// --- windows

static enum err read_window(struct catalogue *catalogue, const struct price_row *row, struct price_version *version,
                            struct fault *fault)
{
    struct fault inner = {0};
    if (version->window || !*row->hours) return ERR_OK;
    struct price_window *window = ARENA_NEW(catalogue->arena, struct price_window);
    enum err err = price_window_read(catalogue->arena, row->hours, window, &inner);
    if (err == ERR_INVALID) return price_fault(row, fault, "hours %.200s: %.200s", row->hours, inner.reason);
    if (err) return fault_set(fault, err, inner.place, "%s", inner.reason);
    version->window = window;
    return ERR_OK;
}

// Of one match the windows that are in force together are in one zone, and those of one rank never hold together.
static enum err check_windows(const struct catalogue *catalogue, const struct price_row *rows, size_t first, size_t end,
                              struct fault *fault)
{
    for (size_t i = first; i < end; i++) {
        const struct price_version *a = &catalogue->prices[i];
        for (size_t j = first; j < i && a->window; j++) {
            const struct price_version *b = &catalogue->prices[j];
            if (!b->window || a->window == b->window || a->withdrawn || b->withdrawn) continue;
            if (a->effective_from >= b->effective_to || b->effective_from >= a->effective_to) continue;
            if (a->window->zone != b->window->zone)
                return price_fault(&rows[i], fault, "its hours are in another zone than those of price %lld",
                                   (long long)b->number);
            if (price_windows_overlap(a->window, b->window))
                return price_fault(&rows[i], fault, "its hours overlap those of price %lld", (long long)b->number);
        }
    }
    return ERR_OK;
}

static enum err check_all_windows(const struct catalogue *catalogue, const struct catalogue_rows *rows,
                                  struct fault *fault)
{
    const struct price_row *row = rows->prices.row;
    for (size_t first = 0, end; first < rows->prices.count; first = end) {
        for (end = first + 1; end < rows->prices.count && same_match(&row[first], &row[end]);)
            end++;
        enum err err = check_windows(catalogue, row, first, end, fault);
        if (err) return err;
    }
    return ERR_OK;
}

// --- what quantities are multiplied by

static enum err read_times(struct catalogue *catalogue, const struct price_row *row, const struct price_row *before,
                           struct price_version *version, struct fault *fault)
{
    struct fault inner = {0};
    if (!*row->times) return ERR_OK;
    if (before && strcmp(before->times, row->times) == 0) { // a list of thousands of prices: parsed once
        version->times = version[-1].times;
        return ERR_OK;
    }
    struct price_times *times = ARENA_NEW(catalogue->arena, struct price_times);
    if (price_times_read(catalogue->arena, row->times, times, &inner))
        return price_fault(row, fault, "times: %.300s", inner.reason);
    const struct sku *sku = catalogue_sku_number(catalogue, row->sku);
    if (!meter_has_dimension(catalogue, sku->meter, times->dimension))
        return price_fault(row, fault, "times names %.64s, which is no dimension of the meter of SKU %s", times->dimension,
                           sku->id);
    version->times = times;
    return ERR_OK;
}

// --- all versions

static enum err build_versions(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    const struct price_row *row = rows->prices.row;
    for (size_t i = 0; i < rows->prices.count; i++) {
        struct price_version *version = &catalogue->prices[i];
        const struct price_row *next =
            i + 1 < rows->prices.count && same_line(&row[i], &row[i + 1]) ? &row[i + 1] : NULL;
        bool repeated = i > 0 && same_match(&row[i - 1], &row[i]);
        enum err err = build_version(catalogue, &row[i], repeated ? version - 1 : NULL, version, fault);
        if (!err) err = read_times(catalogue, &row[i], i > 0 && row[i - 1].sku == row[i].sku ? &row[i - 1] : NULL, version, fault);
        if (!err) err = read_window(catalogue, &row[i], version, fault);
        if (!err) err = version_end(&row[i], next, &version->effective_to, fault);
        if (err) return err;
        if (catalogue_price_number(catalogue, version->number))
            return price_fault(&row[i], fault, "the number is there twice");
        lookup_add(&catalogue->price_numbers, lookup_hash_number(version->number), i);
    }
    catalogue->price_count = rows->prices.count;
    return ERR_OK;
}

// Which books price events one by one, also through a parent.
static void mark_per_event(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->price_count; i++)
        if (catalogue->prices[i].per_event)
            catalogue->books[catalogue_book_index(catalogue, catalogue->prices[i].book)].per_event = true;
    for (size_t i = 0; i < catalogue->book_count; i++)
        for (const struct price_book *book = catalogue->books[i].parent; book; book = book->parent)
            if (book->per_event) catalogue->books[i].per_event = true;
}

static size_t tiers_of(const struct catalogue_rows *rows, int64_t price, size_t *first)
{
    size_t low = 0, high = rows->tiers.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->tiers.row[middle].price < price)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    while (high < rows->tiers.count && rows->tiers.row[high].price == price)
        high++;
    return high - low;
}

static enum err attach_tiers(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    size_t attached = 0;
    rows_sort(rows->tiers.row, rows->tiers.count, sizeof *rows->tiers.row, compare_tiers);
    for (size_t i = 0; i < rows->prices.count; i++) {
        const struct price_row *row = &rows->prices.row[i];
        size_t first, count = tiers_of(rows, row->number, &first);
        enum err err = build_tiers(catalogue, row, &rows->tiers.row[first], count, &catalogue->prices[i], fault);
        if (err) return err;
        attached += count;
    }
    if (attached == rows->tiers.count) return ERR_OK;
    return row_fault(fault, "price", "tiers", "%zu tiers belong to no price", rows->tiers.count - attached);
}

enum err catalogue_build_prices(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    for (size_t i = 0; i < rows->prices.count; i++) {
        if (!rows->prices.row[i].match) rows->prices.row[i].match = "{}";
        if (!rows->prices.row[i].hours) rows->prices.row[i].hours = "";
        if (!rows->prices.row[i].times) rows->prices.row[i].times = "";
    }
    rows_sort(rows->prices.row, rows->prices.count, sizeof *rows->prices.row, compare_rows);
    catalogue->prices = ARENA_ARRAY(catalogue->arena, struct price_version, rows->prices.count);
    lookup_init(&catalogue->price_numbers, catalogue->arena, rows->prices.count);
    enum err err = build_versions(catalogue, rows, fault);
    if (!err) err = check_all_windows(catalogue, rows, fault);
    if (!err) err = attach_tiers(catalogue, rows, fault);
    if (!err) mark_per_event(catalogue);
    if (!err) err = price_index_build(catalogue, fault);
    return err;
}
