// SPDX-License-Identifier: Apache-2.0
// One pass spreads the places over about half as many buckets by the first bits of their keys; a bucket has few, which
// are inserted one by one.
#include "common/key_sort.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

enum { INSERTED_MOST = 24, BUCKET_BITS_MOST = 16 };

typedef int tie_compare(const void *a, const void *b);

static int compare(const struct key_place *a, const struct key_place *b, tie_compare *tie)
{
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return tie(a->place, b->place);
}

static void insertion_sort(struct key_place *places, size_t count, tie_compare *tie)
{
    for (size_t i = 1; i < count; i++) {
        struct key_place moved = places[i];
        size_t at = i;
        for (; at > 0 && compare(&places[at - 1], &moved, tie) > 0; at--)
            places[at] = places[at - 1];
        places[at] = moved;
    }
}

static void merge_sort(struct key_place *places, struct key_place *scratch, size_t count, tie_compare *tie)
{
    if (count <= INSERTED_MOST) {
        insertion_sort(places, count, tie);
        return;
    }
    size_t half = count / 2;
    merge_sort(places, scratch, half, tie);
    merge_sort(places + half, scratch, count - half, tie);
    memcpy(scratch, places, half * sizeof *places);
    size_t left = 0, right = half, out = 0;
    while (left < half && right < count)
        places[out++] = compare(&scratch[left], &places[right], tie) <= 0 ? scratch[left++] : places[right++];
    memcpy(places + out, scratch + left, (half - left) * sizeof *places);
}

void key_sort(struct key_place *places, struct key_place *scratch, size_t count, tie_compare *tie)
{
    if (count <= INSERTED_MOST) {
        insertion_sort(places, count, tie);
        return;
    }
    uint64_t least = UINT64_MAX, greatest = 0;
    for (size_t i = 0; i < count; i++) {
        if (places[i].key < least) least = places[i].key;
        if (places[i].key > greatest) greatest = places[i].key;
    }
    unsigned bits = 1, shift = 0;
    while (bits < BUCKET_BITS_MOST && (size_t)4 << bits <= count)
        bits++;
    while ((greatest - least) >> shift >> bits)
        shift++;
    size_t buckets = (size_t)1 << bits;
    size_t *ends = heap_alloc((buckets + 1) * sizeof *ends);
    for (size_t i = 0; i < count; i++)
        ends[((places[i].key - least) >> shift) + 1]++;
    for (size_t i = 0; i < buckets; i++)
        ends[i + 1] += ends[i]; // where bucket i + 1 begins; while it is filled, ends[i] is where the next of i goes
    for (size_t i = 0; i < count; i++)
        scratch[ends[(places[i].key - least) >> shift]++] = places[i];
    memcpy(places, scratch, count * sizeof *places);
    for (size_t i = 0, begin = 0; i < buckets; begin = ends[i++])
        merge_sort(places + begin, scratch, ends[i] - begin, tie);
    free(ends);
}
