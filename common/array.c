// SPDX-License-Identifier: Apache-2.0
// Array literals: {1,2}, {"a","b\"c"}.
#include "common/array.h"

#include <string.h>

static void separate(struct array *array)
{
    text_add_char(&array->text, array->text.length ? ',' : '{');
}

void array_add_text(struct array *array, const char *value)
{
    separate(array);
    if (!value) {
        text_add_string(&array->text, "NULL");
        return;
    }
    text_add_char(&array->text, '"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') text_add_char(&array->text, '\\');
        text_add_char(&array->text, *value);
    }
    text_add_char(&array->text, '"');
}

void array_add_int(struct array *array, int64_t value)
{
    separate(array);
    text_print(&array->text, "%lld", (long long)value);
}

void array_add_bool(struct array *array, bool value)
{
    separate(array);
    text_add_char(&array->text, value ? 't' : 'f');
}

void array_add_instant(struct array *array, instant_us value)
{
    char printed[INSTANT_TEXT_MAX];
    if (value == INSTANT_NONE) {
        array_add_text(array, NULL);
        return;
    }
    instant_print(value, printed);
    array_add_text(array, value <= INSTANT_MIN ? "-infinity" : value >= INSTANT_MAX ? "infinity" : printed);
}

void array_add_decimal(struct array *array, int128 scaled, int places)
{
    char printed[DECIMAL_TEXT_MAX];
    separate(array);
    text_add(&array->text, printed, decimal_print(scaled, places, printed));
}

void array_add_hash(struct array *array, struct hash128 value)
{
    unsigned char bytes[16];
    char hex[33];
    hash128_bytes(value, bytes);
    hex_print(bytes, sizeof bytes, hex);
    separate(array);
    text_add(&array->text, hex, 32);
}

void array_add_bytes(struct array *array, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    separate(array);
    text_add_string(&array->text, "\"\\\\x");
    for (size_t i = 0; i < length; i++) text_print(&array->text, "%02x", bytes[i]);
    text_add_char(&array->text, '"');
}

const char *array_end(struct array *array, struct arena *arena)
{
    if (!array->text.length) text_add_char(&array->text, '{');
    text_add_char(&array->text, '}');
    const char *copy = arena_text(arena, array->text.data, array->text.length);
    text_free(&array->text);
    return copy;
}
