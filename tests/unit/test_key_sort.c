// SPDX-License-Identifier: Apache-2.0
// key_sort against qsort: sizes around its bounds, keys that are even, equal, crowded and at the ends of the range.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/arena.h"
#include "common/key_sort.h"

static uint64_t state = 1;

static uint64_t random64(void) // xorshift64*
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int wanted_order(const void *a, const void *b)
{
    const struct key_place *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return by_number(x->place, y->place);
}

static uint64_t key_of(int kind, uint64_t random)
{
    switch (kind) {
    case 0:
        return random;
    case 1:
        return random % 1000;
    case 2:
        return 7; // all equal: the tie decides
    case 3:
        return random % 100 == 0 ? random : random % 3; // crowded at one end
    default:
        return random % 2 ? 0 : UINT64_MAX;
    }
}

static void check(size_t count, int kind)
{
    int *numbers = heap_grow(NULL, sizeof *numbers, count + 1);
    struct key_place *places = heap_grow(NULL, sizeof *places, count + 1);
    struct key_place *scratch = heap_grow(NULL, sizeof *scratch, count + 1);
    struct key_place *wanted = heap_grow(NULL, sizeof *wanted, count + 1);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (int)i;
        places[i] = (struct key_place){key_of(kind, random64()), &numbers[i]};
    }
    for (size_t i = count; i > 1; i--) { // ties come in any order
        size_t other = random64() % i;
        const void *moved = places[i - 1].place;
        places[i - 1].place = places[other].place;
        places[other].place = moved;
    }
    memcpy(wanted, places, count * sizeof *places);
    if (count > 1) qsort(wanted, count, sizeof *wanted, wanted_order);
    key_sort(places, scratch, count, by_number);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(places[i].key, wanted[i].key);
        assert_ptr_equal(places[i].place, wanted[i].place);
    }
    free(numbers);
    free(places);
    free(scratch);
    free(wanted);
}

static void sorts_as_qsort_does(void **context)
{
    (void)context;
    static const size_t counts[] = {0, 1, 2, 23, 24, 25, 48, 49, 50, 100, 1000, 65537, 300000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int kind = 0; kind < 5; kind++)
            check(counts[i], kind);
    for (int i = 0; i < 2000; i++)
        check(random64() % 300, i % 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sorts_as_qsort_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
