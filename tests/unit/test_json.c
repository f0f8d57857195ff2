// SPDX-License-Identifier: Apache-2.0
// JSON: what the reader refuses and where, what its readers make of other types, and the writer's one form.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "tests/support/aborts.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static void reading_refuses_with_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t length;
        const char *place;
    } rows[] = {
        {BYTES(""), "1:1"},
        {BYTES("  "), "1:2"},
        {BYTES("{\"a\":1,\n \"a\":2}"), "2:4"},
        {BYTES("{\"a\":{\"b\":1,\"b\":1}}"), "1:15"},
        {BYTES("{\"a\":1"), "1:6"},
        {BYTES("{\"a\":1}x"), "1:8"},
        {BYTES("{}{}"), "1:3"},
        {BYTES("\xef\xbb\xbf{}"), "1:1"},
        {BYTES("{} // comment"), "1:4"},
        {BYTES("[1,]"), "1:4"},
        {BYTES("[1,\n\n 01]"), "3:2"},
        {BYTES("[NaN]"), "1:4"},
        {BYTES("[Infinity]"), "1:9"},
        {BYTES("[+1]"), "1:2"},
        {BYTES("[.5]"), "1:2"},
        {BYTES("['a']"), "1:2"},
        {BYTES("[9223372036854775808]"), "1:20"},
        {BYTES("[\"\xff\"]"), "1:2"},
        {BYTES("[\"\xc0\xaf\"]"), "1:2"},
        {BYTES("[\"\xed\xa0\x80\"]"), "1:2"},
        {BYTES("[\"\\ud800\"]"), "1:9"},
        {BYTES("[\"\\u0000\"]"), "1:9"},
        {BYTES("[\"a\0b\"]"), "1:3"},
        {BYTES("[\"a\nb\"]"), "1:3"},
        {BYTES("{}\0"), "1:3"},
        {BYTES("{1:2}"), "1:2"},
        {BYTES("{\"a\\u0000b\":2}"), "1:11"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json_document *document;
        struct fault fault = {0};
        if (json_read(rows[i].data, rows[i].length, &document, &fault) != ERR_INVALID) fail_msg("row %zu passed", i);
        assert_null(document);
        if (strcmp(fault.place, rows[i].place) != 0) fail_msg("row %zu: %s %s", i, fault.place, fault.reason);
        assert_true(strlen(fault.reason) > 5);
    }
}

static void depth_and_size_are_survived(void **state)
{
    (void)state;
    struct text text = {0};
    struct json_document *document;
    for (int i = 0; i < 10000; i++)
        text_add_char(&text, '[');
    assert_int_equal(json_read(text.data, text.length, &document, NULL), ERR_INVALID);
    text_clear(&text);
    for (int i = 0; i < 2048; i++)
        text_add_char(&text, '[');
    for (int i = 0; i < 2048; i++)
        text_add_char(&text, ']');
    assert_int_equal(json_read(text.data, text.length, &document, NULL), ERR_OK);
    json_free(document);
    text_clear(&text);
    text_add_char(&text, '{');
    for (int i = 0; i < 100000; i++)
        text_print(&text, "%s\"k%d\":%d", i ? "," : "", i, i);
    text_add_char(&text, '}');
    assert_int_equal(json_read(text.data, text.length, &document, NULL), ERR_OK);
    assert_int_equal(json_length(json_root(document)), 100000);
    assert_int_equal(json_int(json_member(json_root(document), "k99999"), -1), 99999);
    json_free(document);
    text_free(&text);
}

static void values_of_other_types_are_absent(void **state)
{
    (void)state;
    static const char data[] = "{\"t\":\"x\",\"i\":-9223372036854775808,\"r\":1.0,\"e\":1e3,\"b\":false,\"n\":null,"
                               "\"a\":[1,\"2\",true],\"o\":{}}";
    struct json_document *document;
    assert_int_equal(json_read(data, sizeof data - 1, &document, NULL), ERR_OK);
    const struct json_value *root = json_root(document);
    assert_true(json_is_object(root));
    assert_string_equal(json_member_name(root, 0), "t");
    assert_string_equal(json_member_name(root, 7), "o");
    assert_null(json_member_name(root, 8));
    assert_null(json_member_name(json_member(root, "a"), 0));
    assert_string_equal(json_text(json_member(root, "t"), "?"), "x");
    assert_true(json_int(json_member(root, "i"), 0) == INT64_MIN);
    assert_int_equal(json_int(json_member(root, "r"), -1), -1); // a real is no integer, even a whole one
    assert_int_equal(json_int(json_member(root, "e"), -1), -1);
    assert_int_equal(json_int(json_member(root, "t"), -1), -1);
    assert_string_equal(json_text(json_member(root, "i"), "?"), "?");
    assert_false(json_bool(json_member(root, "b"), true));
    assert_true(json_bool(json_member(root, "n"), true));
    assert_null(json_text(json_member(root, "n"), NULL));
    const struct json_value *array = json_member(root, "a");
    assert_true(json_is_array(array));
    assert_false(json_is_object(array));
    assert_int_equal(json_length(array), 3);
    assert_int_equal(json_int(json_item(array, 0), -1), 1);
    assert_true(json_bool(json_item(array, 2), false));
    assert_null(json_item(array, 3));
    assert_null(json_item(root, 0));
    assert_null(json_member(array, "t"));
    assert_int_equal(json_length(json_member(root, "o")), 0);
    assert_int_equal(json_length(json_member(root, "t")), 0);
    // every reader accepts what is absent
    assert_null(json_member(NULL, "x"));
    assert_null(json_member(json_member(root, "none"), "x"));
    assert_null(json_item(NULL, 0));
    assert_int_equal(json_length(NULL), 0);
    assert_string_equal(json_text(NULL, "?"), "?");
    assert_int_equal(json_int(NULL, 7), 7);
    assert_true(json_bool(NULL, true));
    assert_false(json_is_object(NULL));
    assert_false(json_is_array(NULL));
    json_free(document);
    json_free(NULL);
}

