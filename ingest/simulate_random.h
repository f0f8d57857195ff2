// SPDX-License-Identifier: Apache-2.0
// Repeatable chance: a stream of numbers per thing that is decided (seed, tenant, what, period), so that a decision
// does not depend on how many others were taken before it.
#pragma once
#include <string.h>

#include "common/hash.h"
#include "ingest/simulate.h"

struct chance {
    uint64_t state;
};

static inline struct chance chance_of(uint64_t seed, int64_t tenant, const char *what, int64_t period)
{
    uint64_t words[4] = {seed, (uint64_t)tenant, fast_hash64(what, strlen(what)), (uint64_t)period};
    return (struct chance){fast_hash64(words, sizeof words)};
}

static inline uint64_t chance_next(struct chance *chance)
{
    return chance->state = fast_hash64(&chance->state, sizeof chance->state);
}

// Both included. The bias of the remainder does not matter here.
static inline int64_t chance_between(struct chance *chance, int64_t least, int64_t most)
{
    ENSURE(least <= most);
    return least + (int64_t)(chance_next(chance) % (uint64_t)(most - least + 1));
}

static inline bool chance_percent(struct chance *chance, int percent)
{
    return chance_between(chance, 0, 99) < percent;
}
