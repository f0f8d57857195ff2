// SPDX-License-Identifier: Apache-2.0
// Fuzzes the HTTP request parser. Input: one byte that says how to split, then the bytes of a connection. Checked
// besides memory: fed whole and in pieces, the same requests come out; what is accepted keeps the promises of
// http_parse.h.
#include <stdlib.h>
#include <string.h>

#include "common/http_parse.h"

enum { MAX_BODY = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const struct http_message *message)
{
    const char *head = message->head.data, *path = head + message->path;
    ENSURE(message->has_host && !message->has_transfer_encoding);
    ENSURE(message->body.length == message->content_length && message->content_length <= MAX_BODY);
    ENSURE(message->body.length == 0 || message->method == HTTP_POST || message->method == HTTP_PUT);
    ENSURE(message->header_count <= HTTP_HEADERS_MAX && message->parameter_count <= HTTP_PARAMETERS_MAX);
    ENSURE(path[0] == '/' && utf8_valid(path, strlen(path)) && !strstr(path, "//") && !strstr(path, "/../"));
    for (size_t i = 0; i < message->header_count; i++) {
        const char *name = head + message->headers[i].name, *value = head + message->headers[i].value;
        ENSURE(name[0] != 0 && !strpbrk(name, " \t\r\n:") && !strpbrk(value, "\r\n"));
    }
    for (size_t i = 0; i < message->parameter_count; i++)
        ENSURE(http_message_parameter(message, message->decoded.data + message->parameters[i].name) != NULL);
}

// All requests of one connection, written down: what they say, and how it ended.
static void parse_all(const char *data, size_t size, size_t step, struct text *story)
{
    struct http_message message = {0};
    enum http_progress progress = HTTP_MORE;
    for (size_t used = 0; used < size && progress != HTTP_REFUSED;) {
        size_t piece = size - used < step ? size - used : step, taken = 0;
        progress = http_message_take(&message, MAX_BODY, data + used, piece, &taken);
        ENSURE(taken <= piece && (progress != HTTP_MORE || taken == piece));
        used += taken;
        if (progress != HTTP_COMPLETE) continue;
        check_accepted(&message);
        text_print(story, "request %d %zu ", (int)message.method, message.header_count);
        text_add(story, message.head.data, message.head.length);
        text_add(story, message.body.data ? message.body.data : "", message.body.length);
        http_message_reset(&message);
        progress = HTTP_MORE;
    }
    text_print(story, "end %d %d %s", (int)progress, message.status, message.reason ? message.reason : "");
    http_message_fini(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    const char *bytes = (const char *)data + 1;
    struct text whole = {0}, pieces = {0};
    parse_all(bytes, size - 1, size, &whole);
    parse_all(bytes, size - 1, data[0] % 32 + 1U, &pieces);
    ENSURE(whole.length == pieces.length && memcmp(whole.data, pieces.data, whole.length) == 0);
    text_free(&whole);
    text_free(&pieces);
    return 0;
}
