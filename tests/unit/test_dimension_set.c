// SPDX-License-Identifier: Apache-2.0
// Dimension sets: one text form, and nothing but it is read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// after the headers that it needs
#include <cmocka.h>

#include "catalogue/dimension_set.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void canonical_texts_are_read_and_printed_alike(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "{\"region\":\"eu-1\"}",
        "{\"flavour\":\"s6.large.2\",\"os\":\"linux\",\"region\":\"eu-1\"}",
        "{\"a\":\"\"}",
        "{\"a\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\"}",
        "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}",
        "{\"B\":\"1\",\"a\":\"2\"}", // bytes order: capitals first
        "{\"a\":\"1\",\"aa\":\"2\",\"b\":\"3\"}",
    };
    struct arena *arena = arena_new(1024);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct dimension_set set;
        struct fault fault = {0};
        struct text text = {0};
        if (dimension_set_read(arena, slice_of(rows[i]), &set, &fault)) fail_msg("%s: %s", rows[i], fault.reason);
        dimension_set_print(&set, &text);
        assert_string_equal(text.data, rows[i]);
        text_free(&text);
    }
    arena_free(arena);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } rows[] = {
#define ROW(text) {text, sizeof text - 1}
        ROW(""),
        ROW("{"),
        ROW("}"),
        ROW("[]"),
        ROW("null"),
        ROW("{} "),
        ROW(" {}"),
        ROW("{,}"),
        ROW("{\"a\"}"),
        ROW("{\"a\":}"),
        ROW("{\"a\":1}"),
        ROW("{\"a\":\"1\""),
        ROW("{\"a\":\"1\",}"),
        ROW("{\"a\":\"1"),
        ROW("{\"a\":\"1\\"),
        ROW("{\"a\":\"1\\\""),
        ROW("{\"a\" :\"1\"}"),
        ROW("{\"a\":\"1\"}x"),
        ROW("{\"b\":\"1\",\"a\":\"2\"}"), // not sorted
        ROW("{\"a\":\"1\",\"a\":\"2\"}"), // twice
        ROW("{\"\":\"1\"}"),              // no name
        ROW("{\"a\":\"\\/\"}"),           // an escape too many
        ROW("{\"a\":\"\\u0041\"}"),
        ROW("{\"a\":\"\\u001F\"}"), // capital hex digit
        ROW("{\"a\":\"\\u000a\"}"), // has a short form
        ROW("{\"a\":\"\\u0000\"}"),
        ROW("{\"a\":\"\0\"}"),
        ROW("{\"a\":\"\n\"}"),
        ROW("{\"a\":\"\xff\"}"),
#undef ROW
    };
    struct arena *arena = arena_new(1024);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct dimension_set set;
        struct fault fault = {0};
        struct slice text = {rows[i].text, rows[i].length};
        if (dimension_set_read(arena, text, &set, &fault) != ERR_INVALID)
            fail_msg("row %zu was read: %s", i, rows[i].text);
        assert_true(fault.reason[0] != 0);
    }
    arena_free(arena);
}

static void members_find_their_place(void **state)
{
    (void)state;
    struct dimension_set set = {.count = 0};
    struct text text = {0};
    assert_int_equal(dimension_set_add(&set, "region", "eu-1", NULL), ERR_OK);
    assert_int_equal(dimension_set_add(&set, "flavour", "a", NULL), ERR_OK);
    assert_int_equal(dimension_set_add(&set, "os", "linux", NULL), ERR_OK);
    assert_int_equal(dimension_set_add(&set, "os", "windows", NULL), ERR_INVALID);
    dimension_set_print(&set, &text);
    assert_string_equal(text.data, "{\"flavour\":\"a\",\"os\":\"linux\",\"region\":\"eu-1\"}");
    text_free(&text);
}

static void limits_hold(void **state)
{
    (void)state;
    static char names[DIMENSIONS_MAX + 1][4], longest[DIMENSION_VALUE_MAX + 2];
    struct dimension_set set = {.count = 0};
    memset(longest, 'x', DIMENSION_VALUE_MAX);
    for (size_t i = 0; i <= DIMENSIONS_MAX; i++) {
        names[i][0] = 'd';
        names[i][1] = (char)('a' + i);
        assert_int_equal(dimension_set_add(&set, names[i], longest, NULL), i < DIMENSIONS_MAX ? ERR_OK : ERR_INVALID);
    }
    set.count = 0;
    longest[DIMENSION_VALUE_MAX] = 'x';
    assert_int_equal(dimension_set_add(&set, "a", longest, NULL), ERR_INVALID);
    assert_int_equal(dimension_set_add(&set, longest, "a", NULL), ERR_INVALID);
    assert_int_equal(set.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_texts_are_read_and_printed_alike),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(members_find_their_place),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
