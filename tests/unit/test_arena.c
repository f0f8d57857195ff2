// SPDX-License-Identifier: Apache-2.0
// Arenas: alignment, zeroed memory also after a reset, growth over blocks, sizes that overflow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/arena.h"
#include "tests/support/aborts.h"

static void pieces_are_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1);
    unsigned char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(arena, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t k = 0; k < i; k++)
            assert_int_equal(pieces[i][k], 0);
        if (i > 0) memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_equal(pieces[i][k], i);
    assert_int_equal(arena_bytes(arena), 200 * 199 / 2);
    arena_free(arena);
}

static void sizes_around_a_block(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 255, 256, 257, 4095, 4096, 4097, 10 * 1024 * 1024};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct arena *arena = arena_new(256);
        unsigned char *piece = arena_alloc(arena, sizes[i]), *next = arena_alloc(arena, 16);
        memset(piece, 0xff, sizes[i]);
        for (size_t k = 0; k < 16; k++)
            assert_int_equal(next[k], 0);
        arena_free(arena);
    }
}

static void a_reset_keeps_memory_and_hands_it_out_zeroed(void **state)
{
    (void)state;
    struct arena *arena = arena_new(256);
    arena_reset(arena); // nothing was handed out yet
    memset(arena_alloc(arena, 100), 0xaa, 100);
    unsigned char *largest = arena_alloc(arena, 100000);
    memset(largest, 0xaa, 100000);
    memset(arena_alloc(arena, 300), 0xaa, 300);
    arena_reset(arena);
    assert_int_equal(arena_bytes(arena), 0);
    unsigned char *again = arena_alloc(arena, 100000);
    assert_ptr_equal(again, largest);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(again[i], 0);
    arena_free(arena);
    arena_free(NULL);
}

static void texts_are_copied(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    assert_string_equal(arena_text(arena, NULL, 0), "");
    assert_string_equal(arena_text(arena, "abcdef", 3), "abc");
    assert_string_equal(arena_print(arena, "%s:%d", "line", 12), "line:12");
    assert_string_equal(arena_print(arena, "%s", ""), "");
    char *wide = arena_print(arena, "%5000d", 7);
    assert_int_equal(strlen(wide), 5000);
    assert_int_equal(wide[4999], '7');
    int64_t *numbers = ARENA_ARRAY(arena, int64_t, 1000);
    assert_int_equal(numbers[999], 0);
    struct pair {
        int a, b;
    } *pair = ARENA_NEW(arena, struct pair);
    assert_int_equal(pair->b, 0);
    arena_free(arena);
}

static void array_overflows(void)
{
    arena_array(arena_new(0), SIZE_MAX / 2, 3);
}

static void size_overflows(void)
{
    arena_alloc(arena_new(0), SIZE_MAX - 8);
}

static void growth_overflows(void)
{
    free(heap_grow(NULL, 16, SIZE_MAX / 8));
}

static void sizes_that_overflow_abort(void **state)
{
    (void)state;
    assert_true(aborts(array_overflows));
    assert_true(aborts(size_overflows));
    assert_true(aborts(growth_overflows));
}

static void heap_memory_is_never_null(void **state)
{
    (void)state;
    unsigned char *bytes = heap_alloc(0);
    assert_non_null(bytes);
    bytes = heap_grow(bytes, 8, 100);
    memset(bytes, 1, 800);
    bytes = heap_grow(bytes, 1, 0);
    assert_non_null(bytes);
    free(bytes);
    char *text = heap_text("tenant");
    assert_string_equal(text, "tenant");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_zeroed_and_apart),
        cmocka_unit_test(sizes_around_a_block),
        cmocka_unit_test(a_reset_keeps_memory_and_hands_it_out_zeroed),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(sizes_that_overflow_abort),
        cmocka_unit_test(heap_memory_is_never_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
