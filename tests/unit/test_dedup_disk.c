// SPDX-License-Identifier: Apache-2.0
// The dedup index beyond its memory: what went to disk is known all the same, is forgotten with its offset, and a disk
// that fails makes nothing "absent".
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/arena.h"
#include "rating/dedup_index.h"
#include "tests/support/folder.h"

static uint64_t mixed(uint64_t number)
{
    uint64_t z = number * UINT64_C(0x9e3779b97f4a7c15) + 1; // splitmix64
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct dedup_entry entry_of(uint64_t number)
{
    return (struct dedup_entry){.identity = {mixed(number), mixed(~number)},
                                .content = (number * 3) << 32,
                                .offset = (int64_t)number,
                                .event_index = (int32_t)(number % 1000)};
}

static void entry_put(struct dedup_index *index, const struct dedup_entry *entry)
{
    struct fault fault = {0};
    if (dedup_index_reserve(index, 1, &fault)) fail_msg("%s: %s", fault.place, fault.reason);
    dedup_index_put(index, entry);
}

static void entry_known(const struct dedup_index *index, uint64_t number)
{
    struct dedup_entry found, entry = entry_of(number);
    if (!dedup_index_find(index, entry.identity, &found)) fail_msg("%d is not known", (int)number);
    assert_int_equal(found.content, entry.content);
    assert_int_equal(found.offset, entry.offset);
    assert_int_equal(found.event_index, entry.event_index);
    assert_false(found.held);
}

static bool is_known(const struct dedup_index *index, uint64_t number)
{
    struct dedup_entry found;
    return dedup_index_find(index, entry_of(number).identity, &found);
}

enum { COUNT = 40000, LIMIT = 400000 };

// Waits until nothing is on its way to disk.
static void disk_settle(struct dedup_index *index, const struct dedup_budget *budget)
{
    while (budget->spill)
        assert_int_equal(dedup_index_reserve(index, 1, NULL), ERR_OK);
}

static void what_does_not_fit_is_known_from_disk(void **state)
{
    (void)state;
    struct test_folder folder;
    assert_int_equal(test_folder_make(&folder), 0);
    struct dedup_budget budget = {.limit_bytes = LIMIT, .folder = folder.path};
    struct dedup_index *index = dedup_index_new(&budget);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct dedup_entry entry = entry_of(i);
        entry_put(index, &entry);
        assert_true(budget.used_bytes <= budget.limit_bytes);
    }
    assert_int_equal(dedup_index_count(index), COUNT);
    assert_true(budget.spills > 16);
    assert_true(dedup_index_on_disk(index) > COUNT / 2 && dedup_index_on_disk(index) < COUNT);
    for (uint64_t i = 0; i < COUNT; i++)
        entry_known(index, i);
    // in groups: known ones, on disk and in memory, among absent ones
    for (uint64_t i = 0; i + 100 < COUNT; i += 97) {
        struct hash128 identities[DEDUP_GROUP_MAX];
        struct dedup_entry entries[DEDUP_GROUP_MAX];
        bool known[DEDUP_GROUP_MAX];
        for (uint64_t j = 0; j < DEDUP_GROUP_MAX; j++)
            identities[j] = entry_of(j % 3 ? i + j : COUNT + i + j).identity;
        dedup_index_find_group(index, identities, DEDUP_GROUP_MAX, entries, known);
        for (uint64_t j = 0; j < DEDUP_GROUP_MAX; j++) {
            assert_int_equal(known[j], j % 3 != 0);
            if (known[j]) assert_int_equal(entries[j].content, (i + j) * 3 << 32);
        }
    }
    assert_int_equal(dedup_index_failed(index, NULL), ERR_OK);
    dedup_index_clear(index); // nothing of the disk stays
    assert_int_equal(dedup_index_count(index), 0);
    assert_false(is_known(index, 1));
    assert_int_equal(test_folder_count(&folder), 0);
    dedup_index_free(index);
    assert_int_equal(budget.used_bytes, 0);
    assert_int_equal(test_folder_remove(&folder), 0);
}

