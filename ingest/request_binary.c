// SPDX-License-Identifier: Apache-2.0
// Binary mode: ce-* headers and a body of data become one structured JSON event, so that everything after the gateway
// sees one form. Header values are percent-decoded (CloudEvents HTTP binding 3.1.3.2). Attributes are judged where all
// are, in event_decode; here only what the form itself can get wrong.
#include <string.h>

#include "ingest/event_batch.h"
#include "ingest/request.h"

enum { PREFIX = 3 }; // "ce-"

static bool is_attribute(const struct request_header *header)
{
    return strncmp(header->name, "ce-", PREFIX) == 0;
}

bool request_is_binary(const struct request_input *input)
{
    for (size_t i = 0; i < input->header_count; i++)
        if (is_attribute(&input->headers[i])) return true;
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// The percent-decoded value, in the arena. False: "%" without two hexadecimal digits, NUL, or not UTF-8.
static bool value_decode(const char *value, struct arena *arena, struct slice *decoded)
{
    size_t length = strlen(value), used = 0;
    char *out = arena_alloc(arena, length + 1);
    for (size_t i = 0; i < length; i++) {
        if (value[i] != '%') {
            out[used++] = value[i];
            continue;
        }
        int high = hex_digit(value[i + 1]), low = high < 0 ? -1 : hex_digit(value[i + 2]);
        if (low < 0 || high + low == 0) return false;
        out[used++] = (char)(high * 16 + low);
        i += 2;
    }
    *decoded = (struct slice){out, used};
    return utf8_valid(out, used);
}

static enum err add_attribute(const struct request_input *input, size_t index, struct arena *arena, struct text *event,
                              struct request_problem *problem)
{
    const struct request_header *header = &input->headers[index];
    const char *name = header->name + PREFIX;
    struct slice value;
    if (strcmp(name, "data") == 0 || strcmp(name, "data_base64") == 0 || strcmp(name, "datacontenttype") == 0)
        return request_refuse(problem, 400, "malformed", "the header %s is not an attribute in binary mode",
                              header->name);
    for (size_t i = 0; i < index; i++)
        if (strcmp(input->headers[i].name, header->name) == 0)
            return request_refuse(problem, 400, "malformed", "the header %s is there twice", header->name);
    if (!value_decode(header->value, arena, &value))
        return request_refuse(problem, 400, "malformed", "the header %s is not percent-encoded UTF-8", header->name);
    text_add_json_string(event, name, strlen(name));
    text_add_char(event, ':');
    text_add_json_string(event, value.data, value.length);
    text_add_char(event, ',');
    return ERR_OK;
}

// Is the body one element, so that it cannot close the event that it is put into? What kind it is, is judged later.
static bool body_is_one_value(struct slice body)
{
    struct text list = {0};
    struct slice value;
    size_t count = 0;
    text_add_char(&list, '[');
    text_add_slice(&list, body);
    text_add_char(&list, ']');
    enum err err = event_batch_split((struct slice){list.data, list.length}, &value, 1, &count, NULL);
    text_free(&list);
    return err == ERR_OK && count == 1;
}

static enum err add_data(const struct request_input *input, struct text *event, struct request_problem *problem)
{
    enum media_match match = input->content_type ? media_match(input->content_type, "application/json") : MEDIA_OTHER;
    if (input->body.length == 0 && !input->content_type) {
        event->data[event->length - 1] = '}'; // no data: over the last comma
        return ERR_OK;
    }
    if (match != MEDIA_SAME)
        return request_refuse(problem, 415, "unsupported_media_type",
                              "in binary mode the body is data of type application/json; charset=utf-8");
    if (!body_is_one_value(input->body))
        return request_refuse(problem, 400, "malformed", "the body is not one JSON value");
    text_add_string(event, "\"datacontenttype\":\"application/json\",\"data\":");
    text_add_slice(event, input->body);
    text_add_char(event, '}');
    return ERR_OK;
}

enum err request_read_binary(const struct request_input *input, struct arena *arena, struct slice *event,
                             struct request_problem *problem)
{
    struct text json = {0};
    enum err err = ERR_OK;
    text_add_char(&json, '{');
    for (size_t i = 0; err == ERR_OK && i < input->header_count; i++)
        if (is_attribute(&input->headers[i])) err = add_attribute(input, i, arena, &json, problem);
    if (err == ERR_OK) err = add_data(input, &json, problem);
    if (err == ERR_OK) *event = (struct slice){arena_text(arena, json.data, json.length), json.length};
    text_free(&json);
    return err;
}
