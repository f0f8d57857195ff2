// SPDX-License-Identifier: Apache-2.0
// An HTTP request to the gateway as a list of raw events, by the CloudEvents HTTP binding 1.0.2: structured mode
// (application/cloudevents+json), batch mode (application/cloudevents-batch+json) and binary mode (attributes in ce-*
// headers, the body is data). Decides, does not do: takes texts, gives texts. The events are not decoded here.
#pragma once
#include "ingest/event.h"

struct request_header {
    const char *name, *value; // name in lower case
};
struct request_input {
    const char *content_type; // NULL if absent
    const struct request_header *headers;
    size_t header_count;
    struct slice body;
    size_t events_most; // ingest.max_batch
};

// What is wrong with the request as a whole: an HTTP status, a stable code and a sentence.
struct request_problem {
    int status;
    const char *code;
    char detail[FAULT_TEXT_MAX];
};

// *events: count raw events in an array from the arena, which point into the body or (binary mode) into the arena.
// ERR_INVALID with the problem: 415 unsupported_media_type (another content type, charset or coding), 400 malformed (an
// empty body, no JSON array, an empty array, binary attributes that cannot be), 413 too_many_events.
enum err request_read(const struct request_input *input, struct arena *arena, struct slice **events, size_t *count,
                      struct request_problem *problem) MUST_USE;

// --- request_binary.c: one structured JSON event from headers and body.
enum err request_read_binary(const struct request_input *input, struct arena *arena, struct slice *event,
                             struct request_problem *problem) MUST_USE;
bool request_is_binary(const struct request_input *input);
enum err request_refuse(struct request_problem *problem, int status, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5); // always ERR_INVALID
// Is a media type (with parameters) this type, with no charset but UTF-8? Types are compared without case.
enum media_match { MEDIA_OTHER, MEDIA_OTHER_CHARSET, MEDIA_SAME };
enum media_match media_match(const char *content_type, const char *type);