static void any_value_may_be_the_root(void **state)
{
    (void)state;
    static const char *const rows[] = {"null", "1", "\"x\"", "[]", "{}", " true "};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json_document *document;
        assert_int_equal(json_read(rows[i], strlen(rows[i]), &document, NULL), ERR_OK);
        assert_int_equal(json_is_object(json_root(document)), i == 4);
        json_free(document);
    }
}

static void the_writer_has_one_form(void **state)
{
    (void)state;
    struct text out = {0};
    struct json_writer writer;
    json_begin(&writer, &out);
    json_object_open(&writer);
    json_put_text(&writer, "z", "\xc3\xa9\"\n");
    json_put_int(&writer, "a", INT64_MIN);
    json_put_bool(&writer, "b", true);
    json_put_text(&writer, "none", NULL);
    json_name(&writer, "list");
    json_array_open(&writer);
    json_write_bool(&writer, false);
    json_array_open(&writer);
    json_array_close(&writer);
    json_object_open(&writer);
    json_object_close(&writer);
    json_write_raw(&writer, "{\"raw\":1}");
    json_write_slice(&writer, SLICE("s\0t"));
    json_write_null(&writer);
    json_array_close(&writer);
    json_name(&writer, "");
    json_write_int(&writer, 0);
    json_object_close(&writer);
    assert_string_equal(out.data, "{\"z\":\"\xc3\xa9\\\"\\n\",\"a\":-9223372036854775808,\"b\":true,\"none\":null,"
                                  "\"list\":[false,[],{},{\"raw\":1},\"s\\u0000t\",null],\"\":0}");
    assert_true(writer.whole);
    json_begin(&writer, &out); // behind what is there, as for lines of JSON
    json_write_int(&writer, 5);
    assert_string_equal(out.data + out.length - 2, "}5");
    text_free(&out);
}

static void what_is_written_can_be_read(void **state)
{
    (void)state;
    struct text out = {0};
    struct json_writer writer;
    json_begin(&writer, &out);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_array_open(&writer);
    json_write_text(&writer, "\xff\xc0\xaf \x01 \xed\xa0\x80"); // not UTF-8
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_array_close(&writer);
    struct json_document *document;
    assert_int_equal(json_read(out.data, out.length, &document, NULL), ERR_OK);
    json_free(document);
    text_free(&out);
}

static struct json_writer fresh(void)
{
    static struct text out;
    struct json_writer writer;
    json_begin(&writer, &out);
    return writer;
}

static void name_outside(void)
{
    struct json_writer writer = fresh();
    json_name(&writer, "x");
}

static void name_in_array(void)
{
    struct json_writer writer = fresh();
    json_array_open(&writer);
    json_name(&writer, "x");
}

static void value_without_name(void)
{
    struct json_writer writer = fresh();
    json_object_open(&writer);
    json_write_int(&writer, 1);
}

static void name_twice(void)
{
    struct json_writer writer = fresh();
    json_object_open(&writer);
    json_name(&writer, "a");
    json_name(&writer, "b");
}

static void name_without_value(void)
{
    struct json_writer writer = fresh();
    json_object_open(&writer);
    json_name(&writer, "a");
    json_object_close(&writer);
}

static void wrong_bracket(void)
{
    struct json_writer writer = fresh();
    json_object_open(&writer);
    json_array_close(&writer);
}

static void close_too_often(void)
{
    struct json_writer writer = fresh();
    json_object_open(&writer);
    json_object_close(&writer);
    json_object_close(&writer);
}

static void two_values(void)
{
    struct json_writer writer = fresh();
    json_write_int(&writer, 1);
    json_write_int(&writer, 2);
}

static void too_deep(void)
{
    struct json_writer writer = fresh();
    for (int i = 0; i < JSON_DEPTH_MAX + 1; i++)
        json_array_open(&writer);
}

static void wrong_nesting_is_our_mistake(void **state)
{
    (void)state;
    void (*const mistakes[])(void) = {name_outside,    name_in_array,      value_without_name,
                                      name_twice,      name_without_value, wrong_bracket,
                                      close_too_often, two_values,         too_deep};
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        if (!aborts(mistakes[i])) fail_msg("mistake %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_refuses_with_a_place),     cmocka_unit_test(depth_and_size_are_survived),
        cmocka_unit_test(values_of_other_types_are_absent), cmocka_unit_test(any_value_may_be_the_root),
        cmocka_unit_test(the_writer_has_one_form),          cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(wrong_nesting_is_our_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
