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
                                .held = held,
                                .shard = (int16_t)(number % SHARD_COUNT)};
}

static void entry_same(const struct dedup_entry *a, const struct dedup_entry *b)
{
    assert_true(hash128_equal(a->identity, b->identity));
    assert_int_equal(a->content, b->content);
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->event_index, b->event_index);
    assert_int_equal(a->held, b->held);
    assert_int_equal(a->shard, b->shard);
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
        entry_of(UINT64_MAX, 0, 0, true), // of the last shard
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

// An entry after another costs 28 bytes; a piece ends, and the next begins anew.
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
        assert_true(length <= 1 + 28 * taken + 3);
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
    assert_int_equal(pieces, 4);
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
    assert_int_equal(dedup_unpack_open(&unpack, "\0", 1, &fault), ERR_INVALID);
    assert_int_equal(dedup_unpack_open(&unpack, "\3", 1, &fault), ERR_INVALID);
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
    for (int shard = SHARD_COUNT - 1; shard <= SHARD_COUNT; shard++) {
        const unsigned char piece[1 + 16 + 8 + 2 + 2] = {[0] = 2, [25] = (unsigned char)(shard >> 8),
                                                         [26] = (unsigned char)shard};
        assert_int_equal(dedup_unpack_open(&unpack, piece, sizeof piece, &fault), ERR_OK);
        assert_int_equal(dedup_unpack_some(&unpack, found, 4, &count, &fault),
                         shard < SHARD_COUNT ? ERR_OK : ERR_INVALID);
    }
    text_free(&packed);
}

// Version 1 did not say whose an identity is.
static void pieces_without_shards_are_read(void **state)
{
    (void)state;
    const unsigned char piece[1 + 2 * (16 + 8 + 2)] = {
        [0] = 1, [1] = 0xaa, [24] = 7, [25] = 2 << 2, [26] = 3, [27] = 0xbb, [51] = 1 << 2 | 1, [52] = 0};
    struct dedup_unpack unpack;
    struct dedup_entry found[3];
    size_t count = 0;
    assert_int_equal(dedup_unpack_open(&unpack, piece, sizeof piece, NULL), ERR_OK);
    assert_int_equal(dedup_unpack_some(&unpack, found, 3, &count, NULL), ERR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(found[0].identity.high >> 56, 0xaa);
    assert_int_equal(found[0].content, 7);
    assert_int_equal(found[0].offset, 2);
    assert_int_equal(found[0].event_index, 3);
    assert_int_equal(found[0].shard, DEDUP_SHARD_UNKNOWN);
    assert_int_equal(found[1].identity.high >> 56, 0xbb);
    assert_int_equal(found[1].offset, 3);
    assert_true(found[1].held && !found[0].held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_unpacked),
        cmocka_unit_test(pieces_end_where_they_are_full),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(pieces_without_shards_are_read),
    };
    hash_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
