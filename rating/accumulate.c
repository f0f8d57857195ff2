// SPDX-License-Identifier: Apache-2.0
// An open-addressed table of row numbers over a dense array of rows; both are kept from batch to batch.
#include "rating/accumulate.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/key_sort.h"

enum { ROWS_FIRST = 1024, TABLE_FIRST = 4096, ROWS_AHEAD = 24, TENANTS_AHEAD = 16, IDS_AHEAD = 8 };

struct accumulator {
    struct usage_row *rows;
    size_t count, room;
    uint32_t *table; // row number + 1; 0 = empty
    size_t mask;
    struct key_place *order, *scratch; // of the last sort
    const struct usage_row **sorted;
    size_t sorted_room;
    int (*sorted_by)(const void *, const void *); // what `sorted` is in the order of; NULL: of nothing
};

struct accumulator *accumulator_new(void)
{
    struct accumulator *accumulator = heap_alloc(sizeof *accumulator);
    accumulator->room = ROWS_FIRST;
    accumulator->rows = heap_grow(NULL, sizeof *accumulator->rows, ROWS_FIRST);
    accumulator->table = heap_alloc(TABLE_FIRST * sizeof *accumulator->table);
    accumulator->mask = TABLE_FIRST - 1;
    return accumulator;
}

void accumulator_free(struct accumulator *accumulator)
{
    if (!accumulator) return;
    free(accumulator->rows);
    free(accumulator->table);
    free(accumulator->order);
    free(accumulator->scratch);
    free(accumulator->sorted);
    free(accumulator);
}

void accumulator_clear(struct accumulator *accumulator)
{
    memset(accumulator->table, 0, (accumulator->mask + 1) * sizeof *accumulator->table);
    accumulator->count = 0;
    accumulator->sorted_by = NULL;
}

// The dimension set is a keyed hash that covers the tenant: its bits are random already.
static uint64_t key_hash(struct hash128 dimension_set, int32_t meter, instant_us slot)
{
    uint64_t mixed =
        (uint64_t)slot / MINUTE_US * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)meter * UINT64_C(0xc2b2ae3d27d4eb4f);
    mixed ^= dimension_set.low;
    return mixed ^ mixed >> 29;
}

// Values of a unique meter are rows of their own.
static struct hash128 value_of(const struct contribution *added)
{
    return added->meter->aggregation == AGGREGATION_UNIQUE ? added->event_id : (struct hash128){0};
}

static size_t home_of(const struct accumulator *accumulator, const struct contribution *added)
{
    const uint64_t value = value_of(added).low; // a keyed hash, or 0
    return (value ^ key_hash(added->dimension_set, added->meter->number, added->slot)) & accumulator->mask;
}

void accumulator_prefetch(const struct accumulator *accumulator, const struct contribution *added)
{
    __builtin_prefetch(&accumulator->table[home_of(accumulator, added)]);
}

static void row_prefetch(const struct usage_row *row)
{
    __builtin_prefetch(row);
    __builtin_prefetch((const char *)row + 64);
}

bool accumulator_prefetch_row(const struct accumulator *accumulator, const struct contribution *added)
{
    uint32_t row = accumulator->table[home_of(accumulator, added)];
    if (row > 0) row_prefetch(&accumulator->rows[row - 1]);
    return row > 0;
}

static bool row_is(const struct usage_row *row, const struct contribution *added)
{
    return row->slot == added->slot && row->meter->number == added->meter->number &&
           row->tenant->number == added->tenant->number && hash128_equal(row->dimension_set, added->dimension_set) &&
           (added->meter->aggregation != AGGREGATION_UNIQUE || hash128_equal(row->latest_id, added->event_id));
}

static void table_rebuild(struct accumulator *accumulator, size_t slots)
{
    if (slots != accumulator->mask + 1) {
        free(accumulator->table);
        accumulator->table = heap_grow(NULL, sizeof *accumulator->table, slots);
        accumulator->mask = slots - 1;
    }
    memset(accumulator->table, 0, slots * sizeof *accumulator->table);
    for (size_t i = 0; i < accumulator->count; i++) {
        const struct usage_row *row = &accumulator->rows[i];
        const uint64_t value = row->meter->aggregation == AGGREGATION_UNIQUE ? row->latest_id.low : 0;
        size_t at = (value ^ key_hash(row->dimension_set, row->meter->number, row->slot)) & accumulator->mask;
        while (accumulator->table[at])
            at = (at + 1) & accumulator->mask;
        accumulator->table[at] = (uint32_t)(i + 1);
    }
}

// The row of the key; made, without any event, if there is none.
static struct usage_row *row_of(struct accumulator *accumulator, const struct contribution *added)
{
    size_t at = home_of(accumulator, added);
    for (; accumulator->table[at]; at = (at + 1) & accumulator->mask) {
        struct usage_row *row = &accumulator->rows[accumulator->table[at] - 1];
        if (row_is(row, added)) return row;
    }
    if (accumulator->count == accumulator->room) {
        accumulator->room *= 2;
        accumulator->rows = heap_grow(accumulator->rows, sizeof *accumulator->rows, accumulator->room);
    }
    struct usage_row *row = &accumulator->rows[accumulator->count++];
    ENSURE(accumulator->count < UINT32_MAX);
    *row = (struct usage_row){
        .tenant = added->tenant,
        .meter = added->meter,
        .dimension_set = added->dimension_set,
        .slot = added->slot,
        .latest_time = INSTANT_NONE,
        .latest_id = value_of(added),
    };
    accumulator->table[at] = (uint32_t)accumulator->count;
    if (accumulator->count * 2 > accumulator->mask) table_rebuild(accumulator, (accumulator->mask + 1) * 2);
    return row;
}

