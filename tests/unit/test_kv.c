// SPDX-License-Identifier: Apache-2.0
// Runs on local disk: what was added is found, newest generation first; generations go whole; damage is never "absent".
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/arena.h"
#include "common/kv.h"
#include "tests/support/folder.h"

enum { COUNT = 20000 };

// Records `from`, `from` + step ...: the key is the number, big-endian; the value says who wrote it.
static struct kv_record *records_new(uint32_t from, uint32_t step, unsigned char writer)
{
    struct kv_record *records = heap_grow(NULL, sizeof *records, COUNT);
    memset(records, 0, COUNT * sizeof *records);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t number = from + i * step;
        for (int byte = 0; byte < 4; byte++)
            records[i].key[byte] = (unsigned char)(number >> 8 * (3 - byte));
        records[i].value[0] = writer;
        records[i].value[15] = records[i].key[3];
    }
    return records;
}

struct list {
    const struct kv_record *records;
    size_t count, at;
};

static bool list_next(void *context, struct kv_record *record)
{
    struct list *list = context;
    if (list->at == list->count) return false;
    *record = list->records[list->at++];
    return true;
}

static void records_add(struct kv *kv, const struct kv_record *records, size_t count)
{
    struct fault fault = {0};
    struct list list = {.records = records, .count = count};
    size_t written = 0;
    if (kv_run_add(kv, count, list_next, &list, &written, &fault)) fail_msg("%s: %s", fault.place, fault.reason);
    assert_int_equal(written, count);
}

static void run_add(struct kv *kv, uint32_t from, uint32_t step, unsigned char writer)
{
    struct kv_record *records = records_new(from, step, writer);
    records_add(kv, records, COUNT);
    free(records);
}

struct found {
    unsigned char writer[KV_LOOK_MAX];
    bool go_on; // asks for older ones too
    int times;
};

static bool take(void *context, size_t key, const unsigned char value[KV_VALUE_BYTES])
{
    struct found *found = context;
    found->writer[key] = value[0];
    found->times++;
    return found->go_on;
}

static struct found look(struct kv *kv, uint32_t first, size_t count, bool go_on)
{
    unsigned char keys[KV_LOOK_MAX][KV_KEY_BYTES] = {{0}};
    struct found found = {.go_on = go_on};
    struct fault fault = {0};
    for (size_t i = 0; i < count; i++)
        for (int byte = 0; byte < 4; byte++)
            keys[i][byte] = (unsigned char)((first + i) >> 8 * (3 - byte));
    if (kv_find(kv, (const unsigned char(*)[KV_KEY_BYTES])keys, count, take, &found, &fault))
        fail_msg("%s: %s", fault.place, fault.reason);
    return found;
}

static void what_was_added_is_found_newest_first(void **state)
{
    struct test_folder folder;
    char path[200];
    struct kv *kv = NULL;
    struct fault fault = {0};
    struct stat status;
    int64_t first = 0, second = 0;
    (void)state;
    assert_int_equal(test_folder_make(&folder), 0);
    snprintf(path, sizeof path, "%s", test_path(&folder, "kv"));
    assert_int_equal(kv_open(path, &kv, &fault), ERR_OK);
    struct found found = look(kv, 0, 64, false);
    assert_int_equal(found.times, 0);
    assert_int_equal(kv_generation_begin(kv, &first, &fault), ERR_OK);
    records_add(kv, NULL, 0);
    for (unsigned char writer = 1; writer <= 9; writer++) // more than are left unmerged
        run_add(kv, writer - 1, 16, writer);
    run_add(kv, 0, 16, 10); // a newer run of the same generation
    found = look(kv, 16000, 64, false);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(found.writer[i], i % 16 == 0 ? 10 : i % 16 < 9 ? i % 16 + 1 : 0);
    assert_int_equal(kv_generation_begin(kv, &second, &fault), ERR_OK);
    assert_true(second > first);
    run_add(kv, 8, 16, 20);
    found = look(kv, 16000, 64, false);
    assert_int_equal(found.writer[8], 20);
    assert_int_equal(found.writer[7], 8);
    assert_int_equal(found.times, 4 * 9);
    found = look(kv, 16000, 64, true);
    assert_int_equal(found.writer[8], 9); // the older one came last
    assert_int_equal(found.times, 4 * 10);
    assert_int_equal(kv_generation_drop(kv, first, &fault), ERR_OK);
    found = look(kv, 16000, 64, false);
    assert_int_equal(found.writer[8], 20);
    assert_int_equal(found.times, 4);
    kv_close(kv);
    assert_int_equal(stat(path, &status), -1); // nothing stays
    kv_close(NULL);
    assert_int_equal(test_folder_remove(&folder), 0);
}

enum { PARTS = 16, PART_COUNT = 1500, RUNS = 500 };

static bool number_take(void *context, size_t key, const unsigned char value[KV_VALUE_BYTES])
{
    uint32_t *numbers = context;
    memcpy(&numbers[key], value, sizeof numbers[key]);
    return false;
}

