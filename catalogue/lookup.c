// SPDX-License-Identifier: Apache-2.0
// Building of the hash tables: open addressing with linear probing, at most half full, so that a walk always ends.
#include "catalogue/lookup.h"

void lookup_init(struct lookup *lookup, struct arena *arena, size_t count)
{
    ENSURE(count < UINT32_MAX / 2);
    uint64_t slots = 8;
    while (slots < count * 2)
        slots *= 2;
    lookup->slots = ARENA_ARRAY(arena, struct lookup_slot, slots);
    lookup->mask = slots - 1;
}

void lookup_add(struct lookup *lookup, uint64_t hash, size_t index)
{
    uint64_t at = hash & lookup->mask;
    while (lookup->slots[at].index_plus_one != 0)
        at = (at + 1) & lookup->mask;
    lookup->slots[at] = (struct lookup_slot){(uint32_t)(hash >> 32), (uint32_t)index + 1};
}