static bool later(const struct contribution *added, const struct usage_row *row)
{
    if (row->event_count == 0 || added->event_time != row->latest_time)
        return row->event_count == 0 || added->event_time > row->latest_time;
    return hash128_compare(added->event_id, row->latest_id) > 0;
}

// What the row's quantity becomes.
static enum err merged(const struct usage_row *row, const struct contribution *added, struct quantity *quantity)
{
    *quantity = row->quantity;
    switch (added->meter->aggregation) {
    case AGGREGATION_SUM:
    case AGGREGATION_COUNT:
    case AGGREGATION_AVERAGE: // over event_count
        return quantity_add(row->quantity, added->quantity, quantity);
    case AGGREGATION_MAX:
        if (row->event_count == 0 || quantity_compare(added->quantity, row->quantity) > 0) *quantity = added->quantity;
        return ERR_OK;
    case AGGREGATION_MIN:
        if (row->event_count == 0 || quantity_compare(added->quantity, row->quantity) < 0) *quantity = added->quantity;
        return ERR_OK;
    case AGGREGATION_UNIQUE:
        *quantity = added->quantity; // 1, however often it comes
        return ERR_OK;
    case AGGREGATION_LATEST:
        if (later(added, row)) *quantity = added->quantity;
        return ERR_OK;
    case AGGREGATION_INTERVAL:
        return ERR_BUG; // transitions are kept one by one
    }
    return ERR_BUG;
}

// Finds or makes the rows, and whether each sum holds.
static enum err rows_find(struct accumulator *accumulator, struct contribution *contributions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct contribution *added = &contributions[i];
        size_t rows = accumulator->count;
        struct quantity quantity;
        const struct usage_row *row = row_of(accumulator, added);
        added->row = (uint32_t)(row - accumulator->rows);
        added->new_row = accumulator->count > rows;
        enum err err = merged(row, added, &quantity);
        if (err) return err;
    }
    return ERR_OK;
}

enum err accumulator_add(struct accumulator *accumulator, struct contribution *contributions, size_t count)
{
    size_t before = accumulator->count;
    accumulator->sorted_by = NULL;
    enum err err = rows_find(accumulator, contributions, count);
    if (err) {
        ENSURE(err == ERR_LIMIT);
        accumulator->count = before; // rows that were made for this event go again
        table_rebuild(accumulator, accumulator->mask + 1);
        return err;
    }
    for (size_t i = 0; i < count; i++) {
        const struct contribution *added = &contributions[i];
        struct usage_row *row = &accumulator->rows[added->row];
        struct quantity quantity = row->quantity;
        ENSURE(merged(row, added, &quantity) == ERR_OK);
        if (added->meter->aggregation == AGGREGATION_LATEST && later(added, row)) {
            row->latest_time = added->event_time;
            row->latest_id = added->event_id;
        }
        row->quantity = quantity;
        row->event_count++;
    }
    return ERR_OK;
}

size_t accumulator_count(const struct accumulator *accumulator)
{
    return accumulator->count;
}

// Rows of one first half of a dimension set.
static int set_order(const void *a, const void *b)
{
    const struct usage_row *x = a, *y = b;
    int order = hash128_compare(x->dimension_set, y->dimension_set);
    if (!order && x->meter != y->meter) order = strcmp(x->meter->id, y->meter->id);
    if (!order) order = (x->slot > y->slot) - (x->slot < y->slot);
    return order ? order : hash128_compare(x->latest_id, y->latest_id); // values of a unique meter
}

// Rows of one tenant.
static int slot_order(const void *a, const void *b)
{
    const struct usage_row *x = a, *y = b;
    if (x->slot != y->slot) return x->slot < y->slot ? -1 : 1;
    return (x > y) - (x < y);
}

static const struct usage_row *const *sorted_by(struct accumulator *accumulator, bool tenant,
                                                int (*tie)(const void *, const void *))
{
    if (accumulator->sorted_by == tie) return accumulator->sorted;
    if (accumulator->sorted_room < accumulator->room) {
        accumulator->sorted_room = accumulator->room;
        accumulator->order = heap_grow(accumulator->order, sizeof *accumulator->order, accumulator->room);
        accumulator->scratch = heap_grow(accumulator->scratch, sizeof *accumulator->scratch, accumulator->room);
        accumulator->sorted = heap_grow(accumulator->sorted, sizeof *accumulator->sorted, accumulator->room);
    }
    for (size_t i = 0; i < accumulator->count; i++) {
        const struct usage_row *row = &accumulator->rows[i];
        uint64_t key = tenant ? (uint64_t)row->tenant->number : row->dimension_set.high;
        accumulator->order[i] = (struct key_place){key, row};
    }
    key_sort(accumulator->order, accumulator->scratch, accumulator->count, tie);
    for (size_t i = 0; i < accumulator->count; i++)
        accumulator->sorted[i] = accumulator->order[i].place;
    accumulator->sorted_by = tie;
    return accumulator->sorted;
}

const struct usage_row *const *accumulator_sorted(struct accumulator *accumulator)
{
    return sorted_by(accumulator, false, set_order);
}

const struct usage_row *const *accumulator_by_tenant(struct accumulator *accumulator)
{
    return sorted_by(accumulator, true, slot_order);
}

void accumulator_prefetch_next(const struct usage_row *const *rows, size_t at, size_t count)
{
    if (count - at <= ROWS_AHEAD) return;
    row_prefetch(rows[at + ROWS_AHEAD]);
    __builtin_prefetch(rows[at + TENANTS_AHEAD]->tenant);
    __builtin_prefetch(rows[at + IDS_AHEAD]->tenant->id);
}
