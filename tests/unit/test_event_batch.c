// SPDX-License-Identifier: Apache-2.0
// Splitting of batches: spans of well-formed arrays, and nothing that is no array gets through unseen.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/event.h"

static void arrays_are_split(void **state)
{
    (void)state;
    static const struct {
        const char *json, *parts[4];
    } rows[] = {
        {"[]", {NULL}},
        {" [ ] \n", {NULL}},
        {"[{}]", {"{}"}},
        {" [ {\"a\":1} , {\"b\":[1,2]},{}\t]\r\n", {"{\"a\":1}", "{\"b\":[1,2]}", "{}"}},
        {"[\"a,]b\",\"\\\"]\",\"\\\\\",1]", {"\"a,]b\"", "\"\\\"]\"", "\"\\\\\"", "1"}},
        {"[[[]],{\"}\":\"]\"}]", {"[[]]", "{\"}\":\"]\"}"}},
        {"[1 2]", {"1 2"}}, // no event: event_decode says so
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice parts[4];
        size_t count = 99, expected = 0;
        struct fault fault;
        assert_int_equal(event_batch_split(slice_of(rows[i].json), parts, 4, &count, &fault), ERR_OK);
        while (expected < 4 && rows[i].parts[expected])
            expected++;
        assert_int_equal(count, expected);
        for (size_t k = 0; k < count; k++)
            if (!slice_is(parts[k], rows[i].parts[k])) fail_msg("%s: part %zu", rows[i].json, k);
    }
}

static void what_is_no_array_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *place, *reason;
    } rows[] = {
        {"", "byte 0", "a JSON array is expected"},
        {"  ", "byte 2", "a JSON array is expected"},
        {"{}", "byte 0", "a JSON array is expected"},
        {"\xef\xbb\xbf[]", "byte 0", "a JSON array is expected"},
        {"[", "byte 1", "the text ends too early"},
        {"[{}", "byte 3", "the text ends too early"},
        {"[{},", "byte 4", "the text ends too early"},
        {"[{\"a\":[}", "byte 8", "the text ends too early"},
        {"[\"a]", "byte 4", "the text ends too early"},
        {"[\"\\", "byte 3", "the text ends too early"},
        {"[{},]", "byte 4", "an element of the array is missing"},
        {"[,{}]", "byte 1", "an element of the array is missing"},
        {"[{}, ,{}]", "byte 5", "an element of the array is missing"},
        {"[}", "byte 1", "an unexpected '}'"},
        {"[{}]]", "byte 4", "more text follows the array"},
        {"[] []", "byte 3", "more text follows the array"},
        {"[{}]\n[{}]", "byte 5", "more text follows the array"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice parts[8];
        size_t count;
        struct fault fault = {0};
        if (event_batch_split(slice_of(rows[i].json), parts, 8, &count, &fault) != ERR_INVALID)
            fail_msg("taken: %s", rows[i].json);
        if (strcmp(fault.place, rows[i].place) != 0 || strcmp(fault.reason, rows[i].reason) != 0)
            fail_msg("%s: %s: %s", rows[i].json, fault.place, fault.reason);
    }
}

static void more_than_most_is_a_limit(void **state)
{
    (void)state;
    struct slice parts[3];
    size_t count;
    struct fault fault;
    assert_int_equal(event_batch_split(SLICE("[1,2,3]"), parts, 3, &count, &fault), ERR_OK);
    assert_int_equal(count, 3);
    assert_int_equal(event_batch_split(SLICE("[1,2,3,4]"), parts, 3, &count, &fault), ERR_LIMIT);
    assert_string_equal(fault.reason, "more than 3 events");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_split),
        cmocka_unit_test(what_is_no_array_is_refused),
        cmocka_unit_test(more_than_most_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
