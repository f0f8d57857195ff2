// SPDX-License-Identifier: Apache-2.0
// Hash tables from a key to an index of an array that the caller has; the caller compares keys. Built once, then read
// by any thread. Private to catalogue/.
//   for (struct lookup_walk walk = lookup_start(&table, hash); lookup_step(&table, &walk);)
//       if (things[walk.index].number == number) return &things[walk.index];
#pragma once
#include "common/arena.h"
#include "common/hash.h"

// A slot keeps half of the hash, so that other keys are mostly skipped without touching what they stand for.
struct lookup_slot {
    uint32_t tag, index_plus_one; /* 0: empty */
};
struct lookup {
    struct lookup_slot *slots;
    uint64_t mask;
};
struct lookup_walk {
    uint64_t at;
    uint32_t tag, index;
};

void lookup_init(struct lookup *lookup, struct arena *arena, size_t count); // room for count entries
void lookup_add(struct lookup *lookup, uint64_t hash, size_t index);

static inline uint64_t lookup_hash_number(int64_t number)
{
    uint64_t x = (uint64_t)number + UINT64_C(0x9e3779b97f4a7c15); // the finaliser of SplitMix64
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t lookup_hash_text(struct slice text)
{
    return fast_hash64(text.data, text.length);
}

static inline struct lookup_walk lookup_start(const struct lookup *lookup, uint64_t hash)
{
    return (struct lookup_walk){hash & lookup->mask, (uint32_t)(hash >> 32), 0};
}

static inline bool lookup_step(const struct lookup *lookup, struct lookup_walk *walk)
{
    if (!lookup->slots) return false;
    for (;;) {
        struct lookup_slot slot = lookup->slots[walk->at];
        if (slot.index_plus_one == 0) return false;
        walk->at = (walk->at + 1) & lookup->mask;
        if (slot.tag != walk->tag) continue;
        walk->index = slot.index_plus_one - 1;
        return true;
    }
}
