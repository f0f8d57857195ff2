// SPDX-License-Identifier: Apache-2.0
// Binary mode over HTTP: ce-* headers, percent-decoded (CloudEvents HTTP binding 3.1.3.2), and a body of data.
#include <string.h>

#include "ingest/event_compose.h"
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

static enum err take_attribute(const struct request_header *header, struct arena *arena,
                               struct event_attribute *attribute, struct request_problem *problem)
{
    attribute->name = slice_of(header->name + PREFIX);
    if (value_decode(header->value, arena, &attribute->value)) return ERR_OK;
    return request_refuse(problem, 400, "malformed", "the header %s is not percent-encoded UTF-8", header->name);
}

enum err request_read_binary(const struct request_input *input, struct arena *arena, struct slice *event,
                             struct request_problem *problem)
{
    struct event_attribute *attributes = ARENA_ARRAY(arena, struct event_attribute, input->header_count);
    struct event_parts parts = {.prefix = "ce-", .attributes = attributes, .data = input->body};
    struct text json = {0};
    struct fault fault;
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < input->header_count; i++)
        if (is_attribute(&input->headers[i]))
            err = take_attribute(&input->headers[i], arena, &attributes[parts.count++], problem);
    if (err != ERR_OK) return err;
    parts.has_data = input->body.length > 0 || input->content_type;
    if (parts.has_data && (!input->content_type || media_match(input->content_type, "application/json") != MEDIA_SAME))
        return request_refuse(problem, 415, "unsupported_media_type",
                              "in binary mode the body is data of type application/json; charset=utf-8");
    err = event_compose(&parts, &json, &fault);
    if (err == ERR_OK)
        *event = (struct slice){arena_text(arena, json.data, json.length), json.length};
    else
        err = request_refuse(problem, 400, "malformed", "%s", fault.reason);
    text_free(&json);
    return err;
}
