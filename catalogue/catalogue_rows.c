// SPDX-License-Identifier: Apache-2.0
// The arrays of rows: growing, packing of texts, and what all builders share: sorting, keeping the newest version of a
// key, and the words of a contradiction.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/catalogue_internal.h"

enum { CHUNK_BYTES = 65536 };

void catalogue_rows_init(struct catalogue_rows *rows, int64_t version)
{
    *rows = (struct catalogue_rows){.version = version, .arena = arena_new(CHUNK_BYTES)};
}

void catalogue_rows_fini(struct catalogue_rows *rows)
{
    free(rows->services.row);
    free(rows->meters.row);
    free(rows->skus.row);
    free(rows->currencies.row);
    free(rows->books.row);
    free(rows->exchanges.row);
    free(rows->prices.row);
    free(rows->tiers.row);
    free(rows->sellers.row);
    free(rows->accounts.row);
    free(rows->agreements.row);
    free(rows->offers.row);
    free(rows->holdings.row);
    free(rows->tenants.row);
    free(rows->memberships.row);
    arena_free(rows->arena);
    *rows = (struct catalogue_rows){0};
}

void *rows_grow(void **rows, size_t size, size_t *count, size_t *capacity)
{
    if (*count == *capacity) {
        *capacity = *capacity == 0 ? 16 : *capacity * 2;
        *rows = heap_grow(*rows, size, *capacity);
    }
    return memset((char *)*rows + size * (*count)++, 0, size);
}

const char *rows_text(struct catalogue_rows *rows, const char *text, size_t length)
{
    if (length + 1 > CHUNK_BYTES / 4) return arena_text(rows->arena, text, length);
    if (length + 1 > rows->chunk_left) {
        rows->chunk = arena_alloc(rows->arena, CHUNK_BYTES);
        rows->chunk_left = CHUNK_BYTES;
    }
    char *copy = rows->chunk;
    memcpy(copy, text, length);
    copy[length] = 0;
    rows->chunk += length + 1;
    rows->chunk_left -= length + 1;
    return copy;
}

void rows_sort(void *rows, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    for (size_t i = 1; i < count; i++) {
        if (compare((char *)rows + (i - 1) * size, (char *)rows + i * size) <= 0) continue;
        qsort(rows, count, size, compare);
        return;
    }
}

size_t rows_keep_newest(void *rows, size_t count, size_t size, bool (*same)(const void *, const void *))
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        char *row = (char *)rows + i * size;
        if (i + 1 < count && same(row, row + size)) continue;
        if (kept < i) memcpy((char *)rows + kept * size, row, size);
        kept++;
    }
    return kept;
}

bool ids_add(struct lookup *table, const char **ids, size_t index, const char *id)
{
    uint64_t hash = lookup_hash_text(slice_of(id));
    for (struct lookup_walk walk = lookup_start(table, hash); lookup_step(table, &walk);)
        if (strcmp(ids[walk.index], id) == 0) return false;
    ids[index] = id;
    lookup_add(table, hash, index);
    return true;
}

enum err row_fault(struct fault *fault, const char *kind, const char *id, const char *format, ...)
{
    if (!fault) return ERR_INVALID;
    char place[FAULT_PLACE_MAX], reason[FAULT_TEXT_MAX];
    snprintf(place, sizeof place, "%s %s", kind, id ? id : "?"); // cut if too long: it is for people
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return fault_set(fault, ERR_INVALID, place, "%s", reason);
}

enum err row_check_id(const char *kind, const char *id, int64_t number, struct fault *fault)
{
    if (!id || !*id) return row_fault(fault, kind, "?", "number %lld has no id", (long long)number);
    size_t length = strlen(id);
    if (length > ID_MAX) return row_fault(fault, kind, id, "the id is longer than %d bytes", ID_MAX);
    if (!utf8_valid(id, length))
        return row_fault(fault, kind, "?", "the id of number %lld is not UTF-8", (long long)number);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)id[i] < 0x20 || id[i] == 0x7f)
            return row_fault(fault, kind, "?", "the id of number %lld has a control character", (long long)number);
    if (number <= 0) return row_fault(fault, kind, id, "its number is %lld: numbers begin at 1", (long long)number);
    return ERR_OK;
}

bool instant_on_slot_bound(instant_us instant)
{
    return instant == INSTANT_MIN || instant == INSTANT_MAX || instant_floor(instant, SLOT_US) == instant;
}
