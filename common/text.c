// SPDX-License-Identifier: Apache-2.0
// Slices, the growing buffer, UTF-8 checking and the escapes of JSON and HTML.
// utf8_valid runs over every event: eight ASCII bytes at a time, then one sequence at a time.
#include "common/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

#define REPEAT(byte) (UINT64_C(0x0101010101010101) * (byte)) // in each of eight

struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool slice_is(struct slice slice, const char *text)
{
    return slice_equal(slice, slice_of(text));
}

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) return order < 0 ? -1 : 1;
    return (a.length > b.length) - (a.length < b.length);
}

// Length of the well-formed sequence at `at` (Unicode 15.0 table 3-7), 0 if there is none within `left` bytes.
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
    unsigned char first = at[0];
    if (first < 0x80) return 1;
    size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length == 0 || length > left) return 0;
    unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80; // no overlong forms
    unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;  // no surrogates, <= U+10FFFF
    if (at[1] < least || at[1] > most) return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    return length;
}

size_t utf8_valid_length(const char *data, size_t length)
{
    const unsigned char *at = (const unsigned char *)data;
    size_t i = 0;
    while (i < length) {
        while (length - i >= 8) {
            uint64_t eight;
            memcpy(&eight, at + i, sizeof eight);
            if (eight & UINT64_C(0x8080808080808080)) break;
            i += 8;
        }
        while (i < length && at[i] < 0x80)
            i++;
        if (i == length) break;
        size_t sequence = utf8_sequence(at + i, length - i);
        if (sequence == 0) return i;
        i += sequence;
    }
    return length;
}

bool utf8_valid(const char *data, size_t length)
{
    return utf8_valid_length(data, length) == length;
}

void text_free(struct text *text)
{
    if (!text) return;
    free(text->data);
    *text = (struct text){0};
}

// Makes room for `more` bytes and the NUL.
static void text_reserve(struct text *text, size_t more)
{
    size_t needed;
    ENSURE(!__builtin_add_overflow(text->length, more, &needed) && needed < SIZE_MAX / 4);
    if (needed + 1 <= text->capacity) return;
    size_t capacity = text->capacity < 64 ? 64 : text->capacity;
    while (capacity < needed + 1)
        capacity *= 2;
    text->data = heap_grow(text->data, 1, capacity);
    text->capacity = capacity;
}

void text_clear(struct text *text)
{
    text->length = 0;
    text_reserve(text, 0);
    text->data[0] = 0;
}

void text_add(struct text *text, const void *data, size_t length)
{
    text_reserve(text, length);
    if (length > 0) memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = 0;
}

void *text_room(struct text *text, size_t more)
{
    text_reserve(text, more);
    return text->data + text->length;
}

void text_written(struct text *text, size_t length)
{
    ENSURE(text->length + length < text->capacity);
    text->length += length;
    text->data[text->length] = 0;
}

void text_add_slice(struct text *text, struct slice slice)
{
    text_add(text, slice.data, slice.length);
}

void text_add_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_add_char(struct text *text, char c)
{
    text_reserve(text, 1);
    text->data[text->length++] = c;
    text->data[text->length] = 0;
}

void text_print(struct text *text, const char *format, ...)
{
    text_reserve(text, 0);
    size_t room = text->capacity - text->length;
    va_list arguments;
    va_start(arguments, format);
    int needed = vsnprintf(text->data + text->length, room, format, arguments);
    va_end(arguments);
    ENSURE(needed >= 0);
    if ((size_t)needed >= room) {
        text_reserve(text, (size_t)needed);
        va_start(arguments, format);
        int written = vsnprintf(text->data + text->length, (size_t)needed + 1, format, arguments);
        va_end(arguments);
        ENSURE(written == needed);
    }
    text->length += (size_t)needed;
}

// What stands for one byte in a JSON string; NULL: the byte itself.
static const char *json_escape(unsigned char byte, char unicode[8])
{
    static const char *const short_forms[] = {['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\f'] = "\\f",
                                              ['\n'] = "\\n", ['\r'] = "\\r",  ['\t'] = "\\t"};
    if (byte < sizeof short_forms / sizeof *short_forms && short_forms[byte]) return short_forms[byte];
    if (byte >= 0x20) return NULL;
    static const char digits[] = "0123456789abcdef";
    memcpy(unicode, "\\u00", 4);
    unicode[4] = digits[byte >> 4];
    unicode[5] = digits[byte & 15];
    unicode[6] = 0;
    return unicode;
}

// Valid UTF-8 only.
static void text_add_json_escaped(struct text *text, const char *data, size_t length)
{
    size_t run = 0; // start of the bytes that are not written yet
    for (size_t i = 0; i < length; i++) {
        char unicode[8];
        const char *escape = json_escape((unsigned char)data[i], unicode);
        if (!escape) continue;
        text_add(text, data + run, i - run);
        text_add_string(text, escape);
        run = i + 1;
    }
    text_add(text, data + run, length - run);
}

// ASCII without anything to escape, as most texts are?
static bool json_is_plain(const char *data, size_t length)
{
    size_t i = 0;
    for (; length - i >= 8; i += 8) {
        uint64_t eight;
        memcpy(&eight, data + i, sizeof eight);
        uint64_t quote = eight ^ REPEAT('"'), backslash = eight ^ REPEAT('\\');
        uint64_t hit = eight | ((quote - REPEAT(1)) & ~quote) | ((backslash - REPEAT(1)) & ~backslash) |
                       ((eight - REPEAT(0x20)) & ~eight);
        if (hit & REPEAT(0x80)) return false;
    }
    for (; i < length; i++)
        if ((unsigned char)data[i] < 0x20 || (unsigned char)data[i] >= 0x80 || data[i] == '"' || data[i] == '\\')
            return false;
    return true;
}

void text_add_json_string(struct text *text, const char *data, size_t length)
{
    if (json_is_plain(data, length)) {
        char *at = text_room(text, length + 2);
        at[0] = '"';
        if (length > 0) memcpy(at + 1, data, length);
        at[length + 1] = '"';
        text_written(text, length + 2);
        return;
    }
    text_add_char(text, '"');
    while (length > 0) {
        size_t valid = utf8_valid_length(data, length);
        text_add_json_escaped(text, data, valid);
        if (valid == length) break;
        text_add_string(text, "\xef\xbf\xbd"); // U+FFFD for each byte that belongs to no sequence
        data += valid + 1;
        length -= valid + 1;
    }
    text_add_char(text, '"');
}

void text_add_html(struct text *text, const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        switch (data[i]) {
        case '&':
            text_add_string(text, "&amp;");
            break;
        case '<':
            text_add_string(text, "&lt;");
            break;
        case '>':
            text_add_string(text, "&gt;");
            break;
        case '"':
            text_add_string(text, "&quot;");
            break;
        case '\'':
            text_add_string(text, "&#39;");
            break;
        default:
            text_add_char(text, data[i]);
        }
    }
}
