// SPDX-License-Identifier: Apache-2.0
// Finding a price. The matches of a (book, SKU) are grouped by shape, the set of dimension names that they use: for
// each shape the usage's values of these names are looked up by hash, so 80,000 prices of one SKU cost as many probes
// as they have shapes. Building is in catalogue_price_build.c.
#include <stdlib.h>
#include <string.h>

#include "catalogue/price_index.h"

uint64_t price_match_hash(int32_t book, int32_t sku, const struct match_member *members, size_t count)
{
    uint64_t hash = lookup_hash_number((int64_t)(((uint64_t)(uint32_t)book << 32) | (uint32_t)sku));
    for (size_t i = 0; i < count; i++) {
        hash = lookup_hash_number((int64_t)(hash ^ lookup_hash_text(slice_of(members[i].dimension))));
        hash = lookup_hash_number((int64_t)(hash ^ lookup_hash_text(slice_of(members[i].value))));
    }
    return hash;
}

bool price_members_equal(const struct match_member *a, size_t a_count, const struct match_member *b, size_t b_count)
{
    if (a_count != b_count) return false;
    for (size_t i = 0; i < a_count; i++)
        if (strcmp(a[i].dimension, b[i].dimension) != 0 || strcmp(a[i].value, b[i].value) != 0) return false;
    return true;
}

static const struct price_list *find_list(const struct catalogue *catalogue, int32_t book, int32_t sku)
{
    const struct lookup *keys = &catalogue->list_keys;
    uint64_t hash = price_match_hash(book, sku, NULL, 0);
    for (struct lookup_walk walk = lookup_start(keys, hash); lookup_step(keys, &walk);) {
        const struct price_list *list = &catalogue->lists[walk.index];
        if (list->book == book && list->sku == sku) return list;
    }
    return NULL;
}

// The members of the usage that have the shape's names (both are sorted); false if one is absent.
static bool project(const struct price_shape *shape, const struct dimension_set *dimensions,
                    struct match_member *members)
{
    size_t at = 0;
    for (size_t i = 0; i < shape->count; i++) {
        while (at < dimensions->count && strcmp(dimensions->members[at].dimension, shape->names[i]) < 0)
            at++;
        if (at == dimensions->count || strcmp(dimensions->members[at].dimension, shape->names[i]) != 0) return false;
        members[i] = dimensions->members[at++];
    }
    return true;
}

// Versions are few, and late ones are asked for most.
static const struct price_version *version_at(const struct catalogue *catalogue, struct span versions, instant_us slot)
{
    for (uint32_t i = versions.first + versions.count; i-- > versions.first;) {
        const struct price_version *version = &catalogue->prices[i];
        if (version->effective_from > slot) continue;
        if (slot >= version->effective_to || version->withdrawn) return NULL;
        return !version->window || price_window_holds(version->window, slot) ? version : NULL;
    }
    return NULL;
}

static const struct price_version *find_in_shape(const struct catalogue *catalogue, const struct price_list *list,
                                                 const struct match_member *members, size_t count, instant_us slot)
{
    const struct lookup *table = &catalogue->match_members;
    const struct price_version *best = NULL;
    uint64_t hash = price_match_hash(list->book, list->sku, members, count);
    for (struct lookup_walk walk = lookup_start(table, hash); lookup_step(table, &walk);) {
        const struct price_match *match = &catalogue->matches[walk.index];
        const struct price_version *any = &catalogue->prices[match->versions.first];
        if (match->book != list->book || match->sku != list->sku) continue;
        if (!price_members_equal(any->match, any->match_count, members, count)) continue;
        const struct price_version *found = version_at(catalogue, match->versions, slot);
        if (found && (!best || price_window_rank(found->window) > price_window_rank(best->window))) best = found;
    }
    return best;
}

