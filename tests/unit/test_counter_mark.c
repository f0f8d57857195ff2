// SPDX-License-Identifier: Apache-2.0
// Marks of Redis: read strictly, compared with what PostgreSQL has.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rating/counter_mark.h"

#define HEAD "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_marks(void **state)
{
    (void)state;
    static const struct {
        const char *mark;
        bool good;
    } rows[] = {
        {"1:77:" HEAD ":3", true},
        {"1:0:" HEAD ":0", true},
        {"resync:1234", false},
        {"", false},
        {"1:77:" HEAD, false},
        {"1:77:" HEAD ":", false},
        {"1:77:" HEAD ":3:", false},
        {"1:77:" HEAD ":3x", false},
        {"1:77:" HEAD "0:3", false},
        {"1:77:abc:3", false},
        {"-1:77:" HEAD ":3", false},
        {"1:7 7:" HEAD ":3", false},
        {":77:" HEAD ":3", false},
        {"1::" HEAD ":3", false},
        {"1", false},
        {"1:", false},
        {"1:1234567890123456789:" HEAD ":3", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct counter_position position;
        if ((counter_mark_read(slice_of(rows[i].mark), &position) == ERR_OK) != rows[i].good)
            fail_msg("%s", rows[i].mark);
        if (!rows[i].good) continue;
        assert_string_equal(position.head, HEAD);
        assert_int_equal(position.incarnation, 1);
    }
}

static void test_staleness(void **state)
{
    (void)state;
    const struct counter_position database = {.incarnation = 2, .batch_seq = 10, .partition = 3, .head = HEAD};
    static const struct {
        struct counter_position mark;
        bool stale;
    } rows[] = {
        {{2, 10, 3, HEAD}, false}, {{2, 11, 3, OTHER}, false}, // committed after our snapshot
        {{2, 9, 3, OTHER}, true},  {{2, 10, 3, OTHER}, true},  // another history: the database was restored
        {{1, 10, 3, HEAD}, true},  {{2, 10, 2, HEAD}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (counter_is_stale(&rows[i].mark, &database) != rows[i].stale) fail_msg("row %zu", i);
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        int shard;
        int64_t tenant;
        int32_t meter, month;
        const char *key;
    } rows[] = {
        {0, 1, 2, 202610, "tp:{0}:u:1:2:202610"},
        {1023, INT64_C(999999999999999999), INT32_MAX, 999912, "tp:{1023}:u:999999999999999999:2147483647:999912"},
        {7, 0, 0, 202601, "tp:{7}:u:0:0:202601"},
    };
    static const char *const others[] = {"",
                                         "tp:{",
                                         "tp:{}:u:1:2:202610",
                                         "tp:{1024}:u:1:2:202610",
                                         "tp:{99999999999999999999}:u:1:2:202610",
                                         "tp:{1}:mark",
                                         "tp:{1}:u:1:2",
                                         "tp:{1}:u:1:2:202610:3",
                                         "tp:{1}:u:01:2:202610",
                                         "tp:{01}:u:1:2:202610",
                                         "tp:{1}:u:1:2:x",
                                         "tp:{1}:v:1:2:202610",
                                         "tq:{1}:u:1:2:202610"};
    char key[COUNTER_KEY_MAX];
    int64_t tenant;
    int32_t meter, month;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t length = counter_key(rows[i].shard, rows[i].tenant, rows[i].meter, rows[i].month, key);
        assert_string_equal(key, rows[i].key);
        assert_int_equal(length, strlen(key));
        assert_int_equal(counter_key_shard(slice_of(key)), rows[i].shard);
        assert_int_equal(counter_key_read(slice_of(key), &tenant, &meter, &month), rows[i].shard);
        assert_true(tenant == rows[i].tenant && meter == rows[i].meter && month == rows[i].month);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (counter_key_read(slice_of(others[i]), &tenant, &meter, &month) != SHARD_COUNT) fail_msg("%s", others[i]);
    assert_int_equal(counter_mark_key(1023, key), strlen("tp:{1023}:mark"));
    assert_string_equal(key, "tp:{1023}:mark");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_marks), cmocka_unit_test(test_staleness),
                                       cmocka_unit_test(test_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