static void what_is_out_of_the_window_leaves_the_disk(void **state)
{
    (void)state;
    enum { ALL = 120000 };
    struct test_folder folder;
    assert_int_equal(test_folder_make(&folder), 0);
    struct dedup_budget budget = {.limit_bytes = LIMIT, .folder = folder.path};
    struct dedup_index *index = dedup_index_new(&budget);
    dedup_index_window(index, 8 * HOUR_US); // a generation an hour
    for (uint64_t i = 0; i < ALL; i++) {
        struct dedup_entry entry = entry_of(i);
        entry_put(index, &entry);
        dedup_index_note(index, (int64_t)i + 1, (int64_t)(i / 1000) * HOUR_US);
    }
    disk_settle(index, &budget);
    int64_t used = budget.used_bytes, on_disk = dedup_index_on_disk(index);
    dedup_index_forget(index, 60 * HOUR_US); // everything below offset 60000
    assert_true(dedup_index_on_disk(index) < on_disk - 30000);
    assert_true(budget.used_bytes < used);
    for (uint64_t i = 0; i < 60000; i++)
        assert_false(is_known(index, i));
    for (uint64_t i = 60000; i < ALL; i++)
        entry_known(index, i);
    // an identity that was forgotten may come again, and is then known by its new place, also from disk
    for (uint64_t i = 0; i < 60000; i++) {
        struct dedup_entry entry = entry_of(i);
        entry.offset = ALL + (int64_t)i;
        entry_put(index, &entry);
    }
    for (uint64_t i = 0; i < 60000; i++) {
        struct dedup_entry found;
        assert_true(dedup_index_find(index, entry_of(i).identity, &found));
        assert_int_equal(found.offset, ALL + i);
    }
    dedup_index_forget(index, 1000 * HOUR_US);
    dedup_index_free(index);
    assert_int_equal(test_folder_remove(&folder), 0);
}

// Held identities are not forgotten by age, so they stay in memory, and counting one replaces it wherever it is.
static void held_identities_stay_in_memory(void **state)
{
    (void)state;
    struct test_folder folder;
    struct dedup_entry found;
    assert_int_equal(test_folder_make(&folder), 0);
    struct dedup_budget budget = {.limit_bytes = LIMIT, .folder = folder.path};
    struct dedup_index *index = dedup_index_new(&budget);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct dedup_entry entry = entry_of(i);
        entry.held = i % 20 == 0;
        entry_put(index, &entry);
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_true(dedup_index_find(index, entry_of(i).identity, &found));
        assert_int_equal(found.held, i % 20 == 0);
    }
    for (uint64_t i = 0; i < COUNT; i += 20) {
        struct dedup_entry entry = entry_of(i);
        entry_put(index, &entry);
    }
    for (uint64_t i = COUNT; i < 2 * COUNT; i++) {
        struct dedup_entry entry = entry_of(i);
        entry_put(index, &entry);
    }
    for (uint64_t i = 0; i < 2 * COUNT; i++)
        entry_known(index, i);
    dedup_index_free(index);
    assert_int_equal(test_folder_remove(&folder), 0);
}

