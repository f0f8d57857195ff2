// SPDX-License-Identifier: Apache-2.0
// Sorting by a 64-bit key that says most, and by a comparison for the rest. Pure.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct key_place {
    uint64_t key;
    const void *place; // the caller's
};

// Sorts by key, then by tie(place, place) as qsort's; both together must be a total order. Keys that are spread evenly
// between the least and the greatest, with few places each, are sorted in a time that grows with count alone; any others as qsort
// does. `scratch` has room for as many.
void key_sort(struct key_place *places, struct key_place *scratch, size_t count,
              int (*tie)(const void *a, const void *b));
