// SPDX-License-Identifier: Apache-2.0
// Makes the built prices of a catalogue findable: by match and shape, and by the instants at which prices change.
#include <string.h>

#include "catalogue/price_index.h"

enum { SHAPES_MAX = 256 }; // kinds of match of one SKU in one book; people have five

// --- the index

static bool shape_fits(const struct price_shape *shape, const struct price_version *version)
{
    if (shape->count != version->match_count) return false;
    for (size_t i = 0; i < shape->count; i++)
        if (strcmp(shape->names[i], version->match[i].dimension) != 0) return false;
    return true;
}

static int compare_shapes(const void *a, const void *b)
{
    const struct price_shape *x = a, *y = b;
    return COMPARE(y->count, x->count);
}

// Remembers the names that a match uses. Neighbours mostly have the same shape as the one found last.
static bool add_shape(struct price_shape *shapes, size_t *count, size_t *last, const struct price_version *version)
{
    if (*count > 0 && shape_fits(&shapes[*last], version)) return true;
    for (*last = 0; *last < *count; ++*last)
        if (shape_fits(&shapes[*last], version)) return true;
    if (*count == SHAPES_MAX) return false;
    struct price_shape *shape = &shapes[(*count)++];
    shape->count = version->match_count;
    for (size_t i = 0; i < shape->count; i++)
        shape->names[i] = version->match[i].dimension;
    return true;
}

// Adds the match and hours whose versions begin at `first`; returns where the next one's begin.
static size_t add_match(struct catalogue *catalogue, size_t first)
{
    const struct price_version *version = &catalogue->prices[first];
    size_t end = first + 1;
    while (end < catalogue->price_count && catalogue->prices[end].book == version->book &&
           catalogue->prices[end].sku == version->sku &&
           strcmp(catalogue->prices[end].match_text, version->match_text) == 0 &&
           strcmp(catalogue->prices[end].hours, version->hours) == 0)
        end++;
    uint64_t hash = price_match_hash(version->book, version->sku, version->match, version->match_count);
    catalogue->matches[catalogue->match_count] =
        (struct price_match){version->book, version->sku, {(uint32_t)first, (uint32_t)(end - first)}};
    lookup_add(&catalogue->match_members, hash, catalogue->match_count++);
    return end;
}

// Adds the list of one (book, SKU) whose versions begin at *first, and moves *first behind them.
static enum err add_list(struct catalogue *catalogue, size_t *first, struct price_shape *shapes, struct fault *fault)
{
    const struct price_version *head = &catalogue->prices[*first];
    struct price_list *list = &catalogue->lists[catalogue->list_count];
    size_t count = 0, last = 0;
    while (*first < catalogue->price_count && catalogue->prices[*first].book == head->book &&
           catalogue->prices[*first].sku == head->sku) {
        if (!add_shape(shapes, &count, &last, &catalogue->prices[*first]))
            return row_fault(fault, "sku", catalogue_sku_number(catalogue, head->sku)->id,
                             "its matches use more than %d combinations of dimensions in book %s", SHAPES_MAX,
                             catalogue->books[catalogue_book_index(catalogue, head->book)].id);
        *first = add_match(catalogue, *first);
    }
    rows_sort(shapes, count, sizeof *shapes, compare_shapes);
    struct price_shape *kept = ARENA_ARRAY(catalogue->arena, struct price_shape, count);
    memcpy(kept, shapes, count * sizeof *shapes);
    *list = (struct price_list){head->book, head->sku, kept, count};
    lookup_add(&catalogue->list_keys, price_match_hash(head->book, head->sku, NULL, 0), catalogue->list_count++);
    return ERR_OK;
}

static int compare_hours(const void *a, const void *b)
{
    return strcmp((*(const struct price_version *const *)a)->hours, (*(const struct price_version *const *)b)->hours);
}

static void collect_windows(struct catalogue *catalogue, const struct price_version *prices, size_t count,
                            struct book_changes *changes)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += prices[i].window != NULL;
    changes->windows = ARENA_ARRAY(catalogue->arena, const struct price_version *, found);
    found = 0;
    for (size_t i = 0; i < count; i++)
        if (prices[i].window) changes->windows[found++] = &prices[i];
    rows_sort(changes->windows, found, sizeof *changes->windows, compare_hours);
    for (size_t i = 0; i < found; i++)
        if (i == 0 || compare_hours(&changes->windows[changes->window_count - 1], &changes->windows[i]) != 0)
            changes->windows[changes->window_count++] = changes->windows[i];
}

static void collect_changes(struct catalogue *catalogue)
{
    catalogue->book_changes = ARENA_ARRAY(catalogue->arena, struct book_changes, catalogue->book_count);
    for (size_t first = 0, end; first < catalogue->price_count; first = end) {
        const struct price_version *prices = &catalogue->prices[first];
        for (end = first + 1; end < catalogue->price_count && catalogue->prices[end].book == prices->book;)
            end++;
        struct book_changes *changes = &catalogue->book_changes[catalogue_book_index(catalogue, prices->book)];
        changes->instants = ARENA_ARRAY(catalogue->arena, instant_us, 2 * (end - first));
        for (size_t i = 0; i < end - first; i++) {
            if (prices[i].effective_from > INSTANT_MIN) changes->instants[changes->count++] = prices[i].effective_from;
            if (prices[i].effective_to < INSTANT_MAX) changes->instants[changes->count++] = prices[i].effective_to;
            changes->daily = changes->daily || prices[i].daily != PRICE_DAILY_NONE;
        }
        changes->count = price_unique_instants(changes->instants, changes->count);
        collect_windows(catalogue, prices, end - first, changes);
    }
}

enum err price_index_build(struct catalogue *catalogue, struct fault *fault)
{
    struct price_shape *shapes = ARENA_ARRAY(catalogue->arena, struct price_shape, SHAPES_MAX);
    catalogue->matches = ARENA_ARRAY(catalogue->arena, struct price_match, catalogue->price_count);
    catalogue->lists = ARENA_ARRAY(catalogue->arena, struct price_list, catalogue->price_count);
    lookup_init(&catalogue->match_members, catalogue->arena, catalogue->price_count);
    lookup_init(&catalogue->list_keys, catalogue->arena, catalogue->price_count);
    for (size_t first = 0; first < catalogue->price_count;) {
        enum err err = add_list(catalogue, &first, shapes, fault);
        if (err) return err;
    }
    collect_changes(catalogue);
    return ERR_OK;
}
