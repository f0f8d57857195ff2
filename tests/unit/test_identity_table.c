// SPDX-License-Identifier: Apache-2.0
// The table of a batch's identities against a plain search of the list, at sizes around its growth.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/arena.h"
#include "rating/identity_table.h"

enum { ENTRIES_MOST = 3000 };

static uint64_t state = 42;

static uint64_t random64(void) // xorshift64*
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

// Few homes and few tags, so that identities meet in either, and in all but the bits that are compared last.
static struct hash128 crowded(void)
{
    return (struct hash128){.high = random64() % 3 << 62 | random64() % 16, .low = random64() % 7 << 60 | random64() % 3};
}

static const struct dedup_entry *newest(const struct dedup_entry *entries, size_t count, struct hash128 identity)
{
    while (count > 0 && !hash128_equal(entries[count - 1].identity, identity))
        count--;
    return count > 0 ? &entries[count - 1] : NULL;
}

static void the_newest_of_an_identity_is_found(void **context)
{
    (void)context;
    struct dedup_entry *entries = heap_alloc(ENTRIES_MOST * sizeof *entries);
    struct identity_table table = {0};
    for (int kind = 0; kind < 2; kind++) {
        identity_table_clear(&table);
        assert_null(identity_table_find(&table, entries, crowded()));
        for (size_t i = 0; i < ENTRIES_MOST; i++) {
            struct hash128 any = {random64(), random64()};
            bool again = i > 0 && random64() % 4 == 0;
            struct hash128 identity = kind == 0 ? crowded() : again ? entries[random64() % i].identity : any;
            entries[i] = (struct dedup_entry){.identity = identity, .offset = (int64_t)i};
            identity_table_put(&table, entries, i);
            struct hash128 asked = kind == 0 ? crowded() : entries[random64() % (i + 1)].identity;
            assert_ptr_equal(identity_table_find(&table, entries, asked), newest(entries, i + 1, asked));
            assert_ptr_equal(identity_table_find(&table, entries, identity), &entries[i]);
            assert_null(identity_table_find(&table, entries, (struct hash128){random64(), random64()}));
        }
        assert_true(identity_table_bytes(&table) >= 2 * table.used * sizeof(uint64_t));
    }
    identity_table_free(&table);
    free(entries);
}

static void an_empty_table_has_nothing(void **context)
{
    (void)context;
    struct identity_table table = {0};
    identity_table_clear(&table);
    identity_table_prefetch(&table, (struct hash128){1, 2});
    assert_null(identity_table_find(&table, NULL, (struct hash128){0, 0}));
    assert_int_equal(identity_table_bytes(&table), 0);
    struct dedup_entry zero = {.identity = {0, 0}};
    identity_table_put(&table, &zero, 0);
    assert_ptr_equal(identity_table_find(&table, &zero, (struct hash128){0, 0}), &zero);
    identity_table_clear(&table);
    assert_null(identity_table_find(&table, &zero, (struct hash128){0, 0}));
    identity_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_of_an_identity_is_found),
        cmocka_unit_test(an_empty_table_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
