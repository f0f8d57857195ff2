// SPDX-License-Identifier: Apache-2.0
// Columns into a COPY or into canonical JSON, value by value in the same form.
#include "catalogue/row_sink.h"

#include <string.h>

#include "catalogue/catalogue_internal.h"

void sink_int2(struct sink *sink, int value)
{
    if (sink->copy)
        db_copy_int2(sink->copy, (int16_t)value);
    else
        json_write_int(sink->json, value);
}

void sink_int4(struct sink *sink, int32_t value)
{
    if (sink->copy)
        db_copy_int4(sink->copy, value);
    else
        json_write_int(sink->json, value);
}

void sink_int8(struct sink *sink, int64_t value)
{
    if (sink->copy)
        db_copy_int8(sink->copy, value);
    else
        json_write_int(sink->json, value);
}

void sink_null(struct sink *sink)
{
    if (sink->copy)
        db_copy_null(sink->copy);
    else
        json_write_null(sink->json);
}

void sink_bool(struct sink *sink, bool value)
{
    if (sink->copy)
        db_copy_bool(sink->copy, value);
    else
        json_write_bool(sink->json, value);
}

void sink_text(struct sink *sink, const char *text)
{
    if (sink->copy)
        db_copy_text(sink->copy, text, strlen(text));
    else
        json_write_text(sink->json, text);
}

void sink_text_or_null(struct sink *sink, const char *text)
{
    if (text && *text)
        sink_text(sink, text);
    else
        sink_null(sink);
}

// What a person may have erased is not in the digest.
void sink_personal(struct sink *sink, const char *text)
{
    if (sink->copy) sink_text(sink, text_or_empty(text));
}

// The open ends are PostgreSQL's infinities.
void sink_instant(struct sink *sink, instant_us instant)
{
    char text[INSTANT_TEXT_MAX];
    if (sink->copy && instant == INSTANT_MIN) {
        db_copy_int8(sink->copy, INT64_MIN);
    } else if (sink->copy) {
        db_copy_instant(sink->copy, instant);
    } else if (instant == INSTANT_NONE) {
        json_write_null(sink->json);
    } else {
        instant_print(instant, text);
        json_write_text(sink->json, instant == INSTANT_MIN ? "-infinity" : text);
    }
}

void sink_decimal(struct sink *sink, int128 scaled, int places)
{
    char text[DECIMAL_TEXT_MAX];
    if (sink->copy) {
        db_copy_numeric(sink->copy, scaled, places);
        return;
    }
    decimal_print(scaled, places, text);
    json_write_text(sink->json, text);
}

static void add_int4(struct text *out, size_t value)
{
    unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16), (unsigned char)(value >> 8),
                              (unsigned char)value};
    text_add(out, bytes, sizeof bytes);
}

// text[] in PostgreSQL's binary form: dimensions, no nulls, element type; length and first subscript of the dimension.
static void copy_names(struct db_copy *copy, const char *const *names, size_t count)
{
    enum { TEXT_OID = 25 };
    struct text array = {0};
    add_int4(&array, count > 0 ? 1 : 0);
    add_int4(&array, 0);
    add_int4(&array, TEXT_OID);
    if (count > 0) {
        add_int4(&array, count);
        add_int4(&array, 1);
    }
    for (size_t i = 0; i < count; i++) {
        add_int4(&array, strlen(names[i]));
        text_add_string(&array, names[i]);
    }
    db_copy_bytes(copy, array.data, array.length);
    text_free(&array);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Sorted: their order means nothing, and one form is canonical.
void sink_names(struct sink *sink, const char *const *names, size_t count)
{
    const char *sorted[DIMENSIONS_MAX > STATES_MAX ? DIMENSIONS_MAX : STATES_MAX];
    ENSURE(count <= sizeof sorted / sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = names[i];
    rows_sort(sorted, count, sizeof *sorted, compare_names);
    if (sink->copy) {
        copy_names(sink->copy, sorted, count);
        return;
    }
    json_array_open(sink->json);
    for (size_t i = 0; i < count; i++)
        json_write_text(sink->json, sorted[i]);
    json_array_close(sink->json);
}
