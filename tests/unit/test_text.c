// SPDX-License-Identifier: Apache-2.0
// Slices, the buffer, UTF-8 (also what attacks it) and the escapes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/text.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
    const char *data;
    size_t length;
    size_t valid; // bytes that are valid from the start
    const char *what;
} utf8_rows[] = {
    {BYTES(""), 0, "nothing"},
    {BYTES("a"), 1, "one byte"},
    {BYTES("\0"), 1, "NUL is a character"},
    {BYTES("\x7f"), 1, "last of one byte"},
    {BYTES("\xc2\x80"), 2, "first of two bytes"},
    {BYTES("\xdf\xbf"), 2, "last of two bytes"},
    {BYTES("\xe0\xa0\x80"), 3, "first of three bytes"},
    {BYTES("\xed\x9f\xbf"), 3, "U+D7FF, before the surrogates"},
    {BYTES("\xee\x80\x80"), 3, "U+E000, after the surrogates"},
    {BYTES("\xef\xbf\xbf"), 3, "U+FFFF"},
    {BYTES("\xf0\x90\x80\x80"), 4, "first of four bytes"},
    {BYTES("\xf4\x8f\xbf\xbf"), 4, "U+10FFFF"},
    {BYTES("1234567\xc3\xa9"), 9, "a character over the bound of eight"},
    {BYTES("12345678\xf0\x9f\x98\x80"), 12, "after eight"},
    {BYTES("\xe2\x80\xae"
           "e1"),
     5, "right-to-left override is a character"},
    {BYTES("\x80"), 0, "lone continuation"},
    {BYTES("\xbf"), 0, "lone continuation"},
    {BYTES("a\x80"), 1, "lone continuation after ASCII"},
    {BYTES("\xc0\x80"), 0, "overlong NUL (as in Java's modified form)"},
    {BYTES("\xc0\xaf"), 0, "overlong slash in two"},
    {BYTES("\xe0\x80\xaf"), 0, "overlong slash in three"},
    {BYTES("\xf0\x80\x80\xaf"), 0, "overlong slash in four"},
    {BYTES("\xc1\xbf"), 0, "overlong U+007F"},
    {BYTES("\xe0\x9f\xbf"), 0, "overlong U+07FF"},
    {BYTES("\xf0\x8f\xbf\xbf"), 0, "overlong U+FFFF"},
    {BYTES("\xed\xa0\x80"), 0, "surrogate U+D800"},
    {BYTES("\xed\xbf\xbf"), 0, "surrogate U+DFFF"},
    {BYTES("\xed\xa0\xbd\xed\xb8\x80"), 0, "a pair of surrogates (CESU-8)"},
    {BYTES("\xf4\x90\x80\x80"), 0, "U+110000"},
    {BYTES("\xf5\x80\x80\x80"), 0, "F5"},
    {BYTES("\xf8\x88\x80\x80\x80"), 0, "five bytes"},
    {BYTES("\xfc\x84\x80\x80\x80\x80"), 0, "six bytes"},
    {BYTES("\xfe"), 0, "FE"},
    {BYTES("\xff"), 0, "FF"},
    {BYTES("\xc3"), 0, "cut after 1 of 2"},
    {BYTES("\xe2\x82"), 0, "cut after 2 of 3"},
    {BYTES("\xf0\x9f\x98"), 0, "cut after 3 of 4"},
    {BYTES("12345678\xf0\x9f\x98"), 8, "cut at the end"},
    {BYTES("\xc3\x28"), 0, "second byte is ASCII"},
    {BYTES("\xe2\x28\xa1"), 0, "second of three is ASCII"},
    {BYTES("\xe2\x82\x28"), 0, "third of three is ASCII"},
    {BYTES("\xf0\x9f\x98\xc3"), 0, "fourth of four starts another"},
    {BYTES("12345678abcdefg\xff"
           "12345678"),
     15, "one bad byte in a long text"},
};

static void utf8_is_judged_by_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof utf8_rows / sizeof *utf8_rows; i++) {
        // a copy of exact size, so that the sanitizer sees a read beyond the end
        char *copy = malloc(utf8_rows[i].length ? utf8_rows[i].length : 1);
        memcpy(copy, utf8_rows[i].data, utf8_rows[i].length);
        size_t valid = utf8_valid_length(copy, utf8_rows[i].length);
        if (valid != utf8_rows[i].valid) fail_msg("%s: %zu valid bytes", utf8_rows[i].what, valid);
        assert_int_equal(utf8_valid(copy, utf8_rows[i].length), utf8_rows[i].valid == utf8_rows[i].length);
        free(copy);
    }
}

// Every code point at every place within the eight bytes that are looked at together.
static void every_code_point_is_valid_except_the_surrogates(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x110000; code++) {
        char bytes[16] = "1234567";
        size_t at = code % 8, n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
        bytes[at] = (char)(n == 1 ? code : first[n] | code >> 6 * (n - 1));
        for (size_t i = 1; i < n; i++)
            bytes[at + i] = (char)(0x80 | (code >> 6 * (n - 1 - i) & 0x3f));
        bool expected = (code < 0xd800 || code > 0xdfff) && code <= 0x10ffff;
        if (utf8_valid(bytes, at + n) != expected) fail_msg("U+%04X", (unsigned)code);
    }
}

