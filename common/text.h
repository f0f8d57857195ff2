// SPDX-License-Identifier: Apache-2.0
// Text: a slice of bytes (not NUL-terminated) and a growing buffer. Slices never own.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct slice {
    const char *data;
    size_t length;
};
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
struct slice slice_of(const char *text);
bool slice_equal(struct slice a, struct slice b);
bool slice_is(struct slice slice, const char *text);
int slice_compare(struct slice a, struct slice b); // -1, 0, 1: as memcmp over the common part, then the shorter first

// Valid UTF-8 (no overlong forms, no surrogates, <= U+10FFFF)? NUL is a valid character here: who forbids it looks for it.
bool utf8_valid(const char *data, size_t length);
// How many bytes from the start are valid: length if all are, else the place of the first byte that belongs to no sequence.
size_t utf8_valid_length(const char *data, size_t length);

// A growing byte buffer; always NUL-terminated after text_* calls. Zero-initialise, text_free at the end. What is added
// must not lie in the buffer itself. Functions of other headers that fill a text add to it, unless they say otherwise.
struct text {
    char *data;
    size_t length, capacity;
};
void text_free(struct text *text);
void text_clear(struct text *text); // keeps the memory
void text_add(struct text *text, const void *data, size_t length);
void text_add_slice(struct text *text, struct slice slice);
void text_add_string(struct text *text, const char *string);
void text_add_char(struct text *text, char c);
void text_print(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
// For what is written piece by piece: the end of the text, where up to `more` bytes may be written, and how many were.
void *text_room(struct text *text, size_t more);
void text_written(struct text *text, size_t length);
// Quoted and escaped, canonical: \" \\ \b \f \n \r \t, \u00xx for other controls, the rest as it is. A byte that is not
// UTF-8 becomes U+FFFD, so that what is written can always be read.
void text_add_json_string(struct text *text, const char *data, size_t length);
void text_add_html(struct text *text, const char *data, size_t length); // & < > " ' escaped
