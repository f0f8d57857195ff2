// SPDX-License-Identifier: Apache-2.0
// Cuts the bytes of a connection into lines and bodies, within the limits of http_parse.h, and has each judged by the
// guard as soon as it is complete. Called by the connection (http_connection.c), the tests and the fuzzer.
#include "common/http_parse.h"

#include <string.h>
#include <strings.h>

void http_message_reset(struct http_message *message)
{
    struct text head = message->head, decoded = message->decoded, body = message->body;
    if (head.data) text_clear(&head);
    if (decoded.data) text_clear(&decoded);
    if (body.data) text_clear(&body);
    *message = (struct http_message){.head = head, .decoded = decoded, .body = body};
}

void http_message_fini(struct http_message *message)
{
    text_free(&message->head);
    text_free(&message->decoded);
    text_free(&message->body);
}

bool http_refuse(struct http_message *message, int status, const char *reason)
{
    message->phase = HTTP_PHASE_REFUSED;
    message->status = status;
    message->reason = reason;
    return false;
}

static bool first_byte_plausible(struct http_message *message, char byte)
{
    // Found out at the first byte, so that a TLS greeting or garbage without line ends does not wait for the deadline.
    if (message->head.length > message->line_start) return true;
    if (message->phase != HTTP_PHASE_REQUEST_LINE || byte == '\r') return true;
    return http_is_token_byte((unsigned char)byte) ||
           http_refuse(message, 400, "the request line does not begin with a method");
}

// How many bytes the section being received (request line, or all headers) may still take.
static size_t section_room(const struct http_message *message)
{
    bool headers = message->phase == HTTP_PHASE_HEADERS;
    size_t start = headers ? message->headers_start : message->line_start;
    size_t limit = headers ? HTTP_HEADER_BYTES_MAX : HTTP_REQUEST_LINE_MAX;
    return limit - (message->head.length - start);
}

static bool line_too_long(struct http_message *message)
{
    if (message->phase == HTTP_PHASE_REQUEST_LINE)
        return http_refuse(message, 414, "the request target is longer than 8 KiB");
    return http_refuse(message, 431, "the headers are longer than 16 KiB");
}

static bool take_request_line(struct http_message *message, char *line, size_t length)
{
    if (length == 0) {
        if (message->blank_skipped) return http_refuse(message, 400, "empty lines instead of a request");
        message->blank_skipped = true;
        return true;
    }
    message->headers_start = message->head.length;
    message->phase = HTTP_PHASE_HEADERS;
    return http_guard_request_line(message, line, length);
}

static bool take_header_line(struct http_message *message, char *line, size_t length, size_t max_body_bytes)
{
    if (length > 0) return http_guard_header(message, line, length);
    if (!http_guard_head(message, max_body_bytes)) return false;
    message->phase = message->content_length > 0 ? HTTP_PHASE_BODY : HTTP_PHASE_COMPLETE;
    return true;
}

// The line from line_start to the end of head, which ends with LF.
static bool take_line(struct http_message *message, size_t max_body_bytes)
{
    char *line = message->head.data + message->line_start;
    size_t length = message->head.length - message->line_start;
    message->line_start = message->head.length;
    if (length < 2 || line[length - 2] != '\r') return http_refuse(message, 400, "a line does not end with CRLF");
    length -= 2;
    if (message->phase == HTTP_PHASE_REQUEST_LINE) return take_request_line(message, line, length);
    return take_header_line(message, line, length, max_body_bytes);
}

static size_t take_head(struct http_message *message, size_t max_body_bytes, const char *data, size_t length)
{
    if (!first_byte_plausible(message, data[0])) return 0;
    size_t room = section_room(message);
    size_t reach = length < room ? length : room;
    const char *end = reach ? memchr(data, '\n', reach) : NULL;
    size_t piece = end ? (size_t)(end - data) + 1 : reach;
    text_add(&message->head, data, piece);
    if (end)
        (void)take_line(message, max_body_bytes); // the phase says how it went
    else if (reach == room)
        (void)line_too_long(message);
    return piece;
}

static size_t take_body(struct http_message *message, const char *data, size_t length)
{
    uint64_t missing = message->content_length - message->body.length;
    size_t piece = length < missing ? length : (size_t)missing;
    text_add(&message->body, data, piece);
    if (message->body.length == message->content_length) message->phase = HTTP_PHASE_COMPLETE;
    return piece;
}

static enum http_progress progress_of(enum http_phase phase)
{
    switch (phase) {
    case HTTP_PHASE_COMPLETE:
        return HTTP_COMPLETE;
    case HTTP_PHASE_REFUSED:
        return HTTP_REFUSED;
    case HTTP_PHASE_REQUEST_LINE:
    case HTTP_PHASE_HEADERS:
    case HTTP_PHASE_BODY:
        break;
    }
    return HTTP_MORE;
}

enum http_progress http_message_take(struct http_message *message, size_t max_body_bytes, const char *data,
                                     size_t length, size_t *taken)
{
    size_t used = 0;
    while (used < length && progress_of(message->phase) == HTTP_MORE) {
        if (message->phase == HTTP_PHASE_BODY)
            used += take_body(message, data + used, length - used);
        else
            used += take_head(message, max_body_bytes, data + used, length - used);
    }
    *taken = used;
    return progress_of(message->phase);
}

const char *http_message_header(const struct http_message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++) {
        const struct http_pair *pair = &message->headers[i];
        if (strcasecmp(message->head.data + pair->name, name) == 0) return message->head.data + pair->value;
    }
    return NULL;
}

const char *http_message_parameter(const struct http_message *message, const char *name)
{
    for (size_t i = 0; i < message->parameter_count; i++) {
        const struct http_pair *pair = &message->parameters[i];
        if (strcmp(message->decoded.data + pair->name, name) == 0) return message->decoded.data + pair->value;
    }
    return NULL;
}
