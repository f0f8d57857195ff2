// SPDX-License-Identifier: Apache-2.0
// Repeatable chance for property tests: a seed gives the same throws on every machine.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t dice_next(struct dice *dice) // splitmix64
{
    uint64_t mixed = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

// least <= throw <= most; the bias of the remainder does not matter here.
static inline int dice_between(struct dice *dice, int least, int most)
{
    return least + (int)(dice_next(dice) % (uint64_t)(most - least + 1));
}

static inline bool dice_percent(struct dice *dice, int percent)
{
    return dice_between(dice, 1, 100) <= percent;
}

#define DICE_PICK(dice, list) ((list)[dice_between(dice, 0, (int)(sizeof(list) / sizeof *(list)) - 1)])

static inline void dice_shuffle(struct dice *dice, size_t *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        places[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)dice_between(dice, 0, (int)i - 1), kept = places[i - 1];
        places[i - 1] = places[other];
        places[other] = kept;
    }
}