static void slices_compare_by_bytes(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE(""), (struct slice){NULL, 0}));
    assert_true(slice_is(SLICE("abc"), "abc"));
    assert_false(slice_is(SLICE("abc"), "ab"));
    assert_false(slice_is(SLICE("a\0c"), "a"));
    assert_int_equal(slice_compare(SLICE(""), (struct slice){NULL, 0}), 0);
    assert_int_equal(slice_compare(SLICE("a"), SLICE("ab")), -1);
    assert_int_equal(slice_compare(SLICE("b"), SLICE("ab")), 1);
    assert_int_equal(slice_compare(SLICE("\xff"), SLICE("a")), 1);
    // the same word, composed and decomposed: two different texts
    assert_false(slice_equal(SLICE("caf\xc3\xa9"), SLICE("cafe\xcc\x81")));
}

static void a_buffer_grows_and_ends_in_nul(void **state)
{
    (void)state;
    struct text text = {0};
    text_add(&text, NULL, 0);
    assert_string_equal(text.data, "");
    for (int i = 0; i < 1000; i++)
        text_add_char(&text, 'x');
    assert_int_equal(text.length, 1000);
    assert_int_equal(strlen(text.data), 1000);
    text_clear(&text);
    assert_string_equal(text.data, "");
    text_add_string(&text, "ab");
    text_add_slice(&text, SLICE("c\0d"));
    assert_int_equal(text.length, 5);
    assert_memory_equal(text.data, "abc\0d", 6);
    text_free(&text);
    text_free(&text);
    text_free(NULL);
    text_clear(&text);
    assert_string_equal(text.data, "");
    text_free(&text);
}

// Lengths around the first capacity of 64 bytes with its NUL.
static void printing_grows_as_needed(void **state)
{
    (void)state;
    for (int width = 60; width < 70; width++) {
        struct text text = {0};
        text_print(&text, "%*d", width, 5);
        text_print(&text, "%s", "");
        text_print(&text, "/%d", 6);
        assert_int_equal(text.length, width + 2);
        assert_string_equal(text.data + width - 1, "5/6");
        text_free(&text);
    }
}

static void assert_json(const char *data, size_t length, const char *expected)
{
    struct text text = {0};
    text_add_json_string(&text, data, length);
    assert_string_equal(text.data, expected);
    text_free(&text);
}

static void json_strings_are_canonical(void **state)
{
    (void)state;
    assert_json(BYTES(""), "\"\"");
    assert_json(BYTES("a/b"), "\"a/b\"");
    assert_json(BYTES("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    assert_json(BYTES("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\"");
    assert_json(BYTES("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
    assert_json(BYTES("a\xff"), "\"a\xef\xbf\xbd\"");
    assert_json(BYTES("\xed\xa0\x80z"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
    assert_json(BYTES("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void html_is_escaped(void **state)
{
    (void)state;
    struct text text = {0};
    text_add_html(&text, BYTES("<a href=\"x\">'&amp;\xc3\xa9</a>"));
    assert_string_equal(text.data, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;\xc3\xa9&lt;/a&gt;");
    text_free(&text);
}

// Eight bytes are looked at together: each byte at each place of a longer text is written as it is alone.
static void json_strings_do_not_depend_on_the_place(void **state)
{
    (void)state;
    enum { LENGTH_MAX = 20 };
    for (size_t length = 1; length <= LENGTH_MAX; length++)
        for (size_t at = 0; at < length; at++)
            for (int byte = 1; byte < 256; byte++) {
                char data[LENGTH_MAX];
                struct text whole = {0}, alone = {0}, wanted = {0};
                memset(data, 'a', sizeof data);
                data[at] = (char)byte;
                text_add_json_string(&whole, data, length);
                text_add_json_string(&alone, &data[at], 1);
                text_add_char(&wanted, '"');
                text_add(&wanted, "aaaaaaaaaaaaaaaaaaaa", at);
                text_add(&wanted, alone.data + 1, alone.length - 2);
                text_add(&wanted, "aaaaaaaaaaaaaaaaaaaa", length - at - 1);
                text_add_char(&wanted, '"');
                assert_string_equal(whole.data, wanted.data);
                text_free(&whole);
                text_free(&alone);
                text_free(&wanted);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_judged_by_the_byte),
        cmocka_unit_test(every_code_point_is_valid_except_the_surrogates),
        cmocka_unit_test(slices_compare_by_bytes),
        cmocka_unit_test(a_buffer_grows_and_ends_in_nul),
        cmocka_unit_test(printing_grows_as_needed),
        cmocka_unit_test(json_strings_are_canonical),
        cmocka_unit_test(json_strings_do_not_depend_on_the_place),
        cmocka_unit_test(html_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