// A run of all keys of a part of the key space, whose values are a number.
static void part_add(struct kv *kv, unsigned part, uint32_t number)
{
    struct kv_record *records = heap_alloc(PART_COUNT * sizeof *records);
    for (uint32_t i = 0; i < PART_COUNT; i++) {
        records[i].key[0] = (unsigned char)part;
        records[i].key[1] = (unsigned char)(i >> 8);
        records[i].key[2] = (unsigned char)i;
        memcpy(records[i].value, &number, sizeof number);
    }
    records_add(kv, records, PART_COUNT);
    free(records);
}

// Each run covers a sixteenth of the keys and comes while others are merged: this is what makes RocksDB give numbers of
// older levels to newer files. An older value must not come back.
static void the_newest_run_wins_while_others_are_merged(void **state)
{
    struct test_folder folder;
    struct kv *kv = NULL;
    struct fault fault = {0};
    int64_t generation = 0;
    uint32_t newest[PARTS] = {0}, random = 1;
    unsigned char keys[PARTS][KV_KEY_BYTES] = {{0}};
    (void)state;
    for (unsigned part = 0; part < PARTS; part++)
        keys[part][0] = (unsigned char)part;
    assert_int_equal(test_folder_make(&folder), 0);
    assert_int_equal(kv_open(test_path(&folder, "kv"), &kv, &fault), ERR_OK);
    assert_int_equal(kv_generation_begin(kv, &generation, &fault), ERR_OK);
    for (uint32_t run = 1; run <= RUNS; run++) {
        uint32_t found[PARTS] = {0};
        random = random * 1103515245 + 12345;
        unsigned part = random >> 16 & (PARTS - 1);
        part_add(kv, part, run);
        newest[part] = run;
        assert_int_equal(
            kv_find(kv, (const unsigned char(*)[KV_KEY_BYTES])keys, PARTS, number_take, found, &fault), ERR_OK);
        for (unsigned i = 0; i < PARTS; i++)
            if (found[i] != newest[i])
                fail_msg("after run %u part %u has the value of run %u, not of %u", run, i, found[i], newest[i]);
    }
    kv_close(kv);
    assert_int_equal(test_folder_remove(&folder), 0);
}

static void what_a_process_before_left_is_not_read(void **state)
{
    struct test_folder folder;
    char path[200], command[1000];
    struct kv *kv = NULL;
    struct fault fault = {0};
    int64_t number = 0;
    (void)state;
    assert_int_equal(test_folder_make(&folder), 0);
    snprintf(path, sizeof path, "%s", test_path(&folder, "kv"));
    assert_int_equal(kv_open(path, &kv, &fault), ERR_OK);
    assert_int_equal(kv_generation_begin(kv, &number, &fault), ERR_OK);
    run_add(kv, 0, 1, 1);
    snprintf(command, sizeof command, "cp -r %s %s.kept", path, path);
    assert_int_equal(system(command), 0);
    kv_close(kv);
    snprintf(command, sizeof command, "mv %s.kept %s && rm %s/LOCK", path, path, path);
    assert_int_equal(system(command), 0);
    assert_int_equal(kv_open(path, &kv, &fault), ERR_OK);
    struct found found = look(kv, 0, 64, false);
    assert_int_equal(found.times, 0);
    kv_close(kv);
    assert_int_equal(test_folder_remove(&folder), 0);
}

static void damaged_runs_are_an_error(void **state)
{
    struct test_folder folder;
    char path[200], command[1000];
    unsigned char keys[1][KV_KEY_BYTES] = {{0, 0, 1}};
    struct kv *kv = NULL;
    struct fault fault = {0};
    struct found found = {0};
    int64_t number = 0;
    (void)state;
    assert_int_equal(test_folder_make(&folder), 0);
    snprintf(path, sizeof path, "%s", test_path(&folder, "kv"));
    assert_int_equal(kv_open(path, &kv, &fault), ERR_OK);
    assert_int_equal(kv_generation_begin(kv, &number, &fault), ERR_OK);
    run_add(kv, 0, 1, 1);
    // every data block of the run is overwritten behind the open file's back
    snprintf(command, sizeof command,
             "f=$(ls %s/*.sst) && dd if=/dev/zero of=$f bs=4096 count=60 conv=notrunc 2>/dev/null", path);
    assert_int_equal(system(command), 0);
    assert_int_equal(kv_find(kv, (const unsigned char(*)[KV_KEY_BYTES])keys, 1, take, &found, &fault), ERR_LIMIT);
    assert_int_equal(found.times, 0);
    assert_non_null(strstr(fault.reason, "cannot be read"));
    kv_close(kv);
    assert_int_equal(test_folder_remove(&folder), 0);
}

static void a_folder_that_cannot_be_is_an_error(void **state)
{
    struct kv *kv = NULL;
    struct fault fault = {0};
    (void)state;
    assert_int_equal(kv_open("/dev/null/kv", &kv, &fault), ERR_LIMIT);
    assert_null(kv);
    assert_true(strlen(fault.reason) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found_newest_first),
        cmocka_unit_test(the_newest_run_wins_while_others_are_merged),
        cmocka_unit_test(what_a_process_before_left_is_not_read),
        cmocka_unit_test(damaged_runs_are_an_error),
        cmocka_unit_test(a_folder_that_cannot_be_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
