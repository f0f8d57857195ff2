// SPDX-License-Identifier: Apache-2.0
// The strict HTTP/1.1 request parser: bytes in, one request or one refusal out. Pure: no sockets, no clock, no library.
// Incremental: fed in any pieces it gives the same result (tests/unit/test_http_parse.c splits at every byte).
// Stricter than RFC 9112 on purpose: what two readers could read differently is refused, never repaired.
// common/http_parse.c cuts lines and bodies, common/http_guard.c judges them.
#pragma once
#include "common/http.h"

// Every size that a client chooses passes one of these first.
enum {
    HTTP_HEADERS_MAX = 100,                             // 431 beyond
    HTTP_HEADER_BYTES_MAX = 16 * 1024,                  // all header lines with their ends; 431 beyond
    HTTP_TARGET_BYTES_MAX = 8 * 1024,                   // path and query as sent; 414 beyond
    HTTP_REQUEST_LINE_MAX = HTTP_TARGET_BYTES_MAX + 64, // leaves room for method, version and CRLF; 414 beyond
    HTTP_PARAMETERS_MAX = 64,                           // query parameters; 400 beyond
    HTTP_METHOD_LENGTH_MAX = 16,                        // 501 beyond
    HTTP_CONTENT_LENGTH_DIGITS_MAX = 19,                // what fits into 64 bits; 400 beyond
};

enum http_progress {
    HTTP_MORE,     // the request is not complete yet
    HTTP_COMPLETE, // complete; bytes that were not taken belong to the next request
    HTTP_REFUSED   // status and reason say why; the connection must be closed after the answer
};

enum http_phase {
    HTTP_PHASE_REQUEST_LINE,
    HTTP_PHASE_HEADERS,
    HTTP_PHASE_BODY,
    HTTP_PHASE_COMPLETE,
    HTTP_PHASE_REFUSED
};

// Offsets of two NUL-terminated texts in the same buffer (offsets, because the buffer grows while it is filled).
struct http_pair {
    uint32_t name, value;
};

struct http_message {
    enum http_phase phase;
    struct text head;    // request line and headers as received; texts are cut out in place, header names in lower case
    struct text decoded; // names and values of the query parameters, percent-decoded
    struct text body;
    size_t line_start;    // of the line being received, in head
    size_t headers_start; // of the first header line, in head
    bool blank_skipped;   // one empty line before the request is tolerated (RFC 9112 section 2.2)

    enum http_method method;
    int minor_version;    // HTTP/1.x
    uint32_t path, query; // in head
    size_t header_count, parameter_count;
    struct http_pair headers[HTTP_HEADERS_MAX];       // in head
    struct http_pair parameters[HTTP_PARAMETERS_MAX]; // in decoded
    uint32_t singles_seen;                            // bit per row of the table of headers that may come once
    bool has_length, has_host, has_transfer_encoding, chunked, has_expect, expects_continue, closes;
    uint64_t content_length;

    int status;         // of a refusal
    const char *reason; // of a refusal, static
};

// Makes a zeroed or used message ready for the next request; keeps its memory.
void http_message_reset(struct http_message *message);
void http_message_fini(struct http_message *message);
// Takes bytes of one request; *taken says how many (after a refusal it means nothing). The body is limited before it
// is read.
enum http_progress http_message_take(struct http_message *message, size_t max_body_bytes, const char *data,
                                     size_t length, size_t *taken) MUST_USE;
// NULL if absent; the name is case-insensitive. Valid until the message is reset.
const char *http_message_header(const struct http_message *message, const char *name);
const char *http_message_parameter(const struct http_message *message, const char *name);

// --- the guard (http_guard.c): false after http_refuse
bool http_refuse(struct http_message *message, int status, const char *reason); // always false
bool http_guard_request_line(struct http_message *message, char *line, size_t length) MUST_USE;
bool http_guard_header(struct http_message *message, char *line, size_t length) MUST_USE;
bool http_guard_head(struct http_message *message, size_t max_body_bytes) MUST_USE;
// --- the target's grammar (http_target.c)
bool http_guard_target(struct http_message *message, char *target, size_t length) MUST_USE;
bool http_is_token_byte(unsigned char byte);
