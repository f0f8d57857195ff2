// SPDX-License-Identifier: Apache-2.0
// The dedup index against a plain list, its budget, and what it forgets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/arena.h"
#include "rating/dedup_index.h"

static uint64_t seed_state;

static uint64_t next_random(void)
{
    uint64_t z = (seed_state += UINT64_C(0x9e3779b97f4a7c15)); // splitmix64
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct dedup_entry entry_of(uint64_t number, int64_t offset)
{
    seed_state = number;
    return (struct dedup_entry){.identity = {next_random(), next_random()},
                                .content = (number * 3) << 32,
                                .offset = offset,
                                .event_index = (int32_t)(number % 1000)};
}

static void what_was_put_is_found_with_its_place(void **state)
{
    (void)state;
    struct dedup_index *index = dedup_index_new(NULL);
    struct dedup_entry found, first = entry_of(1, 0);
    assert_false(dedup_index_find(index, first.identity, &found));
    enum { COUNT = 20000 };
    for (uint64_t i = 0; i < COUNT; i++) {
        struct dedup_entry entry = entry_of(i, (int64_t)i + 7);
        dedup_index_put(index, &entry);
    }
    assert_int_equal(dedup_index_count(index), COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct dedup_entry entry = entry_of(i, (int64_t)i + 7);
        dedup_index_prefetch(index, entry.identity);
        assert_true(dedup_index_find(index, entry.identity, &found));
        assert_int_equal(found.content, i * 3 << 32);
        assert_int_equal(found.offset, i + 7);
        assert_int_equal(found.event_index, i % 1000);
        assert_false(found.held);
        struct dedup_entry absent = entry_of(i + 1000000, 0);
        assert_false(dedup_index_find(index, absent.identity, &found));
    }
    dedup_index_clear(index);
    assert_int_equal(dedup_index_count(index), 0);
    assert_false(dedup_index_find(index, first.identity, &found));
    dedup_index_free(index);
    dedup_index_free(NULL);
}

// Identities that share all bits that choose segment, slot and tag differ only where the whole is compared.
static void identities_that_collide_stay_apart(void **state)
{
    (void)state;
    struct dedup_index *index = dedup_index_new(NULL);
    struct dedup_entry found;
    for (uint64_t i = 0; i < 500; i++) {
        struct dedup_entry entry = {.identity = {UINT64_C(0x7f), i}, .content = i << 32, .offset = 1};
        dedup_index_put(index, &entry);
    }
    for (uint64_t i = 0; i < 500; i++) {
        assert_true(dedup_index_find(index, (struct hash128){0x7f, i}, &found));
        assert_int_equal(found.content, i << 32);
    }
    assert_false(dedup_index_find(index, (struct hash128){0x7f, 500}, &found));
    struct dedup_entry zero = {.identity = {0, 0}, .content = 9};
    dedup_index_put(index, &zero);
    assert_true(dedup_index_find(index, zero.identity, &found));
    dedup_index_free(index);
}

static void extreme_places_are_kept(void **state)
{
    (void)state;
    struct dedup_index *index = dedup_index_new(NULL);
    struct dedup_entry found, entry = entry_of(5, DEDUP_OFFSET_MAX);
    entry.event_index = DEDUP_EVENT_INDEX_MAX;
    dedup_index_put(index, &entry);
    assert_true(dedup_index_find(index, entry.identity, &found));
    assert_int_equal(found.offset, DEDUP_OFFSET_MAX);
    assert_int_equal(found.event_index, DEDUP_EVENT_INDEX_MAX);
    assert_false(found.held);
    dedup_index_free(index);
}

static void counting_replaces_held_and_not_the_other_way(void **state)
{
    (void)state;
    struct dedup_index *index = dedup_index_new(NULL);
    struct dedup_entry found, entry = entry_of(5, 10);
    entry.held = true;
    dedup_index_put(index, &entry);
    assert_true(dedup_index_find(index, entry.identity, &found) && found.held);
    entry.held = false, entry.offset = 11;
    dedup_index_put(index, &entry);
    assert_true(dedup_index_find(index, entry.identity, &found));
    assert_false(found.held);
    entry.held = true, entry.offset = 12;
    dedup_index_put(index, &entry);
    assert_true(dedup_index_find(index, entry.identity, &found));
    assert_false(found.held);
    assert_int_equal(found.offset, 11);
    assert_int_equal(dedup_index_count(index), 1);
    dedup_index_free(index);
}

static void the_budget_is_never_passed(void **state)
{
    (void)state;
    struct dedup_budget budget = {.limit_bytes = 300000};
    struct dedup_index *index = dedup_index_new(&budget);
    struct fault fault = {0};
    enum err err = ERR_OK;
    uint64_t count = 0;
    for (; !err && count < 100000; count++) {
        struct dedup_entry entry = entry_of(count, 1);
        err = dedup_index_reserve(index, 1, &fault);
        assert_true(budget.used_bytes <= budget.limit_bytes);
        if (!err) dedup_index_put(index, &entry);
    }
    assert_int_equal(err, ERR_LIMIT);
    assert_non_null(strstr(fault.reason, "rate.index_memory"));
    assert_true(count > 3000);                 // of some 9,000 that the bytes would hold if tables never doubled
    for (uint64_t i = 0; i + 1 < count; i++) { // nothing that was put is lost by the refusal
        struct dedup_entry found, entry = entry_of(i, 1);
        assert_true(dedup_index_find(index, entry.identity, &found));
    }
    dedup_index_free(index);
    assert_int_equal(budget.used_bytes, 0);
}

static bool one_free(void *context)
{
    struct dedup_index **kept = context;
    if (!*kept) return false;
    dedup_index_free(*kept);
    *kept = NULL;
    return true;
}

// An index that is only useful is freed before another is refused room.
static void what_is_only_useful_gives_way(void **state)
{
    (void)state;
    struct dedup_index *kept = NULL;
    struct dedup_budget budget = {.limit_bytes = 1200000, .give_way = one_free, .give_way_context = &kept};
    struct dedup_index *index = dedup_index_new(&budget);
    kept = dedup_index_new(&budget);
    struct fault fault = {0};
    for (uint64_t i = 0; i < 10000; i++) {
        struct dedup_entry entry = entry_of(i, 1);
        dedup_index_put(kept, &entry);
    }
    int64_t of_kept = budget.used_bytes;
    uint64_t count = 0;
    for (; count < 25000; count++) {
        struct dedup_entry entry = entry_of(100000 + count, 1);
        int64_t before = budget.used_bytes;
        bool there = kept;
        assert_int_equal(dedup_index_reserve(index, 1, &fault), ERR_OK);
        if (there && !kept) assert_true(before > budget.limit_bytes / 4 * 3); // not before it was short
        dedup_index_put(index, &entry);
    }
    assert_null(kept);
    assert_true(budget.used_bytes + of_kept > budget.limit_bytes / 4 * 3);
    for (uint64_t i = 0; i < count; i++) {
        struct dedup_entry found, entry = entry_of(100000 + i, 1);
        assert_true(dedup_index_find(index, entry.identity, &found));
    }
    dedup_index_free(index);
    assert_int_equal(budget.used_bytes, 0);
}

static void only_what_fits_is_laid_out(void **state)
{
    (void)state;
    struct dedup_budget budget = {.limit_bytes = 4000000};
    struct dedup_index *index = dedup_index_new(&budget);
    int64_t empty = budget.used_bytes;
    dedup_index_expect(index, 0);
    dedup_index_expect(index, 100000); // 3.2 of 3 million bytes
    assert_int_equal(budget.used_bytes, empty);
    dedup_index_expect(index, 90000);
    int64_t laid = budget.used_bytes;
    assert_true(laid > 90000 * 22 && laid < budget.limit_bytes / 4 * 3);
    for (uint64_t i = 0; i < 90000; i++) {
        struct dedup_entry entry = entry_of(i, (int64_t)i);
        dedup_index_put(index, &entry);
    }
    assert_true(budget.used_bytes < laid + laid / 16); // hardly anything grew
    dedup_index_free(index);
    assert_int_equal(budget.used_bytes, 0);
}

// Reserving for many at once: putting them cannot fail afterwards, wherever they land.
static void reserved_room_is_enough(void **state)
{
    (void)state;
    struct dedup_index *index = dedup_index_new(NULL);
    enum { COUNT = 5000 };
    struct dedup_entry *entries = heap_alloc(COUNT * sizeof *entries);
    for (uint64_t i = 0; i < COUNT; i++) {
        entries[i] = entry_of(i, 1);
        entries[i].identity.high &= UINT64_MAX >> 4; // all in one segment
    }
    assert_int_equal(dedup_index_reserve(index, COUNT, NULL), ERR_OK);
    for (size_t i = 0; i < COUNT; i++)
        dedup_index_put(index, &entries[i]);
    assert_int_equal(dedup_index_count(index), COUNT);
    free(entries);
    dedup_index_free(index);
}

static void what_is_older_than_the_window_is_forgotten(void **state)
{
    (void)state;
    struct dedup_index *index = dedup_index_new(NULL);
    struct dedup_entry found;
    assert_int_equal(dedup_index_coverage_start(index), INSTANT_MIN);
    // a hundred events an hour, for ten hours; the watermark after hour h is h:59
    for (int hour = 0; hour < 10; hour++) {
        for (int i = 0; i < 100; i++) {
            struct dedup_entry entry = entry_of((uint64_t)(hour * 100 + i), hour * 100 + i);
            entry.held = i == 50;
            dedup_index_put(index, &entry);
        }
        dedup_index_note(index, hour * 100 + 50, hour * HOUR_US + 30 * MINUTE_US);
        dedup_index_note(index, hour * 100 + 100, hour * HOUR_US + 59 * MINUTE_US);
    }
    dedup_index_forget(index, 59 * MINUTE_US); // the first generation ends at that instant: kept
    assert_int_equal(dedup_index_coverage_start(index), INSTANT_MIN);
    dedup_index_forget(index, 3 * HOUR_US); // hours 0, 1, 2
    assert_int_equal(dedup_index_coverage_start(index), 2 * HOUR_US + 59 * MINUTE_US + 1);
    for (int i = 0; i < 1000; i++) {
        struct dedup_entry entry = entry_of((uint64_t)i, i);
        bool known = dedup_index_find(index, entry.identity, &found);
        assert_int_equal(known, i >= 300 || i % 100 == 50); // held ones stay
        if (known) assert_int_equal(found.held, i % 100 == 50);
    }
    assert_int_equal(dedup_index_count(index), 1000);
    // swept in small pieces: memory comes back, nothing else changes
    for (int i = 0; i < 2000; i++)
        dedup_index_sweep(index, 7);
    assert_int_equal(dedup_index_count(index), 703);
    for (int i = 0; i < 1000; i++) {
        struct dedup_entry entry = entry_of((uint64_t)i, i);
        assert_int_equal(dedup_index_find(index, entry.identity, &found), i >= 300 || i % 100 == 50);
    }
    // a forgotten identity that comes again is a new one
    struct dedup_entry again = entry_of(10, 5000);
    dedup_index_put(index, &again);
    assert_true(dedup_index_find(index, again.identity, &found));
    assert_int_equal(found.offset, 5000);
    dedup_index_free(index);
}

static void a_forgotten_slot_is_used_again_before_the_sweep(void **state)
{
    (void)state;
    struct dedup_index *index = dedup_index_new(NULL);
    struct dedup_entry found, entry = entry_of(1, 10);
    dedup_index_put(index, &entry);
    dedup_index_start_at(index, 11, 1000);
    assert_int_equal(dedup_index_coverage_start(index), 1001);
    assert_false(dedup_index_find(index, entry.identity, &found));
    entry.offset = 20, entry.held = true; // held may take the place of a forgotten counted one
    dedup_index_put(index, &entry);
    assert_true(dedup_index_find(index, entry.identity, &found));
    assert_true(found.held);
    assert_int_equal(dedup_index_count(index), 1);
    dedup_index_free(index);
}

// Random puts, forgets and sweeps against an array.
static void it_agrees_with_a_list(void **state)
{
    (void)state;
    enum { KEYS = 3000, STEPS = 60000 };
    struct dedup_index *index = dedup_index_new(NULL);
    int64_t *at = heap_alloc(KEYS * sizeof *at), floor = 0;
    for (size_t i = 0; i < KEYS; i++)
        at[i] = -1;
    uint64_t random = 42;
    for (int64_t step = 0; step < STEPS; step++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t key = (random >> 33) % KEYS;
        struct dedup_entry found, entry = entry_of(key, step);
        entry.identity.high &= UINT64_C(0xf0000000000003ff); // few homes, long runs
        bool known = dedup_index_find(index, entry.identity, &found);
        assert_int_equal(known, at[key] >= floor && at[key] >= 0);
        if (known) assert_int_equal(found.offset, at[key]);
        if (!known) dedup_index_put(index, &entry), at[key] = step;
        if (step % 100 == 99) {
            floor = step - 2000 > floor ? step - 2000 : floor;
            dedup_index_start_at(index, floor, step);
        }
        if (step % 10 == 0) dedup_index_sweep(index, 30);
    }
    free(at);
    dedup_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_with_its_place),
        cmocka_unit_test(identities_that_collide_stay_apart),
        cmocka_unit_test(extreme_places_are_kept),
        cmocka_unit_test(counting_replaces_held_and_not_the_other_way),
        cmocka_unit_test(the_budget_is_never_passed),
        cmocka_unit_test(what_is_only_useful_gives_way),
        cmocka_unit_test(only_what_fits_is_laid_out),
        cmocka_unit_test(reserved_room_is_enough),
        cmocka_unit_test(what_is_older_than_the_window_is_forgotten),
        cmocka_unit_test(a_forgotten_slot_is_used_again_before_the_sweep),
        cmocka_unit_test(it_agrees_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
