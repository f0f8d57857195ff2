// SPDX-License-Identifier: Apache-2.0
// JSON writing in one fixed form: members in the order given, nothing between tokens. What is written here is hashed,
// so the form never depends on locale, library or platform. A wrong nesting is our own mistake and aborts.
#include <string.h>

#include "common/json.h"

void json_begin(struct json_writer *writer, struct text *out)
{
    *writer = (struct json_writer){.out = out};
}

static bool in_object(const struct json_writer *writer)
{
    return writer->depth > 0 && writer->open[writer->depth - 1] == '{';
}

static void comma(struct json_writer *writer)
{
    bool *first = &writer->first[writer->depth - 1];
    if (!*first) text_add_char(writer->out, ',');
    *first = false;
}

// Before each value: is one allowed here?
static void value_begin(struct json_writer *writer)
{
    ENSURE(!writer->whole);
    ENSURE(in_object(writer) == writer->after_name);
    if (writer->depth > 0 && !writer->after_name) comma(writer);
    writer->after_name = false;
}

static void value_end(struct json_writer *writer)
{
    writer->whole = writer->depth == 0;
}

static void container_open(struct json_writer *writer, char bracket)
{
    value_begin(writer);
    ENSURE(writer->depth < JSON_DEPTH_MAX);
    writer->open[writer->depth] = bracket;
    writer->first[writer->depth] = true;
    writer->depth++;
    text_add_char(writer->out, bracket);
}

static void container_close(struct json_writer *writer, char opened, char bracket)
{
    ENSURE(writer->depth > 0 && writer->open[writer->depth - 1] == opened && !writer->after_name);
    writer->depth--;
    text_add_char(writer->out, bracket);
    value_end(writer);
}

void json_object_open(struct json_writer *writer)
{
    container_open(writer, '{');
}

void json_object_close(struct json_writer *writer)
{
    container_close(writer, '{', '}');
}

void json_array_open(struct json_writer *writer)
{
    container_open(writer, '[');
}

void json_array_close(struct json_writer *writer)
{
    container_close(writer, '[', ']');
}

void json_name(struct json_writer *writer, const char *name)
{
    ENSURE(in_object(writer) && !writer->after_name);
    comma(writer);
    text_add_json_string(writer->out, name, strlen(name));
    text_add_char(writer->out, ':');
    writer->after_name = true;
}

void json_write_slice(struct json_writer *writer, struct slice slice)
{
    value_begin(writer);
    text_add_json_string(writer->out, slice.data, slice.length);
    value_end(writer);
}

void json_write_raw(struct json_writer *writer, const char *json)
{
    value_begin(writer);
    text_add_string(writer->out, json);
    value_end(writer);
}

void json_write_text(struct json_writer *writer, const char *text)
{
    if (text)
        json_write_slice(writer, slice_of(text));
    else
        json_write_null(writer);
}

void json_write_int(struct json_writer *writer, int64_t number)
{
    value_begin(writer);
    text_print(writer->out, "%lld", (long long)number);
    value_end(writer);
}

void json_write_bool(struct json_writer *writer, bool value)
{
    json_write_raw(writer, value ? "true" : "false");
}

void json_write_null(struct json_writer *writer)
{
    json_write_raw(writer, "null");
}

void json_put_text(struct json_writer *writer, const char *name, const char *text)
{
    json_name(writer, name);
    json_write_text(writer, text);
}

void json_put_int(struct json_writer *writer, const char *name, int64_t number)
{
    json_name(writer, name);
    json_write_int(writer, number);
}

void json_put_bool(struct json_writer *writer, const char *name, bool value)
{
    json_name(writer, name);
    json_write_bool(writer, value);
}

void json_put_decimal(struct json_writer *writer, const char *name, int128 scaled, int places)
{
    char text[DECIMAL_TEXT_MAX];
    decimal_print(scaled, places, text);
    json_put_text(writer, name, text);
}

void json_put_money(struct json_writer *writer, const char *name, struct currency currency, struct amount amount)
{
    char text[DECIMAL_TEXT_MAX];
    currency_print(currency, amount, text);
    json_put_text(writer, name, text);
}

void json_put_instant(struct json_writer *writer, const char *name, instant_us instant)
{
    char text[INSTANT_TEXT_MAX];
    if (instant != INSTANT_NONE) instant_print(instant, text);
    json_put_text(writer, name, instant == INSTANT_NONE ? NULL : text);
}