// A held identity of a group that is on its way to disk is counted, and that is forgotten, before the group is written:
// the held one must not come back.
static void what_was_counted_meanwhile_is_not_held_again(void **state)
{
    (void)state;
    struct test_folder folder;
    struct dedup_entry found;
    assert_int_equal(test_folder_make(&folder), 0);
    struct dedup_budget budget = {.limit_bytes = LIMIT, .folder = folder.path};
    struct dedup_index *index = dedup_index_new(&budget);
    uint64_t count = 0;
    for (; !budget.spill; count++) {
        struct dedup_entry entry = entry_of(count);
        entry.held = count % 4 == 0;
        entry_put(index, &entry);
    }
    // nothing asks for room below, so the group is not taken over before the end
    for (uint64_t i = 0; i < count; i += 4) {
        struct dedup_entry entry = entry_of(i);
        dedup_index_put(index, &entry);
    }
    for (uint64_t i = 0; i < count; i++)
        entry_known(index, i);
    dedup_index_start_at(index, (int64_t)count, 0);
    for (uint64_t i = 0; i < count; i++)
        assert_false(is_known(index, i));
    dedup_index_sweep(index, INT64_C(1) << 40);
    assert_non_null(budget.spill);
    disk_settle(index, &budget);
    for (uint64_t i = 0; i < count; i++)
        assert_false(dedup_index_find(index, entry_of(i).identity, &found));
    dedup_index_free(index);
    assert_int_equal(budget.used_bytes, 0);
    assert_int_equal(test_folder_remove(&folder), 0);
}

static void the_largest_of_all_indexes_gives_way(void **state)
{
    (void)state;
    struct test_folder folder;
    enum { INDEXES = 3 };
    assert_int_equal(test_folder_make(&folder), 0);
    struct dedup_budget budget = {.limit_bytes = LIMIT, .folder = folder.path};
    struct dedup_index *indexes[INDEXES];
    for (size_t i = 0; i < INDEXES; i++)
        indexes[i] = dedup_index_new(&budget);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct dedup_entry entry = entry_of(i);
        entry_put(indexes[i % 10 == 0 ? 1 : 2], &entry);
    }
    // room that was reserved in one is taken back for another: what was promised still holds
    enum { RESERVED = 3000 };
    struct dedup_entry *entries = heap_alloc(RESERVED * sizeof *entries);
    for (uint64_t i = 0; i < RESERVED; i++)
        entries[i] = entry_of(COUNT + i);
    struct fault fault = {0};
    assert_int_equal(dedup_index_reserve(indexes[2], RESERVED, &fault), ERR_OK);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct dedup_entry entry = entry_of(2 * COUNT + i);
        entry_put(indexes[0], &entry);
    }
    for (size_t i = 0; i < RESERVED; i++)
        dedup_index_put(indexes[2], &entries[i]);
    free(entries);
    for (uint64_t i = 0; i < COUNT; i++) {
        entry_known(indexes[i % 10 == 0 ? 1 : 2], i);
        entry_known(indexes[0], 2 * COUNT + i);
    }
    for (uint64_t i = COUNT; i < COUNT + RESERVED; i++)
        entry_known(indexes[2], i);
    assert_false(is_known(indexes[2], 0));
    dedup_index_free(indexes[1]);
    dedup_index_free(indexes[0]);
    dedup_index_free(indexes[2]);
    assert_int_equal(budget.used_bytes, 0);
    assert_null(budget.first);
    assert_int_equal(test_folder_remove(&folder), 0);
}

static void a_disk_that_fails_is_said_and_kept(void **state)
{
    (void)state;
    struct test_folder folder;
    char command[300];
    struct fault fault = {0};
    assert_int_equal(test_folder_make(&folder), 0);
    struct dedup_budget budget = {.limit_bytes = LIMIT, .folder = folder.path};
    struct dedup_index *index = dedup_index_new(&budget);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct dedup_entry entry = entry_of(i);
        entry_put(index, &entry);
    }
    snprintf(command, sizeof command, "for f in %s/*/*.sst; do truncate -s 100 $f; done", folder.path);
    assert_int_equal(system(command), 0);
    assert_int_equal(dedup_index_failed(index, &fault), ERR_OK); // nobody has looked yet
    size_t missed = 0;
    for (uint64_t i = 0; i < COUNT; i++)
        missed += !is_known(index, i);
    assert_true(missed > COUNT / 4); // this is what must not be believed
    assert_int_equal(dedup_index_failed(index, &fault), ERR_LIMIT);
    assert_non_null(strstr(fault.reason, "disk"));
    assert_int_equal(dedup_index_reserve(index, 1, &fault), ERR_LIMIT);
    dedup_index_free(index);
    snprintf(command, sizeof command, "rm -rf %s", folder.path);
    assert_int_equal(system(command), 0);
}

