// SPDX-License-Identifier: Apache-2.0
// Open addressing, at most half full. A slot has 32 bits of the identity and 32 of the row, so that an identity which is
// not there is seldom looked for in the list.
#include "rating/identity_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

enum { SLOTS_FIRST = 256 };
#define TAG_MASK (UINT64_MAX << 32)

static uint64_t slot_of(struct hash128 identity, size_t row)
{
    return (identity.high & TAG_MASK) | (uint64_t)(row + 1);
}

static size_t row_of(uint64_t slot)
{
    return (size_t)(uint32_t)slot - 1;
}

void identity_table_free(struct identity_table *table)
{
    free(table->slots);
    *table = (struct identity_table){0};
}

void identity_table_clear(struct identity_table *table)
{
    if (table->used > 0) memset(table->slots, 0, (table->mask + 1) * sizeof *table->slots);
    table->used = 0;
}

// The slot of the identity, or the empty one where it would go.
static uint64_t *find(const struct identity_table *table, const struct dedup_entry *entries, struct hash128 identity)
{
    for (uint64_t at = identity.low & table->mask;; at = (at + 1) & table->mask) {
        uint64_t slot = table->slots[at];
        if (slot == 0) return &table->slots[at];
        if (((slot ^ identity.high) & TAG_MASK) == 0 && hash128_equal(entries[row_of(slot)].identity, identity))
            return &table->slots[at];
    }
}

static void grow(struct identity_table *table, const struct dedup_entry *entries)
{
    struct identity_table larger = {.mask = table->slots ? table->mask * 2 + 1 : SLOTS_FIRST - 1, .used = table->used};
    larger.slots = heap_alloc((larger.mask + 1) * sizeof *larger.slots);
    for (uint64_t at = 0; table->slots && at <= table->mask; at++)
        if (table->slots[at]) *find(&larger, entries, entries[row_of(table->slots[at])].identity) = table->slots[at];
    free(table->slots);
    *table = larger;
}

void identity_table_put(struct identity_table *table, const struct dedup_entry *entries, size_t row)
{
    ENSURE(row < UINT32_MAX);
    if (!table->slots || table->used * 2 > table->mask) grow(table, entries);
    uint64_t *slot = find(table, entries, entries[row].identity);
    table->used += *slot == 0;
    *slot = slot_of(entries[row].identity, row);
}

const struct dedup_entry *identity_table_find(const struct identity_table *table, const struct dedup_entry *entries,
                                              struct hash128 identity)
{
    if (table->used == 0) return NULL;
    uint64_t slot = *find(table, entries, identity);
    return slot ? &entries[row_of(slot)] : NULL;
}

void identity_table_prefetch(const struct identity_table *table, struct hash128 identity)
{
    if (table->slots) __builtin_prefetch(&table->slots[identity.low & table->mask], 1);
}

size_t identity_table_bytes(const struct identity_table *table)
{
    return table->slots ? (table->mask + 1) * sizeof *table->slots : 0;
}
