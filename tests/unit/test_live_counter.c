// SPDX-License-Identifier: Apache-2.0
// Marks of Redis: read strictly, compared with what PostgreSQL has.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/live_counter.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_marks), cmocka_unit_test(test_staleness)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