static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    struct test_folder folder;
    struct fault fault = {0};
    struct rlimit small = {.rlim_cur = 6000, .rlim_max = RLIM_INFINITY}, before;
    assert_int_equal(test_folder_make(&folder), 0);
    struct dedup_budget budget = {.limit_bytes = LIMIT, .folder = folder.path};
    struct dedup_index *index = dedup_index_new(&budget);
    uint64_t count = 0;
    for (; budget.spills < 2; count++) {
        struct dedup_entry entry = entry_of(count);
        entry_put(index, &entry);
    }
    while (budget.spill) // not in the middle of a file: the library gives up the process then
        assert_int_equal(dedup_index_reserve(index, 1, &fault), ERR_OK);
    usleep(500000); // what it does behind our back is small
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0); // no file may grow any more
    enum err err = ERR_OK;
    for (; !err && count < COUNT; count++) {
        struct dedup_entry entry = entry_of(count);
        err = dedup_index_reserve(index, 1, &fault);
        if (!err) dedup_index_put(index, &entry);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err, ERR_LIMIT);
    assert_non_null(strstr(fault.reason, "cannot be written"));
    assert_int_equal(dedup_index_failed(index, &fault), ERR_LIMIT);
    dedup_index_free(index);
    assert_int_equal(budget.used_bytes, 0);
    assert_int_equal(test_folder_remove(&folder), 0);
}

static void filters_may_not_eat_the_memory(void **state)
{
    (void)state;
    struct test_folder folder;
    struct fault fault = {0};
    assert_int_equal(test_folder_make(&folder), 0);
    struct dedup_budget budget = {.limit_bytes = 1000000, .folder = folder.path};
    struct dedup_index *index = dedup_index_new(&budget);
    enum err err = ERR_OK;
    for (uint64_t i = 0; !err && i < 20 * COUNT; i++) {
        struct dedup_entry entry = entry_of(i);
        err = dedup_index_reserve(index, 1, &fault);
        if (!err) dedup_index_put(index, &entry);
    }
    assert_int_equal(err, ERR_LIMIT);
    assert_non_null(strstr(fault.reason, "filters"));
    assert_true(dedup_index_on_disk(index) > 8 * COUNT);
    dedup_index_free(index);
    assert_int_equal(test_folder_remove(&folder), 0);
}

static void without_a_usable_folder_it_is_full(void **state)
{
    (void)state;
    struct fault fault = {0};
    struct dedup_budget budget = {.limit_bytes = LIMIT, .folder = "/dev/null"};
    struct dedup_index *index = dedup_index_new(&budget);
    enum err err = ERR_OK;
    uint64_t count = 0;
    for (; !err && count < COUNT; count++) {
        struct dedup_entry entry = entry_of(count);
        err = dedup_index_reserve(index, 1, &fault);
        if (!err) dedup_index_put(index, &entry);
    }
    assert_int_equal(err, ERR_LIMIT);
    assert_true(strlen(fault.reason) > 0);
    for (uint64_t i = 0; i + 1 < count; i++)
        entry_known(index, i);
    dedup_index_free(index);
    assert_int_equal(budget.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_known_from_disk),
        cmocka_unit_test(what_is_out_of_the_window_leaves_the_disk),
        cmocka_unit_test(held_identities_stay_in_memory),
        cmocka_unit_test(what_was_counted_meanwhile_is_not_held_again),
        cmocka_unit_test(the_largest_of_all_indexes_gives_way),
        cmocka_unit_test(a_disk_that_fails_is_said_and_kept),
        cmocka_unit_test(a_full_disk_loses_nothing),
        cmocka_unit_test(filters_may_not_eat_the_memory),
        cmocka_unit_test(without_a_usable_folder_it_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