static const struct price_version *find_in_list(const struct catalogue *catalogue, const struct price_list *list,
                                                const struct dimension_set *dimensions, instant_us slot)
{
    const struct price_version *best = NULL;
    for (size_t i = 0; i < list->shape_count; i++) {
        const struct price_shape *shape = &list->shapes[i];
        struct match_member members[DIMENSIONS_MAX];
        if (best && shape->count < best->match_count) break;
        if (!project(shape, dimensions, members)) continue;
        const struct price_version *found = find_in_shape(catalogue, list, members, shape->count, slot);
        if (found && (!best || strcmp(found->match_text, best->match_text) < 0)) best = found;
    }
    return best;
}

const struct price_version *catalogue_price(const struct catalogue *catalogue, const struct price_book *book,
                                            int32_t sku, const struct dimension_set *dimensions, instant_us slot)
{
    for (; book; book = book->parent) {
        const struct price_list *list = find_list(catalogue, book->number, sku);
        const struct price_version *found = list ? find_in_list(catalogue, list, dimensions, slot) : NULL;
        if (found) return found;
    }
    return NULL;
}

const struct price_version *catalogue_price_number(const struct catalogue *catalogue, int64_t number)
{
    static const struct price_version none = {.match_text = "{}",
                                              .hours = "",
                                              .unit = "unit",
                                              .per = {1000000000},
                                              .model = PRICE_PER_UNIT,
                                              .effective_from = INSTANT_MIN,
                                              .effective_to = INSTANT_MAX};
    const struct lookup *numbers = &catalogue->price_numbers;
    if (number == 0) return &none;
    for (struct lookup_walk walk = lookup_start(numbers, lookup_hash_number(number)); lookup_step(numbers, &walk);)
        if (catalogue->prices[walk.index].number == number) return &catalogue->prices[walk.index];
    return NULL;
}

uint32_t catalogue_book_index(const struct catalogue *catalogue, int32_t number)
{
    const struct lookup *numbers = &catalogue->book_numbers;
    for (struct lookup_walk walk = lookup_start(numbers, lookup_hash_number(number)); lookup_step(numbers, &walk);)
        if (catalogue->books[walk.index].number == number) return walk.index;
    return NO_INDEX;
}

// --- changes

static int compare_instants(const void *a, const void *b)
{
    instant_us x = *(const instant_us *)a, y = *(const instant_us *)b;
    return COMPARE(x, y);
}

size_t price_unique_instants(instant_us *instants, size_t count)
{
    size_t kept = 0;
    rows_sort(instants, count, sizeof *instants, compare_instants);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || instants[kept - 1] != instants[i]) instants[kept++] = instants[i];
    return kept;
}

bool catalogue_price_daily(const struct catalogue *catalogue, const struct price_book *book)
{
    for (; book; book = book->parent)
        if (catalogue->book_changes[book - catalogue->books].daily) return true;
    return false;
}

size_t catalogue_price_changes(const struct catalogue *catalogue, const struct price_book *book, instant_us start,
                               instant_us end, struct arena *arena, instant_us **changes)
{
    size_t room = 0, count = 0;
    for (const struct price_book *each = book; each; each = each->parent) {
        const struct book_changes *own = &catalogue->book_changes[each - catalogue->books];
        room += own->count;
        for (size_t i = 0; i < own->window_count; i++)
            room += price_window_changes(own->windows[i]->window, start, end, NULL);
    }
    *changes = ARENA_ARRAY(arena, instant_us, room);
    for (const struct price_book *each = book; each; each = each->parent) {
        const struct book_changes *own = &catalogue->book_changes[each - catalogue->books];
        for (size_t i = 0; i < own->count; i++)
            if (own->instants[i] > start && own->instants[i] < end) (*changes)[count++] = own->instants[i];
        for (size_t i = 0; i < own->window_count; i++)
            count += price_window_changes(own->windows[i]->window, start, end, *changes + count);
    }
    return price_unique_instants(*changes, count);
}
