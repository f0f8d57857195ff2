// SPDX-License-Identifier: Apache-2.0
// Which of the three modes a request is in, and its events as raw JSON.
#include "ingest/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum err request_refuse(struct request_problem *problem, int status, const char *code, const char *format, ...)
{
    va_list arguments;
    problem->status = status;
    problem->code = code;
    va_start(arguments, format);
    vsnprintf(problem->detail, sizeof problem->detail, format, arguments);
    va_end(arguments);
    return ERR_INVALID;
}

static const char *blank_skip(const char *at)
{
    return at + strspn(at, " \t");
}

// A parameter's value up to the next ';', without blanks and quotes around it.
static struct slice parameter_value(const char *at)
{
    at = blank_skip(at);
    size_t length = strcspn(at, ";");
    while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '\t'))
        length--;
    if (length >= 2 && at[0] == '"' && at[length - 1] == '"') return (struct slice){at + 1, length - 2};
    return (struct slice){at, length};
}

enum media_match media_match(const char *content_type, const char *type)
{
    size_t length = strlen(type);
    content_type = blank_skip(content_type);
    if (strncasecmp(content_type, type, length) != 0) return MEDIA_OTHER;
    const char *at = blank_skip(content_type + length);
    while (*at == ';') {
        at = blank_skip(at + 1);
        if (strncasecmp(at, "charset=", 8) == 0) {
            struct slice charset = parameter_value(at + 8);
            if (charset.length != 5 || strncasecmp(charset.data, "utf-8", 5) != 0) return MEDIA_OTHER_CHARSET;
        }
        at += strcspn(at, ";");
    }
    return *at == 0 ? MEDIA_SAME : MEDIA_OTHER;
}

static enum err read_structured(const struct request_input *input, struct arena *arena, struct slice **events,
                                size_t *count, struct request_problem *problem)
{
    if (input->body.length == 0) return request_refuse(problem, 400, "malformed", "the body is empty");
    *events = ARENA_NEW(arena, struct slice);
    (*events)[0] = input->body;
    *count = 1;
    return ERR_OK;
}

static enum err read_batch(const struct request_input *input, struct arena *arena, struct slice **events, size_t *count,
                           struct request_problem *problem)
{
    struct fault fault;
    if (input->body.length == 0) return request_refuse(problem, 400, "malformed", "the body is empty");
    *events = ARENA_ARRAY(arena, struct slice, input->events_most);
    enum err err = event_batch_split(input->body, *events, input->events_most, count, &fault);
    if (err == ERR_LIMIT)
        return request_refuse(problem, 413, "too_many_events", "a request has at most %zu events", input->events_most);
    if (err != ERR_OK)
        return request_refuse(problem, 400, "malformed", "not a JSON array of events: %s: %s", fault.place,
                              fault.reason);
    if (*count == 0) return request_refuse(problem, 400, "malformed", "the array has no events");
    return ERR_OK;
}

static enum err read_binary(const struct request_input *input, struct arena *arena, struct slice **events,
                            size_t *count, struct request_problem *problem)
{
    *events = ARENA_NEW(arena, struct slice);
    *count = 1;
    return request_read_binary(input, arena, *events, problem);
}

static enum err read_by_mode(const struct request_input *input, struct arena *arena, struct slice **events,
                             size_t *count, struct request_problem *problem)
{
    static const struct {
        const char *type;
        enum err (*read)(const struct request_input *, struct arena *, struct slice **, size_t *,
                         struct request_problem *);
    } modes[] = {
        {"application/cloudevents+json", read_structured},
        {"application/cloudevents-batch+json", read_batch},
    };
    for (size_t i = 0; input->content_type && i < sizeof modes / sizeof *modes; i++) {
        enum media_match match = media_match(input->content_type, modes[i].type);
        if (match == MEDIA_SAME) return modes[i].read(input, arena, events, count, problem);
        if (match == MEDIA_OTHER_CHARSET)
            return request_refuse(problem, 415, "unsupported_media_type", "the charset must be utf-8");
    }
    if (request_is_binary(input)) return read_binary(input, arena, events, count, problem);
    return request_refuse(problem, 415, "unsupported_media_type",
                          "send application/cloudevents+json, application/cloudevents-batch+json, or ce- headers with "
                          "application/json");
}

enum err request_read(const struct request_input *input, struct arena *arena, struct slice **events, size_t *count,
                      struct request_problem *problem)
{
    for (size_t i = 0; i < input->header_count; i++)
        if (strcmp(input->headers[i].name, "content-encoding") == 0 &&
            strcasecmp(input->headers[i].value, "identity") != 0)
            return request_refuse(problem, 415, "unsupported_media_type", "the body must not be compressed");
    return read_by_mode(input, arena, events, count, problem);
}
