// SPDX-License-Identifier: Apache-2.0
// Packed identities: what goes in comes out, in pieces; what is damaged is refused and never read beyond its end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/arena.h"
#include "rating/dedup_pack.h"

static struct dedup_entry entry_of(uint64_t number, int64_t offset, int32_t event_index, bool held)
{
    return (struct dedup_entry){.identity = {number * UINT64_C(0x9e3779b97f4a7c15), ~number},
                                .content = number << 60 | number,
                                .offset = offset,
                                .event_index = event_index,
                                .held = held};
}

static void entry_same(const struct dedup_entry *a, const struct dedup_entry *b)
{
    assert_true(hash128_equal(a->identity, b->identity));
    assert_int_equal(a->content, b->content);
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->event_index, b->event_index);
    assert_int_equal(a->held, b->held);
}

static void what_is_packed_is_unpacked(void **state)
{
    (void)state;
    const struct dedup_entry entries[] = {
        entry_of(0, 0, 0, false),
        entry_of(1, 0, 1, false),
        entry_of(2, 1, 127, true),
        entry_of(3, 2, 128, false),
        entry_of(4, DEDUP_OFFSET_MAX, DEDUP_EVENT_INDEX_MAX, true),
        entry_of(5, 31, 0, false), // a replay goes back
        entry_of(UINT64_MAX, 0, 0, true),
    };
    enum { COUNT = sizeof entries / sizeof *entries };
    struct text packed = {0};
    struct dedup_unpack unpack;
    struct dedup_entry found[COUNT];
    size_t count = 0;
    assert_int_equal(dedup_pack(&packed, entries, COUNT), COUNT);
    for (size_t room = 1; room <= COUNT; room++) {
        assert_int_equal(dedup_unpack_open(&unpack, packed.data, packed.length, NULL), ERR_OK);
        for (size_t at = 0; at < COUNT; at += count) {
            assert_int_equal(dedup_unpack_some(&unpack, found, room, &count, NULL), ERR_OK);
            assert_true(count > 0 && count <= room);
            for (size_t i = 0; i < count; i++)
                entry_same(&found[i], &entries[at + i]);
        }
        assert_int_equal(dedup_unpack_some(&unpack, found, room, &count, NULL), ERR_OK);
        assert_int_equal(count, 0);
    }
    text_free(&packed);
}

// An entry after another costs 26 bytes; a piece ends, and the next begins anew.
static void pieces_end_where_they_are_full(void **state)
{
    (void)state;
    enum { COUNT = 30000 };
    struct dedup_entry *entries = heap_grow(NULL, sizeof *entries, COUNT), found;
    for (uint64_t i = 0; i < COUNT; i++)
        entries[i] = entry_of(i, 1000000 + (int64_t)i, 0, false);
    struct text packed = {0};
    size_t at = 0, pieces = 0;
    while (at < COUNT) {
        size_t start = packed.length, count, taken = dedup_pack(&packed, entries + at, COUNT - at);
        size_t length = packed.length - start;
        assert_true(length < DEDUP_PACK_BYTES + DEDUP_PACK_ENTRY_MAX);
        assert_true(at + taken == COUNT || length >= DEDUP_PACK_BYTES);
        assert_true(length <= 1 + 26 * taken + 3);
        struct dedup_unpack unpack;
        assert_int_equal(dedup_unpack_open(&unpack, packed.data + start, length, NULL), ERR_OK);
        for (size_t i = at; i < at + taken; i++) {
            assert_int_equal(dedup_unpack_some(&unpack, &found, 1, &count, NULL), ERR_OK);
            assert_int_equal(count, 1);
            entry_same(&found, &entries[i]);
        }
        at += taken;
        pieces++;
    }
    assert_int_equal(pieces, 3);
    text_free(&packed);
    free(entries);
}

// Every shortened piece is refused or read as fewer entries; the bytes lie at the end of their memory.
static void damage_is_refused(void **state)
{
    (void)state;
    const struct dedup_entry entries[] = {entry_of(1, 5000, 300, false), entry_of(2, 1, 70000, true)};
    struct text packed = {0};
    struct dedup_unpack unpack;
    struct dedup_entry found[4];
    size_t count = 0, whole = 0;
    struct fault fault = {0};
    dedup_pack(&packed, entries, 2);
    assert_int_equal(dedup_unpack_open(&unpack, packed.data, 0, &fault), ERR_INVALID);
    assert_int_equal(dedup_unpack_open(&unpack, "\2", 1, &fault), ERR_INVALID);
    for (size_t length = 1; length < packed.length; length++) {
        char *exact = malloc(length);
        assert_non_null(exact);
        memcpy(exact, packed.data, length);
        assert_int_equal(dedup_unpack_open(&unpack, exact, length, &fault), ERR_OK);
        whole += dedup_unpack_some(&unpack, found, 4, &count, &fault) == ERR_OK;
        assert_true(count < 2);
        free(exact);
    }
    assert_int_equal(whole, 2); // cut behind the version, and behind the first entry
    static const struct {
        const char *what;
        unsigned char numbers[24];
        size_t length;
    } bad[] = {
        {"an offset below 0", {0x02, 0x00}, 2},
        {"an index above the most", {0x00, 0x80, 0x80, 0x40}, 4},
        {"an offset above the most", {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02, 0x00}, 9},
        {"more than 64 bits", {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02, 0x00}, 11},
        {"a number without end", {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 12},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned char piece[64] = {1};
        memcpy(piece + 25, bad[i].numbers, bad[i].length);
        assert_int_equal(dedup_unpack_open(&unpack, piece, 25 + bad[i].length, &fault), ERR_OK);
        if (dedup_unpack_some(&unpack, found, 4, &count, &fault) != ERR_INVALID) fail_msg("%s is taken", bad[i].what);
    }
    text_free(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_unpacked),
        cmocka_unit_test(pieces_end_where_they_are_full),
        cmocka_unit_test(damage_is_refused),
    };
    hash_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
