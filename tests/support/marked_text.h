// SPDX-License-Identifier: Apache-2.0
// Texts with marks where an error is expected, so that a test shows the place instead of counting columns. '@' marks
// the place of an expected error (twice for two errors there), '$' one that a reason refers to; both are taken out.
#pragma once
#include <stdio.h>
#include <string.h>

#include "common/text.h"

enum { MARKS_MAX = 32, MARK_TEXT_MAX = 48 };
struct marks {
    char places[MARKS_MAX][MARK_TEXT_MAX]; // "f.yaml:3:7", in order
    size_t count;
    char references[MARKS_MAX][MARK_TEXT_MAX];
    size_t reference_count;
};

// Adds the text without its marks to out, and the marks' places in `file` to marks.
static inline void marked_text_read(const char *file, const char *text, struct text *out, struct marks *marks)
{
    int line = 1, column = 1;
    for (const char *at = text; *at; at++) {
        if (*at == '@' || *at == '$') {
            char *place = *at == '@' ? marks->places[marks->count++] : marks->references[marks->reference_count++];
            ENSURE(marks->count < MARKS_MAX && marks->reference_count < MARKS_MAX);
            snprintf(place, MARK_TEXT_MAX, "%s:%d:%d", file, line, column);
            continue;
        }
        text_add_char(out, *at);
        column++;
        if (*at == '\n') line++, column = 1;
    }
}

// What should be told: the n-th line of `reasons` at the n-th place, further lines without a place; '$' in a reason is
// the next reference, '@' the first place again.
static inline void marked_text_expect(const struct marks *marks, const char *reasons, struct text *out)
{
    size_t reference = 0, line = 0;
    for (const char *at = reasons; *at; at++) {
        if (at == reasons || at[-1] == '\n') {
            if (line < marks->count) text_print(out, "%s: ", marks->places[line]);
            line++;
        }
        if (*at == '$' && reference < marks->reference_count)
            text_add_string(out, marks->references[reference++]);
        else if (*at == '@')
            text_add_string(out, marks->places[0]);
        else
            text_add_char(out, *at);
    }
    for (; line < marks->count; line++)
        text_print(out, "%s: (an error)\n", marks->places[line]);
}
